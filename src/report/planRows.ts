import type { Cost, PlannedGroup } from '../records/types.js';
import { bytes, integer, isShare, MINUS, NBSP, saving, signed, significant, twoDigits } from './format.js';
import { orderingOf } from './orderings.js';
import type { Phrase } from './phrase.js';
import { costAt, type PlanView } from './planView.js';
import { keptText } from './planWords.js';
import { viewCurve } from './curves.js';
import { riseCell, unitText } from './scale.js';
import { planCurve } from './groupView.js';
import type { ReportView } from './view.js';

/** A group in the plan's table: numbers as text, the same for every output. */
export interface PlanRow {
  readonly group: PlannedGroup;
  /** Nothing of it goes. */
  readonly whole: boolean;
  readonly n: string;
  /** `rank 72`, `24`. */
  readonly what: string;
  /** Share of the width or rank that stays, 0 to 1. */
  readonly kept: number;
  readonly ordering: Phrase;
  readonly color: string;
  /** Alone, the others full; empty where it was not measured. */
  readonly saves: string;
  readonly costs: string;
  /** What the baseline keeps: `=` where the same; empty without it. */
  readonly baseline: string;
}

export function planRows(view: ReportView, plan: PlanView): PlanRow[] {
  return plan.record.groups.map((group) => planRow(view, plan, group));
}

function planRow(view: ReportView, plan: PlanView, group: PlannedGroup): PlanRow {
  const { weights } = plan.record;
  const whole = group.k >= group.n;
  const { label, color } = orderingOf({ basis: group.basis, weights });
  return {
    group,
    whole,
    n: integer(group.n),
    what: keptText(group),
    kept: group.k / Math.max(1, group.n),
    ordering: whole ? [] : label,
    color,
    ...(whole ? { saves: '', costs: '' } : alone(view, plan, group)),
    baseline: baselineText(plan, group),
  };
}

/** What the group costs alone at the plan's k. Cost between measured widths is arithmetic; a rise between them is not told. */
function alone({ input, scale }: ReportView, plan: PlanView, group: PlannedGroup): { saves: string; costs: string } {
  const curve = planCurve(input, group);
  if (curve === undefined) return { saves: '', costs: '' };
  const total = plan.record.original[plan.costName];
  const cost = costAt(curve.points, group.k, plan.costName);
  const point = viewCurve(curve, scale).points.find((p) => p.k === group.k);
  return {
    saves: cost === undefined || total === 0 ? '' : saving(Math.max(0, 1 - cost / total)),
    costs: point === undefined ? '' : riseCell(scale, point.rise),
  };
}

function baselineText({ record }: PlanView, group: PlannedGroup): string {
  const other = record.baseline?.groups.find((g) => g.name === group.name);
  if (record.baseline === undefined) return '';
  if (other === undefined) return '–';
  const same = other.k === group.k && (other.kind === group.kind || group.k >= group.n);
  return same ? '=' : keptText(other);
}

/** The whole model: a row a cost, the loss and every metric. */
export interface PlanModelRow {
  readonly label: string;
  /** Else a name of the record. */
  readonly ours: boolean;
  readonly original: string;
  readonly narrowed: string;
  readonly change: string;
  /** Against the baseline; empty without it. */
  readonly baseline: string;
}

export function planModel(plan: PlanView): PlanModelRow[] {
  const { original, planned, baseline, loss, minimize } = plan.record;
  const cost = (label: string, name: keyof Cost, text: (v: number) => string): PlanModelRow => ({
    label,
    ours: true,
    original: text(original[name]),
    narrowed: text(planned[name]),
    change: changeText(original[name], planned[name]),
    baseline: baseline === undefined ? '' : changeText(baseline.planned[name], planned[name], 1),
  });
  return [
    cost('parameters', 'parameters', integer),
    cost('multiply-adds', 'macs', integer),
    cost('file', 'bytes', bytes),
    ...(minimize === 'latency' && planned.latency !== undefined ? [time(plan, planned.latency)] : []),
    {
      label: `loss, ${plan.scale.metric === undefined ? plan.scale.unit : unitText(loss.unit)}`,
      ours: true,
      original: significant(original.loss),
      narrowed: significant(planned.loss),
      change: lossChange(plan, original.loss),
      baseline: baseline === undefined ? '' : lossChange(plan, baseline.planned.loss),
    },
    ...metrics(plan),
  ];
}

