import type { PairedMeasured, SweepRecord } from '../records/types.js';
import { viewCompare, type CompareView } from './compareView.js';
import { uniqueSlugs } from './escape.js';
import { viewGroup, type GroupView } from './groupView.js';
import { curveScale } from './planScale.js';
import { viewPlan, type PlanView } from './planView.js';
import { lossScale, riseAxis, Z95, type LossScale, type RiseAxis } from './scale.js';
import { REPORT_DEFAULTS, sweepFrom, withMetric, type ReportInput } from './source.js';

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
