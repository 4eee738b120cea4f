import { UsageError } from '../errors.js';

/**
 * Geometric from kMin up, censored at n: P(k) = (1 - r) r^(k - kMin) below n, P(n) = r^(n - kMin), with r such that the mean is
 * exactly n (1 - p). With x = -log r the mean is kMin + (1 - e^(-m x)) / (e^x - 1), m = n - kMin: falling in x, so bisected.
 *
 * p = 0 keeps all and p = 1 drops all, whatever kMin.
 *
 * @returns P(k) at index k, length n + 1
 * @throws UsageError unless p is 0, 1, or below 1 - kMin/n
 */
export function geometricLaw(n: number, p: number, kMin: number): Float64Array {
  if (p === 0 || p === 1) return pointLaw(n, p === 0 ? n : 0);
  const m = n - kMin;
  const target = n * (1 - p) - kMin;
  if (!(target > 0 && target < m)) {
    throw new UsageError(
      `A geometric sampler over ${n} features that keeps at least ${kMin} needs p below 1 - ${kMin}/${n} = ${Number((1 - kMin / n).toPrecision(6))}, received ${p}.`,
      { hint: 'Take a smaller p, or allow fewer kept features (kMin 0 works for every p).' },
    );
  }
  const meanAbove = (x: number): number => -Math.expm1(-m * x) / Math.expm1(x);
  return censored(n, kMin, bisectFalling(meanAbove, target, Math.log1p(1 / target)));
}

/**
 * The law of the original PyTorch module: unit j of n is kept with probability e^(-j / (a n)), where a (1 - e^(-1/a)) = 1 - p.
 * A right Riemann sum: it drops p + (1 - e^(-1/a)) / (2n) + O(1/n^2), a little more than p.
 *
 * @returns P(k) at index k, length n + 1
 */
export function referenceLaw(n: number, p: number): Float64Array {
  if (p === 0 || p === 1) return pointLaw(n, p === 0 ? n : 0);
  const inverseScale = bisectFalling(keptFraction, 1 - p, 1 / (1 - p));
  return censored(n, 0, inverseScale / n);
}

/** a (1 - e^(-1/a)) at y = 1/a. */
function keptFraction(y: number): number {
  return -Math.expm1(-y) / y;
}

/** A law on kMin..n in proportion to `weight`, mixed with the certainty of n: atom at n, 1 - atom for the rest. */
export function proportionalLaw(n: number, kMin: number, weight: (k: number) => number, atom = 0): Float64Array {
  requireSupport(n, kMin);
  const law = Float64Array.from({ length: n + 1 }, (_, k) => (k < kMin ? 0 : weight(k)));
  const total = law.reduce((sum, w) => sum + w, 0);
  for (let k = 0; k <= n; k++) law[k] *= (1 - atom) / total;
  law[n] += atom;
  return law;
}

/** One part of the batch at n, one at kMin, `widths` parts uniform on kMin..n. */
export function sandwichLaw(n: number, kMin: number, widths: number): Float64Array {
  const law = proportionalLaw(n, kMin, () => 1);
  const parts = widths + 2;
  for (let k = 0; k <= n; k++) law[k] *= widths / parts;
  law[n] += 1 / parts;
  law[kMin] += 1 / parts;
  return law;
}

/** The given widths, equally likely. */
export function fixedLaw(n: number, ks: readonly number[]): Float64Array {
  const law = new Float64Array(n + 1);
  for (const k of ks) {
    if (k > n)
      throw new UsageError(`The fixed sampler keeps one of ks = ${ks.join(', ')}; the layer has ${n} features.`);
    law[k] = 1 / ks.length;
  }
  return law;
}

/** @throws UsageError when fewer than kMin features exist */
export function requireSupport(n: number, kMin: number): void {
  if (kMin > n) throw new UsageError(`kMin must lie within 0..${n}, the layer's features, received ${kMin}.`);
}

/** P(k) = (1 - e^-x) e^(-x (k - kMin)) below n; what is left, e^(-x (n - kMin)), at n. */
function censored(n: number, kMin: number, x: number): Float64Array {
  const law = new Float64Array(n + 1);
  const first = -Math.expm1(-x);
  for (let k = kMin; k < n; k++) law[k] = first * Math.exp(-x * (k - kMin));
  law[n] = Math.exp(-x * (n - kMin));
  return law;
}

function pointLaw(n: number, k: number): Float64Array {
  const law = new Float64Array(n + 1);
  law[k] = 1;
  return law;
}

/** The x in (0, upper] where a falling f reaches target, to the last bit: halves until the middle is an end. */
function bisectFalling(f: (x: number) => number, target: number, upper: number): number {
  let low = 0;
  let high = upper;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (f(middle) > target) low = middle;
    else high = middle;
  }
}