/** `−62 %`, towards saving less; an increase with its sign. `decimals`: finer, for a comparison with what is alike. */
function changeText(from: number, to: number, decimals = 0): string {
  if (from === 0 || from === to) return from === to ? `0${NBSP}%` : '';
  const share = 1 - to / from;
  if (share < 0) return `+${twoDigits(-100 * share, 'up')}${NBSP}%`;
  if (decimals === 0) return saving(share);
  const rounded = Math.floor(1000 * share + 1e-9) / 10;
  return rounded === 0 ? `0${NBSP}%` : `${MINUS}${rounded.toFixed(decimals)}${NBSP}%`;
}

function lossChange({ record, scale }: PlanView, reference: number): string {
  const delta = record.planned.loss - reference;
  if (scale.metric === undefined && scale.explained !== true) return riseCell(scale, delta * scale.factor);
  if (reference <= 0) return signed(significant(delta, 2));
  return `${signed(twoDigits((100 * delta) / reference))}${NBSP}%`;
}

function milliseconds(value: number): string {
  return `${significant(value, 3)}${NBSP}ms`;
}

/** Predicted from the measured table of single groups. */
function time({ cost }: PlanView, planned: number): PlanModelRow {
  return {
    label: 'time, predicted',
    ours: true,
    original: cost.original === null ? '' : milliseconds(cost.original),
    narrowed: milliseconds(planned),
    change: cost.original === null ? '' : changeText(cost.original, planned),
    baseline: '',
  };
}

function metrics({ record }: PlanView): PlanModelRow[] {
  return record.metrics.flatMap(({ name, better }) => {
    const [a, b] = [record.original.metrics[name], record.planned.metrics[name]];
    if (a === undefined || b === undefined) return [];
    const other = record.baseline?.planned.metrics[name];
    const share = isShare(better, [a, b]);
    const text = (v: number): string => (share ? `${(100 * v).toFixed(2)}${NBSP}%` : significant(v));
    return [
      {
        label: name,
        ours: false,
        original: text(a),
        narrowed: text(b),
        change: metricChange(b - a, share),
        baseline: other === undefined ? '' : metricChange(b - other, share),
      },
    ];
  });
}

/** `−0.10 pt` of a share, else a number. */
export function metricChange(delta: number, share: boolean): string {
  if (!share) return signed(significant(delta, 2));
  const text = (100 * delta).toFixed(2);
  return Number(text) === 0 ? `0${NBSP}pt` : `${signed(text.replace('-', MINUS))}${NBSP}pt`;
}

/** What there is to be had at all, found before the search. */
export interface FeasibilityRow {
  readonly label: string;
  readonly cost: string;
  readonly costs: string;
  readonly bound: string;
}

export function feasibility(plan: PlanView): FeasibilityRow[] {
  const { record, scale, cost } = plan;
  const { smallest, optimistic, retrained, control } = record.feasibility;
  const text = (v: number): string => costText(plan, v);
  const of = (delta: number, rounding?: 'up'): string => riseCell(scale, delta * scale.factor, rounding);
  const full = cost.original === null ? '' : text(cost.original);
  const least = record.minimize === 'latency' ? smallest.latency : smallest[record.minimize];
  const alike = (label: string, r: typeof retrained): FeasibilityRow[] =>
    r === undefined ? [] : [{ label, cost: full, costs: of(r.delta), bound: of(r.upper95, 'up') }];
  return [
    { label: 'original', cost: full, costs: '0', bound: '' },
    ...alike('retraining alone, full width', retrained),
    ...alike('control, full width', control),
    {
      label: 'optimistic end, not measured: single rises add up to the budget',
      cost: record.minimize === 'latency' ? '' : text(optimistic[record.minimize]),
      costs: '–',
      bound: '',
    },
    {
      label: 'every group at the least allowed, together',
      cost: least === undefined ? '' : text(least),
      costs: of(smallest.delta),
      bound: of(smallest.upper95, 'up'),
    },
  ];
}

/** A cost in its unit, for a table whose head says which. */
export function costText({ record }: PlanView, value: number): string {
  if (record.minimize === 'bytes') return bytes(value);
  return record.minimize === 'latency' ? `${significant(value, 3)}${NBSP}ms` : integer(value);
}

export const COST_HEADS: Readonly<Record<PlanView['cost']['name'], string>> = {
  parameters: 'parameters',
  macs: 'multiply-adds',
  bytes: 'bytes',
  latency: 'time, predicted',
};
