import { UsageError } from '../errors.js';
import type {
  CandidatesRecord,
  CompareRecord,
  CompressRecord,
  Curve,
  GroupCurves,
  LatencyRecord,
  Measured,
  PairedMeasured,
  PlannedGroup,
  PlanRecord,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from '../records/types.js';
import { viewCompare, type CompareView } from './compareView.js';
import { tailCurve, viewCurve, type CurveView, type RisePoint } from './curves.js';
import { uniqueSlugs } from './escape.js';
import { costAt, curveOf, viewPlan, type PlanView } from './planView.js';
import { curveScale } from './planScale.js';
import { lossScale, riseAxis, Z95, type LossScale, type MetricScale, type RiseAxis } from './scale.js';

/** What a report is made of: records only; a sweep, a comparison, a plan, or several of them. */
export interface ReportInput {
  readonly sweep?: SweepRecord;
  /** Without a sweep its curves of the basis `tail` serve the scree panels. */
  readonly compare?: CompareRecord;
  readonly retrain?: RetrainRecord;
  readonly run?: RunRecord;
  /** Leads the report; its budget is the report's. */
  readonly plan?: PlanRecord;
  /** Single curves that the plan was made from: those that neither sweep nor comparison hold. */
  readonly candidates?: CandidatesRecord;
  /** The plan's model on disk. */
  readonly compress?: CompressRecord;
  /** Milliseconds of the original, for a plan that minimises them. */
  readonly latency?: LatencyRecord;
  /** Rise of the loss that is allowed, relative to the original's: 0.01 = 1 %. */
  readonly budget?: number;
}

export const REPORT_DEFAULTS = { budget: 0.01 } as const;

export interface GroupView {
  /** Safe in file names and ids, unique. */
  readonly id: string;
  readonly name: string;
  readonly n: number;
  readonly layers: readonly string[];
  /** The curve that leads: the retrained weights' where they were swept, else the original's. */
  readonly chief: CurveView;
  /** The original's weights, when another curve leads. */
  readonly other?: CurveView;
  /** The curve whose width is reported: the chief, or the other where only that one can be narrower. */
  readonly best: CurveView;
  /** The width alone; null where not even full width is shown to hold, or without a budget. */
  readonly needs: RisePoint | null;
  /** Share of the model's parameters that goes at that width, 0 to 1. */
  readonly saves: number;
  /** Share that goes with the group at its smallest measured width. */
  readonly stake: number;
  /** What the plan does with the group. */
  readonly plan?: PlannedMark;
}

/** A group's place in the plan, on the curve that its panel draws. */
export interface PlannedMark {
  readonly group: PlannedGroup;
  /** The measured point at the plan's k; undefined between measured widths. */
  readonly point: RisePoint | undefined;
  /** Of the drawn curve at k, straight between measured points; null where the curve is of another ordering. */
  readonly rise: number | null;
}

/** A full-width model measured against the original. */
export interface FullView {
  readonly measured: PairedMeasured;
  readonly rise: number;
  readonly low: number;
  readonly high: number;
}

/** Everything that the pages say, computed once: numbers before pictures. */
export interface ReportView {
  readonly input: ReportInput;
  /** The sweep, or what a comparison holds of one. */
  readonly sweep: SweepRecord;
  readonly compare?: CompareView;
  readonly budget: number;
  /** Of single curves. */
  readonly scale: LossScale;
  /** What the budget line of every chart is drawn at, in the scale's unit; null without a budget. */
  readonly line: number | null;
  readonly plan?: PlanView;
  readonly axis: RiseAxis;
  /** The group with most to save first. */
  readonly groups: readonly GroupView[];
  readonly retrained?: FullView;
  readonly control?: FullView;
}

/**
 * Computes the view of a sweep, a comparison, a plan, or several. Groups without a measured `tail` curve, and without the curve that the
 * plan uses, are left out of the scree panels.
 * @throws UsageError without any of the records
 */
export function viewReport(given: ReportInput): ReportView {
  const plan = given.plan === undefined ? undefined : viewPlan(given.plan, given.latency?.full);
  const input = plan?.scale.metric === undefined ? given : withMetric(given, plan.scale.metric);
  const sweep = sweepFrom(input);
  const budget = input.budget ?? REPORT_DEFAULTS.budget;
  const scale = plan === undefined ? lossScale(sweep, budget) : curveScale(plan.scale);
  const ids = uniqueSlugs(sweep.groups.map((g) => g.name));
  const groups = sweep.groups.flatMap((g, i) => viewGroup(input, sweep, scale, g, ids[i] ?? String(i)) ?? []);
  const compare = input.compare === undefined ? undefined : viewCompare(input.compare, scale, given.plan);
  const full = (m: PairedMeasured | undefined): FullView | undefined =>
    m === undefined || scale.metric !== undefined ? undefined : viewFull(m, scale);
  const retrained = full(sweep.retrained ?? input.compare?.retrained ?? input.retrain?.retrained);
  const control = full(sweep.control ?? input.compare?.control ?? input.retrain?.control);
  return {
    input,
    sweep,
    budget,
    scale,
    line: plan === undefined ? scale.budget : plan.scale.budget,
    ...(plan === undefined ? {} : { plan }),
    axis: sharedAxis(plan?.scale ?? scale, groups, compare, plan),
    groups: groups.sort((a, b) => b.saves - a.saves || b.stake - a.stake),
    ...(compare === undefined ? {} : { compare }),
    ...(retrained === undefined ? {} : { retrained }),
    ...(control === undefined ? {} : { control }),
  };
}

/** The record of a sweep; without one, what a comparison or a plan holds of it. A plan says itself what stays. */
function sweepFrom({ sweep, compare, plan }: ReportInput): SweepRecord {
  const found = sweep ?? (compare === undefined ? undefined : sweepOf(compare));
  if (plan === undefined) {
    if (found === undefined) {
      throw new UsageError('A report needs the record of a sweep, of a comparison or of a plan; none was given.');
    }
    return found;
  }
  const { model, data, backend, seed, loss, metrics, notes, tool, inputs, skipped, warnings } = plan;
  const head = { model, data, backend, seed, loss, metrics, notes, tool, inputs, skipped, version: 1 } as const;
  return {
    schema: 'tdc/sweep',
    ...head,
    original: plan.original,
    ...(found?.retrained === undefined ? {} : { retrained: found.retrained }),
    ...(found?.control === undefined ? {} : { control: found.control }),
    ...(warnings === undefined ? {} : { warnings }),
    groups: withCandidates(plan, found?.groups ?? []),
  };
}

/** A plan may narrow what no sweep does: the output layer's kernel. */
function withCandidates(plan: PlanRecord, groups: readonly GroupCurves[]): readonly GroupCurves[] {
  const missing = plan.groups.filter((p) => !groups.some((g) => g.name === p.name));
  return [
    ...groups,
    ...missing.map(({ name, n }) => ({ name, n, layers: [name], tailPoints: [], curves: [] as Curve[] })),
  ];
}

/** Only curves that measured the metric, each against the original on its own rows: the records cut select in different ways. */
function withMetric(input: ReportInput, { key, reference }: MetricScale): ReportInput {
  const { sweep, compare, candidates } = input;
  const kept = <R extends MetricSource>(record: R): R => {
    const own = record.original.metrics[key];
    const groups = record.groups.map((g) => ({
      ...g,
      curves: own === undefined ? [] : g.curves.flatMap((c) => shifted(c, key, reference - own)),
    }));
    return { ...record, groups };
  };
  return {
    ...input,
    ...(sweep === undefined ? {} : { sweep: kept(sweep) }),
    ...(compare === undefined ? {} : { compare: kept(compare) }),
    ...(candidates === undefined ? {} : { candidates: kept(candidates) }),
  };
}

interface MetricSource {
  readonly original: Measured;
  readonly groups: readonly GroupCurves[];
}

/** A curve as if its original scored what the plan's does, so that differences stay; empty where a point lacks the metric. */
function shifted(curve: Curve, key: string, by: number): Curve[] {
  const points = curve.points.flatMap((p) => {
    const value = p.metrics[key];
    return value === undefined ? [] : [{ ...p, metrics: { ...p.metrics, [key]: value + by } }];
  });
  return points.length < curve.points.length ? [] : [{ ...curve, points }];
}

/** The part of a comparison that a sweep would hold. */
function sweepOf(compare: CompareRecord): SweepRecord {
  const { axis: _, ...record } = compare;
  return { ...record, schema: 'tdc/sweep' };
}

/** One axis for all panels. Only the leading curve of a scree panel has a band. */
function sharedAxis(
  scale: LossScale,
  groups: readonly GroupView[],
  compare: CompareView | undefined,
  plan: PlanView | undefined,
): RiseAxis {
  const compared = (compare?.groups ?? []).flatMap((g) => g.drawn.flatMap((c) => c.view.points.map((p) => p.rise)));
  const lows = groups.flatMap((g) => [
    ...g.chief.points.map((p) => p.low),
    ...(g.other?.points ?? []).map((p) => p.rise),
  ]);
  const highs = groups.flatMap((g) => [g.chief, ...(g.other === undefined ? [] : [g.other])]).flatMap((c) => c.points);
  const joint = plan?.joint ?? [];
  return riseAxis(
    scale,
    [...lows, ...compared, ...joint.map((j) => j.low)],
    [...highs.map((p) => p.high), ...compared, ...joint.map((j) => j.high)],
  );
}

function viewGroup(
  input: ReportInput,
  sweep: SweepRecord,
  scale: LossScale,
  group: GroupCurves,
  id: string,
): GroupView | undefined {
  const planned = input.plan?.groups.find((g) => g.name === group.name);
  const own = planned === undefined || planned.k >= planned.n ? undefined : planCurve(input, planned);
  const retrained = tailCurve(group, 'retrained');
  const original = tailCurve(group, 'original');
  const lead = own ?? retrained ?? original;
  if (lead === undefined) return undefined;
  const chief = viewCurve(lead, scale);
  const other = lead === retrained && original !== undefined ? viewCurve(original, scale) : undefined;
  const free = planned === undefined && other !== undefined && narrows(other) && !narrows(chief);
  const best = free ? other : chief;
  const mark = planned === undefined ? undefined : planMark(planned, chief, own !== undefined);
  const name = input.plan?.minimize === 'macs' || input.plan?.minimize === 'bytes' ? input.plan.minimize : 'parameters';
  const total = sweep.model[name];
  const share = (cost: number | undefined): number => (cost === undefined || total === 0 ? 0 : 1 - cost / total);
  return {
    id,
    name: group.name,
    n: chief.curve.n,
    layers: group.layers,
    chief,
    ...(other === undefined ? {} : { other }),
    best,
    needs: best.needs,
    saves: share(mark === undefined ? best.needs?.source[name] : costAt(lead.points, mark.group.k, name)),
    stake: share(chief.points[0]?.source[name]),
    ...(mark === undefined ? {} : { plan: mark }),
  };
}

/** The single curve that the plan's choice for a group stands on. */
export function planCurve(input: ReportInput, group: PlannedGroup): Curve | undefined {
  return input.plan === undefined ? undefined : curveOf(group, input.plan.weights, input);
}

function planMark(group: PlannedGroup, chief: CurveView, own: boolean): PlannedMark {
  if (!own) return { group, point: undefined, rise: null };
  const right = chief.points.findIndex((p) => p.k >= group.k);
  const b = chief.points[right];
  const a = chief.points[Math.max(0, right - 1)];
  if (a === undefined || b === undefined) return { group, point: undefined, rise: null };
  const t = b.k > a.k ? (group.k - a.k) / (b.k - a.k) : 1;
  return { group, point: b.k === group.k ? b : undefined, rise: a.rise + t * (b.rise - a.rise) };
}

/** What a panel marks in ink: the plan's k; without a plan the width needed alone, if narrower than full. */
export function markOf(
  group: GroupView,
): { readonly k: number; readonly rise: number; readonly measured: boolean } | undefined {
  const { plan, needs, best } = group;
  if (plan !== undefined) {
    if (plan.rise === null || plan.group.k >= plan.group.n) return undefined;
    return { k: plan.group.k, rise: plan.rise, measured: plan.point !== undefined };
  }
  return needs !== null && needs.k < best.curve.n ? { k: needs.k, rise: needs.rise, measured: true } : undefined;
}

function viewFull(measured: PairedMeasured, scale: LossScale): FullView {
  const rise = measured.delta * scale.factor;
  const margin = Z95 * measured.deltaSe * scale.factor;
  return { measured, rise, low: rise - margin, high: rise + margin };
}

/** How a measured rise stands to the budget: u <= a holds, d <= a < u is not resolved, d > a breaks. */
export type Verdict = 'holds' | 'unresolved' | 'broken';

export function verdictOf(point: { readonly rise: number; readonly high: number }, budget: number): Verdict {
  if (point.high <= budget) return 'holds';
  return point.rise <= budget ? 'unresolved' : 'broken';
}

function narrows(curve: CurveView): boolean {
  return curve.needs !== null && curve.needs.k < curve.curve.n;
}
