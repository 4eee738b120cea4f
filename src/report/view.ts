import { UsageError } from '../errors.js';
import type {
  CompareRecord,
  GroupCurves,
  PairedMeasured,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from '../records/types.js';
import { viewCompare, type CompareView } from './compareView.js';
import { tailCurve, viewCurve, type CurveView, type RisePoint } from './curves.js';
import { uniqueSlugs } from './escape.js';
import { lossScale, riseAxis, Z95, type LossScale, type RiseAxis } from './scale.js';

/** What a report is made of: records only; a sweep, a comparison, or both. */
export interface ReportInput {
  readonly sweep?: SweepRecord;
  /** Without a sweep its curves of the basis `tail` serve the scree panels. */
  readonly compare?: CompareRecord;
  readonly retrain?: RetrainRecord;
  readonly run?: RunRecord;
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
  readonly scale: LossScale;
  readonly axis: RiseAxis;
  /** The group with most to save first. */
  readonly groups: readonly GroupView[];
  readonly retrained?: FullView;
  readonly control?: FullView;
}

/**
 * Computes the view of a sweep, a comparison, or both. Groups without a measured `tail` curve are left out of the scree panels.
 * @throws UsageError without either record
 */
export function viewReport(input: ReportInput): ReportView {
  const sweep = input.sweep ?? (input.compare === undefined ? undefined : sweepOf(input.compare));
  if (sweep === undefined)
    throw new UsageError('A report needs the record of a sweep or of a comparison; none was given.');
  const budget = input.budget ?? REPORT_DEFAULTS.budget;
  const scale = lossScale(sweep, budget);
  const ids = uniqueSlugs(sweep.groups.map((g) => g.name));
  const groups = sweep.groups.flatMap((g, i) => viewGroup(sweep, scale, g, ids[i] ?? String(i)) ?? []);
  const compare = input.compare === undefined ? undefined : viewCompare(input.compare, scale);
  const full = (m: PairedMeasured | undefined): FullView | undefined =>
    m === undefined ? undefined : viewFull(m, scale);
  const retrained = full(sweep.retrained ?? input.compare?.retrained ?? input.retrain?.retrained);
  const control = full(sweep.control ?? input.compare?.control ?? input.retrain?.control);
  return {
    input,
    sweep,
    budget,
    scale,
    axis: sharedAxis(scale, groups, compare),
    groups: groups.sort((a, b) => b.saves - a.saves || b.stake - a.stake),
    ...(compare === undefined ? {} : { compare }),
    ...(retrained === undefined ? {} : { retrained }),
    ...(control === undefined ? {} : { control }),
  };
}

/** The part of a comparison that a sweep would hold. */
function sweepOf(compare: CompareRecord): SweepRecord {
  const { axis: _, ...record } = compare;
  return { ...record, schema: 'tdc/sweep' };
}

/** One axis for all panels. Only the leading curve of a scree panel has a band. */
function sharedAxis(scale: LossScale, groups: readonly GroupView[], compare: CompareView | undefined): RiseAxis {
  const compared = (compare?.groups ?? []).flatMap((g) => g.drawn.flatMap((c) => c.view.points.map((p) => p.rise)));
  const lows = groups.flatMap((g) => [
    ...g.chief.points.map((p) => p.low),
    ...(g.other?.points ?? []).map((p) => p.rise),
  ]);
  const highs = groups.flatMap((g) => [g.chief, ...(g.other === undefined ? [] : [g.other])]).flatMap((c) => c.points);
  return riseAxis(scale, [...lows, ...compared], [...highs.map((p) => p.high), ...compared]);
}

function viewGroup(sweep: SweepRecord, scale: LossScale, group: GroupCurves, id: string): GroupView | undefined {
  const retrained = tailCurve(group, 'retrained');
  const original = tailCurve(group, 'original');
  const lead = retrained ?? original;
  if (lead === undefined) return undefined;
  const chief = viewCurve(lead, scale);
  const other = retrained !== undefined && original !== undefined ? viewCurve(original, scale) : undefined;
  const best = other !== undefined && narrows(other) && !narrows(chief) ? other : chief;
  const total = sweep.model.parameters;
  const share = (p: RisePoint | null | undefined): number =>
    p == null || total === 0 ? 0 : 1 - p.source.parameters / total;
  return {
    id,
    name: group.name,
    n: chief.curve.n,
    layers: group.layers,
    chief,
    ...(other === undefined ? {} : { other }),
    best,
    needs: best.needs,
    saves: share(best.needs),
    stake: share(chief.points[0]),
  };
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
