import { createRandom, deriveSeed } from '../random/index.js';
import type { RiseInterval } from '../records/types.js';
import { mean, standardError } from './stats.js';

export interface IntervalOptions {
  /** 0.5 < confidence < 1, of the one-sided bound and of the two-sided interval alike. */
  readonly confidence: number;
  readonly seed: number;
}

/** Below this many rows the mean is not taken for normal. */
export const BOOTSTRAP_BELOW = 1000;
const DRAWS = 2000;

/**
 * Mean of paired differences with its one-sided upper bound and its two-sided interval. From 1,000 rows on by the normal law, below by the
 * paired bootstrap (percentiles of 2,000 resamples; Efron and Tibshirani, 1993), seeded: the same rows, the same bounds.
 *
 * @param differences one a row, in any unit, positive = worse
 */
export function riseInterval(differences: Float64Array, options: IntervalOptions): RiseInterval {
  return intervalsOf(differences.length, options)(differences);
}

/** The same for many lists of as many rows each, for which the resamples are drawn only once. */
export function intervalsOf(
  rows: number,
  { confidence, seed }: IntervalOptions,
): (differences: Float64Array) => RiseInterval {
  const sides = [confidence, (1 - confidence) / 2, (1 + confidence) / 2];
  let drawn: Uint16Array | undefined;
  return (differences) => {
    if (differences.length !== rows) throw new RangeError(`Expected ${rows} rows, got ${differences.length}.`);
    const delta = mean(differences);
    const deltaSe = standardError(differences);
    // equal differences (none at all, say) have nothing to be resampled
    if (rows >= BOOTSTRAP_BELOW || deltaSe === 0) {
      const [upper95, low95, high95] = sides.map((share) => delta + normalQuantile(share) * deltaSe);
      return { delta, deltaSe, upper95, low95, high95 };
    }
    drawn ??= resamples(rows, seed);
    const [upper95, low95, high95] = quantiles(resampledMeans(differences, drawn), sides);
    return { delta, deltaSe, upper95, low95, high95 };
  };
}

/** Rows of every resample, one resample after the other. */
function resamples(rows: number, seed: number): Uint16Array {
  const random = createRandom(deriveSeed(seed, 'bootstrap', rows));
  const drawn = new Uint16Array(DRAWS * rows);
  for (let i = 0; i < drawn.length; i++) drawn[i] = random.integer(rows);
  return drawn;
}

function resampledMeans(differences: Float64Array, drawn: Uint16Array): Float64Array {
  const rows = differences.length;
  const means = new Float64Array(DRAWS);
  for (let draw = 0, at = 0; draw < DRAWS; draw++) {
    let total = 0;
    for (const end = at + rows; at < end; at++) total += differences[drawn[at]];
    means[draw] = total / rows;
  }
  return means.sort();
}

/** Linear between order statistics (R's type 7). */
function quantiles(sorted: Float64Array, shares: readonly number[]): number[] {
  return shares.map((share) => {
    const at = share * (sorted.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  });
}

/**
 * The number that a standard normal variable falls below with probability `share`; relative error < 1.2e-9 (P. J. Acklam's rational
 * approximation, 2003).
 *
 * @param share 0 < share < 1
 */
export function normalQuantile(share: number): number {
  if (share > 1 - LOW) return -normalQuantile(1 - share);
  if (share < LOW) {
    const q = Math.sqrt(-2 * Math.log(share));
    return polynomial(C, q) / (polynomial(D, q) * q + 1);
  }
  const q = share - 0.5;
  const r = q * q;
  return (polynomial(A, r) * q) / (polynomial(B, r) * r + 1);
}

const LOW = 0.02425;
const A = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
];
const B = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1];
const C = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const D = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416];

/** Highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0);
}
