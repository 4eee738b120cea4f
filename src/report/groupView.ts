import type { Curve, GroupCurves, PlannedGroup, SweepRecord } from '../records/types.js';
import { tailCurve, viewCurve, type CurveView, type RisePoint } from './curves.js';
import { costAt, curveOf } from './planView.js';
import type { LossScale } from './scale.js';
import type { ReportInput } from './source.js';

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

/** A group on its leading curve; undefined without a measured `tail` curve and without the one that the plan uses. */
export function viewGroup(
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

function narrows(curve: CurveView): boolean {
  return curve.needs !== null && curve.needs.k < curve.curve.n;
}
