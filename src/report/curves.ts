import type { Curve, CurvePoint, GroupCurves } from '../records/types.js';
import { Z95, type LossScale } from './scale.js';

/** A measured point in the units of the report. */
export interface RisePoint {
  readonly k: number;
  /** Rise over the original, lower and upper one-sided 95 % bound, in the scale's unit. */
  readonly rise: number;
  readonly low: number;
  readonly high: number;
  readonly source: CurvePoint;
}

export interface CurveView {
  readonly curve: Curve;
  readonly points: readonly RisePoint[];
  /** Smallest measured width from which every wider one holds the budget at 95 %; null if not even k = n does. */
  readonly needs: RisePoint | null;
  /** Widths that are neither shown to hold nor shown to break, narrower than `needs`; from and to inclusive. */
  readonly unresolved: { readonly from: number; readonly to: number } | null;
  /** The measured width with the lowest loss (the narrowest of equals). */
  readonly lowest: RisePoint;
  /** True when that width is below n and its upper bound is below the original's loss. */
  readonly better: boolean;
}

/** Looks at one curve under the scale's budget. A curve has at least one point. */
export function viewCurve(curve: Curve, scale: LossScale): CurveView {
  const points = curve.points.map((p) => viewPoint(p, scale));
  const lowest = points.reduce((best, p) => (p.rise < best.rise ? p : best));
  const needs = widthAlone(points, scale.budget);
  return {
    curve,
    points,
    needs,
    unresolved: unresolvedWidths(points, needs, scale.budget),
    lowest,
    better: lowest.k < curve.n && lowest.high < 0 && scale.metric === undefined,
  };
}

/** Of a metric no standard error was recorded: the point is all there is. */
function viewPoint(source: CurvePoint, { factor, metric }: LossScale): RisePoint {
  if (metric !== undefined) {
    const change = (source.metrics[metric.key] ?? metric.reference) - metric.reference;
    const rise = (metric.better === 'higher' ? -change : change) * factor;
    return { k: source.k, rise, low: rise, high: rise, source };
  }
  const rise = source.delta * factor;
  const margin = Z95 * source.deltaSe * factor;
  return { k: source.k, rise, low: rise - margin, high: rise + margin, source };
}

/** Suffix rule: the smallest k such that every measured k' >= k has its upper bound inside the budget. */
export function widthAlone(points: readonly RisePoint[], budget: number | null): RisePoint | null {
  return budget === null ? null : narrowestSuffix(points, (p) => p.high <= budget);
}

/** From the smallest k such that no measured k' >= k has its lower bound above the budget, to just below `needs`. */
export function unresolvedWidths(
  points: readonly RisePoint[],
  needs: RisePoint | null,
  budget: number | null,
): { from: number; to: number } | null {
  if (budget === null) return null;
  const first = narrowestSuffix(points, (p) => p.low <= budget);
  const last = points.at(-1);
  if (first === null || last === undefined) return null;
  const to = needs === null ? last.k : needs.k - 1;
  return first.k <= to ? { from: first.k, to } : null;
}

function narrowestSuffix(points: readonly RisePoint[], inside: (p: RisePoint) => boolean): RisePoint | null {
  let found: RisePoint | null = null;
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i];
    if (point === undefined || !inside(point)) break;
    found = point;
  }
  return found;
}

/** The group's curve of the basis `tail` on these weights. */
export function tailCurve(group: GroupCurves, weights: Curve['weights']): Curve | undefined {
  return group.curves.find((c) => c.basis === 'tail' && c.weights === weights && c.points.length > 0);
}

/**
 * Examples that would put the upper bound at the budget if the rise stayed: N (1.645 se / (a - d))^2, rounded up to a
 * thousand (below a thousand: to a hundred). Null unless the rise is inside the budget.
 */
export function examplesNeeded(point: RisePoint, budget: number, examples: number): number | null {
  if (point.rise >= budget || examples <= 0) return null;
  const needed = examples * ((point.high - point.rise) / (budget - point.rise)) ** 2;
  const step = needed < 1000 ? 100 : 1000;
  return Math.ceil(needed / step) * step;
}
