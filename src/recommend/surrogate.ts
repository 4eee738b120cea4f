import type { Rise } from '../records/types.js';
import type { Option, Space } from './space.js';

/** What is expected of a plan that was not measured, in units of the allowed rise. */
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
  readonly families: readonly number[];
  /** Roots of the single curves' rises, in units of the allowed rise. */
  readonly roots: readonly number[];
  /** Sum of the rises. */
  readonly total: number;
  /** Sum over pairs of the geometric means of their rises: what groups do to each other grows like it. */
  readonly mixed: number;
  /** Standard error that independent groups would have. */
  readonly se: number;
}

/** Prior standard deviations: of a coefficient on `mixed` common to all pairs, of one for each pair, of each curve's scale, of the rest. */
const SD = { common: 0.6, pair: 0.3, scale: 0.1, local: 0.25, floor: 0.08 };
/** Reach of what is local, in roots of the allowed rise. */
const REACH = 0.5;
/** Squared distance of two curves of different kind. */
const APART = 0.05;
const FARTHEST = 100;

/**
 * A Gaussian process over joint plans (Rasmussen and Williams, 2006, 2.2), one set of weights: its mean is what the single curves add up to,
 * its kernel what groups do to each other, next to nothing where one group alone is narrowed, for that was measured.
 */
export function fitSurrogate(
  space: Space,
  measured: readonly { readonly options: readonly Option[]; readonly rise: Rise }[],
  { allowed, z }: { allowed: number; z: number },
): Surrogate {
  const { full } = space.candidate;
  const featuresOf = (options: readonly Option[]): Features => features(options, full.deltaSe, allowed);
  const points = measured.map(({ options, rise }) => ({ at: featuresOf(options), rise }));
  const tax = full.delta / allowed;
  const residuals = points.map(({ at, rise }) => finite(rise.delta / allowed - tax - at.total));
  const rows = points.map(({ at: a }, i) => points.slice(0, i + 1).map(({ at: b }) => kernel(a, b)));
  rows.forEach((row, i) => {
    row[i] += noise(points[i].at);
  });
  const factor = cholesky(rows);
  const weights = backward(factor, forward(factor, residuals));
  const margins = points.map(({ at, rise }) => ({
    at,
    margin: Math.max(0, finite((rise.upper95 - rise.delta) / allowed)),
  }));
  const expect = (options: readonly Option[]): Expectation => {
    const at = featuresOf(options);
    const covariances = points.map((point) => kernel(at, point.at));
    const mean = tax + at.total + covariances.reduce((sum, value, i) => sum + value * weights[i], 0);
    const explained = forward(factor, covariances).reduce((sum, value) => sum + value * value, 0);
    return {
      mean,
      sd: Math.sqrt(Math.max(0, kernel(at, at) - explained) + noise(at)),
      margin: marginAt(at, margins, z),
    };
  };
  return { expect };
}

function finite(value: number): number {
  return Number.isNaN(value) ? FARTHEST : Math.min(FARTHEST, Math.max(-FARTHEST, value));
}

function features(options: readonly Option[], fullSe: number, allowed: number): Features {
  const rises = options.map(({ rise }) => rise / allowed);
  const roots = rises.map(Math.sqrt);
  const total = sum(rises);
  const variance = options.reduce((all, { se }) => all + Math.max(0, se ** 2 - fullSe ** 2), fullSe ** 2);
  return {
    families: options.map(({ family }) => family),
    roots,
    total,
    mixed: (sum(roots) ** 2 - total) / 2,
    se: Math.sqrt(variance) / allowed,
  };
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

/** Far beyond the budget the curves say little about what happens at it. */
function noise({ total }: Features): number {
  return 0.02 ** 2 + (0.02 * total) ** 2 + (0.3 * Math.max(0, total - 2)) ** 2;
}

function marginAt(at: Features, margins: readonly { at: Features; margin: number }[], z: number): number {
  let [weighed, weights] = [1e-3 * z * at.se, 1e-3];
  for (const { at: other, margin } of margins) {
    const distance = at.roots.reduce((all, root, i) => all + (root - other.roots[i]) ** 2, 0);
    const weight = Math.exp(-distance / (2 * REACH ** 2)) + 1e-3;
    weighed += weight * (other.se > 0 ? (margin / other.se) * at.se : margin);
    weights += weight;
  }
  return weighed / weights;
}

/** Lower triangular factor, row by row. */
function cholesky(rows: readonly (readonly number[])[]): number[][] {
  const factor: number[][] = [];
  rows.forEach((row, i) => {
    factor.push([]);
    for (let j = 0; j <= i; j++) {
      let value = row[j];
      for (let k = 0; k < j; k++) value -= factor[i][k] * factor[j][k];
      factor[i].push(i === j ? Math.sqrt(Math.max(value, 1e-12)) : value / factor[j][j]);
    }
  });
  return factor;
}

function forward(factor: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solved: number[] = [];
  factor.forEach((row, i) => {
    let value = right[i];
    for (let k = 0; k < i; k++) value -= row[k] * solved[k];
    solved.push(value / row[i]);
  });
  return solved;
}

function backward(factor: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solved = [...right];
  for (let i = factor.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < factor.length; k++) solved[i] -= factor[k][i] * solved[k];
    solved[i] /= factor[i][i];
  }
  return solved;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
