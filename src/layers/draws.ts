import type { Random } from '../random/index.js';

/** Draws one k per example from a law given by its running sum. */
export type Draw = (cumulative: Float64Array, batch: number, random: Random) => Int32Array;

/** Each example on its own. */
export function drawIndependent(cumulative: Float64Array, batch: number, random: Random): Int32Array {
  return Int32Array.from({ length: batch }, () => quantile(cumulative, random.uniform()));
}

/**
 * Systematic sampling: u = (i + v)/batch with one v for the batch, in random order. Each example keeps its law, and each k comes
 * up within one of batch times its probability, which cuts the variance of a batch's mean loss many times.
 */
export function drawStratified(cumulative: Float64Array, batch: number, random: Random): Int32Array {
  const v = random.uniform();
  return random.shuffle(Int32Array.from({ length: batch }, (_, i) => quantile(cumulative, (i + v) / batch)));
}

/**
 * Of widths + 2 equal parts one keeps n, one kMin, and each of the others one width that is drawn once per batch. The first part
 * is chosen at random, so that a batch which does not divide evenly favours none.
 */
export function drawSandwich(n: number, kMin: number, widths: number, batch: number, random: Random): Int32Array {
  const ks = [n, kMin, ...Array.from({ length: widths }, () => kMin + random.integer(n - kMin + 1))];
  const start = random.integer(ks.length);
  return random.shuffle(Int32Array.from({ length: batch }, (_, i) => ks[(start + i) % ks.length]));
}

/** Running sums of a law. The last k with any probability ends at exactly 1, so that rounding never draws beyond it. */
export function cumulate(law: Float64Array): Float64Array {
  let sum = 0;
  const cumulative = law.map((probability) => (sum += probability));
  cumulative.fill(
    1,
    law.findLastIndex((probability) => probability > 0),
  );
  return cumulative;
}

/** The smallest k with u < cumulative[k]; u in [0, 1). */
function quantile(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (u < cumulative[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}
