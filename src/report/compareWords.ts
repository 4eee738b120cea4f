import type { Curve } from '../records/types.js';
import type { CompareAxis, ComparedCurve, ComparedGroupView, CompareView } from './compareView.js';
import { costOf, rankingAt, referenceCost } from './compareView.js';
import { bytes, integer, NBSP, saving } from './format.js';
import { orderingOf } from './orderings.js';
import { foreign, listed, phrase, type Phrase } from './phrase.js';
import { riseText } from './scale.js';
import type { ReportView } from './view.js';

/** Names in a sentence before "and N more". */
const MOST_NAMES = 8;

export const WEIGHTS: Readonly<Record<Curve['weights'], string>> = {
  original: "the original's weights",
  control: "the control's weights",
  retrained: 'the retrained weights',
};

/** `width 18`, `rank 55`. */
export function kText({ view }: ComparedCurve, k: number): string {
  return `${view.curve.kind === 'rank' ? 'rank' : 'width'} ${integer(k)}`;
}

/** What a table says of a curve: the smallest k that holds alone, or why there is none. */
export interface HoldingCell {
  readonly status: 'saves' | 'full' | 'larger' | 'unresolved' | 'broken' | 'none';
  /** `−59 %`, `0 %`; empty where nothing is shown to hold. */
  readonly saves: string;
  /** `rank 55`, `all 64`, `rank 200, larger than full`, `not resolved`, `✖` in words. */
  readonly what: string;
}

export function holdingCell({ scale }: ReportView, curve: ComparedCurve): HoldingCell {
  const { needs, unresolved, curve: measured } = curve.view;
  if (scale.budget === null) return { status: 'none', saves: '', what: '' };
  if (needs === null) {
    return unresolved === null
      ? { status: 'broken', saves: '', what: 'nothing holds' }
      : { status: 'unresolved', saves: '', what: 'not resolved' };
  }
  if (curve.saves > 0) return { status: 'saves', saves: saving(curve.saves), what: kText(curve, needs.k) };
  if (needs.k >= measured.n) return { status: 'full', saves: `0${NBSP}%`, what: `all ${integer(measured.n)}` };
  const larger = curve.breakEven !== null && needs.k > curve.breakEven;
  const what = kText(curve, needs.k);
  return larger
    ? { status: 'larger', saves: `0${NBSP}%`, what: `${what}: larger than full` }
    : { status: 'full', saves: `0${NBSP}%`, what };
}

/** Which ordering has the smallest model that holds, group by group, in one sentence. */
export function winnersText(view: ReportView, compare: CompareView): Phrase {
  const { budgetText } = view.scale;
  if (budgetText === null) return [view.scale.why ?? ''];
  const byLabel = new Map<string, { label: Phrase; groups: ComparedGroupView[] }>();
  for (const g of compare.groups) {
    if (g.winner === undefined) continue;
    const { label } = g.winner.ordering;
    const key = JSON.stringify(label);
    const entry = byLabel.get(key) ?? { label, groups: [] };
    byLabel.set(key, { label, groups: [...entry.groups, g] });
  }
  const parts = [...byLabel.values()].map((w) => phrase`${w.label} in ${names(w.groups)}`);
  const none = compare.groups.filter((g) => g.winner === undefined);
  const nothing = none.length === 0 ? [] : phrase` In ${names(none)} no ordering is shown to save anything.`;
  if (parts.length === 0) return phrase`No ordering is shown to save anything at ${budgetText}.`;
  return phrase`Smallest model that holds ${budgetText}, each group alone: ${joined(parts, '; ')}.${nothing}`;
}

function names(groups: readonly ComparedGroupView[]): Phrase {
  return shortList(groups.map((g) => g.name));
}

function shortList(groups: readonly string[]): Phrase {
  const shown = groups.slice(0, MOST_NAMES).map((g) => foreign(g));
  const more = groups.length - shown.length;
  return more > 0 ? phrase`${joined(shown.map((n) => [n]), ', ')} and ${more} more` : listed(shown); // prettier-ignore
}

function joined(parts: readonly Phrase[], by: string): Phrase {
  return parts.flatMap((p, i) => (i === 0 ? p : [by, ...p]));
}

const COST_WORDS = { parameters: 'parameters', macs: 'multiply-adds', bytes: '' } as const;

/** The orderings at one cost, the smallest rise first. */
export function rankingText(view: ReportView, group: ComparedGroupView, name: Exclude<CompareAxis, 'k'>): Phrase {
  const full = view.sweep.model;
  const cost = referenceCost(group, name, full);
  const ranked = rankingAt(group, name, cost, full);
  const amount = name === 'bytes' ? bytes(cost) : `${integer(cost)} ${COST_WORDS[name]}`;
  const parts = ranked.map((r) => phrase`${r.curve.ordering.label}${NBSP}${riseText(view.scale, r.point.rise)}`);
  const absent = group.drawn.filter((c) => !ranked.some((r) => r.curve === c)).map((c) => c.ordering.label);
  const rest = absent.length === 0 ? [] : phrase`; not that small: ${joined(absent, ', ')}`;
  return phrase`Up to ${amount}: ${joined(parts, ', ')}${rest}.`;
}

