import type { Rise } from '../records/types.js';
import type { Option, Space } from './space.js';

/** What is expected of a plan that was not measured. */
export interface Expectation {
  /** Rise over the original. */
  readonly mean: number;
  /** Standard deviation of what the surrogate does not know; not the sampling error of the rows. */
  readonly sd: number;
  /** How far the bound lies above the rise. */
  readonly margin: number;
}

export interface Surrogate {
  readonly expect: (options: readonly Option[]) => Expectation;
}

interface Features {
  readonly families: Int32Array;
  /** Roots of the single curves' rises, in units of what the tax leaves. */
  readonly roots: Float64Array;
  /** Sum of the rises, repaired and as measured. */
  readonly total: number;
  readonly raw: number;
  /** Sum over pairs of the geometric means of their rises: what groups do to each other grows like it. */
  readonly mixed: number;
  /** Standard error that independent groups would have. */
  readonly se: number;
}

/** Prior standard deviations: of a coefficient on `mixed` common to all pairs, of one for each pair, of each curve's scale, of the rest. */
const SD = { common: 0.6, pair: 0.3, scale: 0.1, local: 0.25, floor: 0.08 };
/** Reach of what is local, in roots of what the tax leaves. */
const REACH = 0.5;
/** Squared distance of two curves of different kind. */
const APART = 0.05;
const FARTHEST = 100;

/**
 * A Gaussian process over joint plans (Rasmussen and Williams, 2006, 2.2), one set of weights: its mean is what the single curves, as
 * measured, add up to,
 * its kernel what groups do to each other, next to nothing where one group alone is narrowed, for that was measured.
 */
export function fitSurrogate(
  space: Space,
  measured: readonly { readonly options: readonly Option[]; readonly rise: Rise }[],
  { allowed, z }: { allowed: number; z: number },
): Surrogate {
  const { full } = space.candidate;
  const unit = unitOf(space, allowed);
  const points = measured.map(({ options, rise }): Point => {
    const at = features(options, full.deltaSe, unit);
    return {
      at,
      margin: Math.max(0, finite((rise.upper95 - rise.delta) / unit)),
      delta: finite(rise.delta / unit),
    };
  });
  const tax = full.delta / unit;
  const factor = points.map(({ at: a }, i) =>
    Float64Array.from(points.slice(0, i + 1), ({ at: b }, j) => kernel(a, b) + (i === j ? noise(a) + doubt(a) : 0)),
  );
  cholesky(factor);
  const weights = Float64Array.from(points, ({ at, delta }) => delta - tax - at.raw);
  forward(factor, weights);
  backward(factor, weights);
  const covariances = new Float64Array(points.length);
  const expect = (options: readonly Option[]): Expectation => {
    const at = features(options, full.deltaSe, unit);
    let mean = tax + at.raw;
    points.forEach((point, i) => {
      covariances[i] = kernel(at, point.at);
      mean += covariances[i] * weights[i];
    });
    forward(factor, covariances);
    let variance = kernel(at, at) + noise(at);
    for (const value of covariances) variance -= value * value;
    const sd = Math.sqrt(Math.max(variance, noise(at)));
    return { mean: unit * mean, sd: unit * sd, margin: unit * marginAt(at, points, z) };
  };
  return { expect };
}

/** What the tax leaves of the allowed rise, the natural unit of rises over the same weights; at least a quarter of the allowed rise. */
export function unitOf({ candidate }: Space, allowed: number): number {
  return Math.max(allowed - candidate.full.delta, allowed / 4);
}

interface Point {
  readonly at: Features;
  /** Rise, and how far its bound lies above, in units of what the tax leaves. */
  readonly delta: number;
  readonly margin: number;
}

function finite(value: number): number {
  return Number.isNaN(value) ? FARTHEST : Math.min(FARTHEST, Math.max(-FARTHEST, value));
}

function features(options: readonly Option[], fullSe: number, unit: number): Features {
  const families = new Int32Array(options.length);
  const roots = new Float64Array(options.length);
  let [total, raw, rooted, variance] = [0, 0, 0, fullSe ** 2];
  options.forEach(({ family, rise, raw: measured, se }, i) => {
    families[i] = family;
    roots[i] = Math.sqrt(rise / unit);
    total += rise / unit;
    raw += measured / unit;
    rooted += roots[i];
    variance += Math.max(0, se ** 2 - fullSe ** 2);
  });
  return { families, roots, total, raw, mixed: (rooted ** 2 - total) / 2, se: Math.sqrt(variance) / unit };
}

function kernel(a: Features, b: Features): number {
  let [shared, squares, distance] = [0, 0, 0];
  for (let i = 0; i < a.roots.length; i++) {
    const isSame = a.families[i] === b.families[i];
    const product = a.roots[i] * b.roots[i] * (isSame ? 1 : 0.7);
    shared += product;
    squares += product * product;
    distance += (a.roots[i] - b.roots[i]) ** 2 + (isSame ? 0 : APART);
  }
  const near = Math.exp(-distance / (2 * REACH ** 2));
  const local = (SD.floor + SD.local * a.mixed) * (SD.floor + SD.local * b.mixed) * near;
  const pairs = (shared * shared - squares) / 2;
  return SD.common ** 2 * a.mixed * b.mixed + SD.pair ** 2 * pairs + SD.scale ** 2 * squares + local;
}

/** Bumps, and what interpolating between measured k misses. */
function noise({ total }: Features): number {
  return 0.02 ** 2 + (0.02 * total) ** 2;
}

/** What a plan far beyond the budget is not believed to say about plans at it. */
function doubt({ total }: Features): number {
  return (0.3 * Math.max(0, total - 2)) ** 2;
}

function marginAt(at: Features, points: readonly Point[], z: number): number {
  let [weighed, weights] = [1e-3 * z * at.se, 1e-3];
  for (const { at: other, margin } of points) {
    let distance = 0;
    for (let i = 0; i < at.roots.length; i++) distance += (at.roots[i] - other.roots[i]) ** 2;
    const weight = Math.exp(-distance / (2 * REACH ** 2)) + 1e-3;
    weighed += weight * (other.se > 0 ? (margin / other.se) * at.se : margin);
    weights += weight;
  }
  return weighed / weights;
}

/** Turns the lower triangle, row by row, into its factor. */
function cholesky(rows: readonly Float64Array[]): void {
  rows.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let value = row[j];
      for (let k = 0; k < j; k++) value -= row[k] * rows[j][k];
      row[j] = i === j ? Math.sqrt(Math.max(value, 1e-12)) : value / rows[j][j];
    }
  });
}

/** Solves factor x = right in place. */
function forward(factor: readonly Float64Array[], right: Float64Array): void {
  for (let i = 0; i < factor.length; i++) {
    const row = factor[i];
    let value = right[i];
    for (let k = 0; k < i; k++) value -= row[k] * right[k];
    right[i] = value / row[i];
  }
}

/** Solves factor' x = right in place. */
function backward(factor: readonly Float64Array[], right: Float64Array): void {
  for (let i = factor.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < factor.length; k++) right[i] -= factor[k][i] * right[k];
    right[i] /= factor[i][i];
  }
}
