import type {
  Cost,
  Curve,
  CurvePoint,
  GroupCurves,
  HeldOut,
  JointMeasured,
  PlannedGroup,
  PlanRecord,
  Rise,
} from '../records/types.js';
import { planScale } from './planScale.js';
import type { LossScale } from './scale.js';

/** A rise in the scale's unit; `low` mirrors the one-sided bound, so that every bar of a page means the same. */
export interface RiseView {
  readonly rise: number;
  readonly low: number;
  readonly high: number;
}

export type JointVerdict = 'holds' | 'unresolved' | 'broken';

/** A joint model that was measured. */
export interface JointView extends RiseView {
  readonly source: JointMeasured;
  /** What is minimised. */
  readonly cost: number;
  readonly verdict: JointVerdict;
  readonly isPlan: boolean;
}

type CurveSource = { readonly groups: readonly GroupCurves[] };

export interface PlanView {
  readonly record: PlanRecord;
  readonly scale: LossScale;
  /** `95 %` as a number: 95. */
  readonly confidence: number;
  readonly verdict: JointVerdict;
  readonly contradicted: boolean;
  readonly select: RiseView;
  readonly report: RiseView;
  readonly control?: RiseView;
  readonly retrained?: RiseView;
  /** The plan's own widths before tuning, where that was measured too. */
  readonly untuned?: JointView;
  readonly joint: readonly JointView[];
  /** Name and value of what is minimised; null: the original's milliseconds are not known. */
  readonly cost: { readonly name: PlanRecord['minimize']; readonly original: number | null; readonly planned: number };
  /** The cost that single groups are told in. */
  readonly costName: keyof Cost;
  /** Share that is saved, 0 to 1. */
  readonly saves: number;
  /** True where nothing is narrowed: nothing was free to be. */
  readonly nothing: boolean;
  /** No narrower plan's mean holds; what stands here is the one that comes nearest. */
  readonly infeasible: boolean;
}

/** @param milliseconds of the original model, where latency was measured */
export function viewPlan(record: PlanRecord, milliseconds?: number): PlanView {
  const scale = planScale(record);
  const of = (r: Rise): RiseView => viewRise(r, scale.factor);
  const cost = costs(record, milliseconds);
  const full = (r: Rise | undefined, measured: Rise | undefined): RiseView | undefined => {
    const rise = measured ?? r;
    return rise === undefined ? undefined : of(rise);
  };
  const joint = record.frontier.map((j) => viewJoint(record, scale, j));
  const untuned = record.planned.tuned ? joint.find((j) => !j.source.tuned && sameWidths(j.source, record)) : undefined;
  const control = full(record.feasibility.control, record.control);
  const retrained = full(record.feasibility.retrained, record.retrained);
  const narrowed = record.groups.some((g) => g.k < g.n);
  const saves = cost.original === null || cost.original <= 0 ? 0 : 1 - cost.planned / cost.original;
  return {
    record,
    scale,
    confidence: Number((100 * record.confidence).toPrecision(6)),
    verdict: record.verdict === 'not resolved' ? 'unresolved' : record.verdict,
    contradicted: record.report.verdict === 'contradicts',
    select: of(record.planned),
    report: viewReport(record.report, scale.factor),
    ...(control === undefined ? {} : { control }),
    ...(retrained === undefined ? {} : { retrained }),
    ...(untuned === undefined ? {} : { untuned }),
    joint,
    cost,
    costName: record.minimize === 'latency' ? 'parameters' : record.minimize,
    saves,
    nothing: !narrowed,
    infeasible: narrowed && !record.feasible && record.verdict === 'broken',
  };
}

function viewRise({ delta, upper95 }: Rise, factor: number): RiseView {
  const [rise, high] = [delta * factor, upper95 * factor];
  return { rise, low: 2 * rise - high, high };
}

function viewReport(held: HeldOut, factor: number): RiseView {
  return viewRise(held, factor);
}

function costs(record: PlanRecord, milliseconds: number | undefined): PlanView['cost'] {
  const { minimize: name, original, planned } = record;
  if (name !== 'latency') return { name, original: original[name], planned: planned[name] };
  return { name, original: milliseconds ?? null, planned: planned.latency ?? 0 };
}

function viewJoint(record: PlanRecord, scale: LossScale, source: JointMeasured): JointView {
  const { delta, upper95 } = source;
  const { allowed } = record.budget;
  return {
    ...viewRise(source, scale.factor),
    source,
    cost: record.minimize === 'latency' ? (source.latency ?? 0) : source[record.minimize],
    verdict: upper95 <= allowed ? 'holds' : delta <= allowed ? 'unresolved' : 'broken',
    isPlan: source.tuned === record.planned.tuned && sameWidths(source, record),
  };
}

/** Same weights, and the same choice for every group. */
export function sameWidths(
  a: Pick<JointMeasured, 'weights' | 'groups'>,
  b: Pick<JointMeasured, 'weights' | 'groups'>,
): boolean {
  const key = ({ weights, groups }: typeof a): string =>
    JSON.stringify([weights, groups.map((g) => (g.k >= g.n ? [g.name] : [g.name, g.layer, g.k, g.basis, g.kind]))]);
  return key(a) === key(b);
}

/** Which joint models hold and cost less than the original: the cheapest of them. */
export function cheapestHolding({ joint, cost, record }: PlanView): JointView | undefined {
  const original = cost.original ?? Infinity;
  return joint
    .filter((j) => j.verdict === 'holds' && j.cost < original && j.source.groups.some((g) => g.k < g.n))
    .filter((j) => record.minimize !== 'latency' || j.source.latency !== undefined)
    .toSorted((a, b) => a.cost - b.cost)[0];
}

/** Records that single curves are looked up in. */
export interface CurveSources {
  readonly sweep?: CurveSource;
  readonly compare?: CurveSource;
  readonly candidates?: CurveSource;
}

/**
 * The measured single curve that a choice is made from. Units that are replaced by their mean have it among the candidates only: a sweep
 * and a comparison put zeros. A kernel's ranks stand with the group of its units, whatever the choice is called.
 */
export function curveOf(
  group: PlannedGroup,
  weights: PlanRecord['weights'],
  { sweep, compare, candidates }: CurveSources,
): Curve | undefined {
  for (const source of group.folded === true ? [candidates] : [sweep, compare, candidates]) {
    for (const { curves } of source?.groups.filter((g) => group.kind === 'rank' || g.name === group.name) ?? []) {
      const found = curves.find(
        (c) =>
          c.basis === group.basis &&
          c.kind === group.kind &&
          c.weights === weights &&
          c.n === group.n &&
          c.points.length > 0 &&
          (group.kind === 'unit' || c.layer === group.layer),
      );
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Cost of the model with one group at k; between measured widths interpolated: arithmetic, not a measurement. */
export function costAt(points: readonly CurvePoint[], k: number, name: keyof Cost): number | undefined {
  const right = points.findIndex((p) => p.k >= k);
  const b = points[right];
  const a = points[Math.max(0, right - 1)];
  if (a === undefined || b === undefined) return undefined;
  const t = b.k > a.k ? (k - a.k) / (b.k - a.k) : 1;
  return a[name] + t * (b[name] - a[name]);
}