/** One k, two costs: the figures of this group. */
export function equalKText(view: ReportView, group: ComparedGroupView): Phrase {
  const general = ['Equal k is not equal cost: a width removes units, a rank splits the kernel.'];
  const of = (kind: Curve['kind']): ComparedCurve | undefined => {
    const own = group.winner?.view.curve.kind === kind ? group.winner : undefined;
    return own ?? group.drawn.find((c) => c.view.curve.kind === kind);
  };
  const [unit, rank] = [of('unit'), of('rank')];
  if (unit === undefined || rank === undefined) return general;
  const aim = group.winner?.view.needs?.k ?? group.n / 2;
  const common = unit.view.points.filter((p) => p.k > 0 && rank.view.points.some((q) => q.k === p.k));
  if (common.length === 0) return general;
  const width = common.reduce((a, b) => (Math.abs(b.k - aim) < Math.abs(a.k - aim) ? b : a));
  const split = rank.view.points.find((q) => q.k === width.k) ?? width;
  const cost = (c: ComparedCurve, p: typeof width): string => integer(costOf(c, p, 'parameters', view.sweep.model));
  return [
    `Equal k is not equal cost: at k = ${integer(width.k)} the model has ${cost(unit, width)} parameters as a width, ${cost(rank, split)} as a rank.`,
  ];
}

/** What training alone did at full width: it is in every curve of the weights that were trained. */
export function taxText(view: ReportView): string {
  const { retrained, control, scale } = view;
  if (retrained === undefined) return '';
  const interval = (f: typeof retrained): string =>
    `${riseText(scale, f.rise)}, at most ${riseText(scale, f.high, 'up')}`;
  const without =
    control === undefined ? '' : `; the same training without TailDropout (the control): ${interval(control)}`;
  const included = ' Curves on the retrained weights include that, the others do not.';
  return `At full width the retrained weights start from ${interval(retrained)}${without}.${included}`;
}

/** The classic order that was measured on several sets of weights: what training alone gives it. Empty without one. */
export function weightsText(view: ReportView, group: ComparedGroupView): Phrase {
  if (view.scale.budgetText === null) return [];
  const sets = (basis: string): ComparedCurve[] =>
    [...group.drawn, ...group.others].filter((c) => c.view.curve.basis === basis && c.view.curve.kind === 'unit');
  const bases = ['magnitude', 'taylor', 'variance', 'tail'];
  const basis = bases.find((b) => sets(b).length > 1);
  if (basis === undefined) return [];
  const order = ['original', 'control', 'retrained'];
  const parts = sets(basis)
    .toSorted((a, b) => order.indexOf(a.view.curve.weights) - order.indexOf(b.view.curve.weights))
    .map((c) => phrase`${needsText(c)} on ${WEIGHTS[c.view.curve.weights]}`);
  const label = basis === 'tail' ? ['the order of the units'] : (sets(basis)[0]?.ordering.label ?? [basis]);
  const tail = basis === 'tail' ? undefined : group.drawn.find((c) => c.view.curve.basis === 'tail');
  const own =
    tail === undefined || tail.view.curve.weights !== 'retrained' ? [] : phrase`; TailDropout ${needsText(tail)}`;
  return phrase`${label}: ${joined(parts, ', ')}${own}.`;
}

function needsText(curve: ComparedCurve): string {
  const { needs, unresolved, curve: measured } = curve.view;
  if (needs === null) return unresolved === null ? 'nothing holds' : 'not resolved';
  return needs.k >= measured.n ? `all ${integer(measured.n)}` : kText(curve, needs.k);
}

/** A curve beside the drawn ones that saves more than the winner. */
export function smallerText({ smaller }: ComparedGroupView): Phrase {
  const needs = smaller?.view.needs;
  if (smaller === undefined || needs == null) return [];
  const { curve } = smaller.view;
  const where =
    curve.kind === 'rank' && curve.layer !== undefined
      ? phrase`of ${foreign(curve.layer)}`
      : [`on ${WEIGHTS[curve.weights]}`];
  return phrase`Smaller still: ${smaller.ordering.label} ${where}, ${kText(smaller, needs.k)} (${saving(smaller.saves)}).`;
}

export interface MissingRow {
  readonly basis: string;
  readonly groups: readonly string[];
  readonly reason: string;
}

/** Bases that could not be had, groups with the same reason together. */
export function missingRows({ groups }: CompareView): MissingRow[] {
  const rows = new Map<string, { basis: string; groups: string[]; reason: string }>();
  for (const g of groups) {
    for (const { basis, reason } of g.missing) {
      // A reason that starts with the group's own name would say it twice.
      const rest = reason.startsWith(`${g.name}: `) ? reason.slice(g.name.length + 2) : reason;
      const key = JSON.stringify([basis, rest]);
      const row = rows.get(key) ?? { basis, groups: [], reason: rest };
      if (!row.groups.includes(g.name)) row.groups.push(g.name);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

/** `svd-spatial in a, b and 3 more: its kernel has no two spatial sides`. */
export function missingText({ basis, groups, reason }: MissingRow): Phrase {
  return phrase`${orderingOf({ basis, weights: 'retrained' }).label} in ${shortList(groups)}: ${foreign(reason)}`;
}
