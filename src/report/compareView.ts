import type { CompareRecord, ComparedGroup, Cost, Curve, KernelSpectrum, PlanRecord } from '../records/types.js';
import { viewCurve, type CurveView, type RisePoint } from './curves.js';
import { uniqueSlugs } from './escape.js';
import { bestWeights, orderingOf, rankOf, type Ordering } from './orderings.js';
import { costAt } from './planView.js';
import type { LossScale } from './scale.js';

export type CompareAxis = CompareRecord['axis'];
export const COMPARE_AXES = ['parameters', 'macs', 'bytes', 'k'] as const satisfies readonly CompareAxis[];
export type CostName = keyof Cost;

/** All groups get a panel up to this many; above, only the FEW with most at stake. */
const ALL = 6;
const FEW = 4;

/** One measured curve under comparison. */
export interface ComparedCurve {
  readonly ordering: Ordering;
  readonly view: CurveView;
  /** Largest rank at which the layer split in two is smaller than whole; null for units and where it is not known. */
  readonly breakEven: number | null;
  /** Share of the model's parameters that goes at the smallest k that holds alone; 0 where none does. */
  readonly saves: number;
}

export interface ComparedGroupView {
  readonly id: string;
  readonly name: string;
  readonly n: number;
  /** One curve per basis, on the weights it is best known on; rank curves of one kernel. In the order of the legend. */
  readonly drawn: readonly ComparedCurve[];
  /** The same bases on other weights, and the group's other kernels. */
  readonly others: readonly ComparedCurve[];
  /** The drawn curve that saves most, of equals the one with the smaller rise; undefined where none saves. */
  readonly winner: ComparedCurve | undefined;
  /** Of all others the one that saves more than the winner does. */
  readonly smaller: ComparedCurve | undefined;
  /** Share of the model's parameters that goes at the smallest measured k of any drawn curve. */
  readonly stake: number;
  /** The kernel whose rank curves are drawn. */
  readonly kernel: KernelSpectrum | undefined;
  readonly kernels: readonly KernelSpectrum[];
  readonly missing: ComparedGroup['missing'];
  /** What the plan keeps of the group, where it narrows it and its curve was compared. */
  readonly planned?: { readonly curve: ComparedCurve; readonly k: number; readonly cost: Cost };
}

export interface CompareView {
  readonly record: CompareRecord;
  /** The one with most at stake first. */
  readonly groups: readonly ComparedGroupView[];
  /** How many of them have a panel. */
  readonly panels: number;
}

/** Computes what the comparison says. Groups without a measured curve are left out. */
export function viewCompare(record: CompareRecord, scale: LossScale, plan?: PlanRecord): CompareView {
  const ids = uniqueSlugs(record.groups.map((g) => g.name));
  const groups = record.groups
    .flatMap((g, i) => viewGroup(record, scale, g, ids[i] ?? String(i), plan) ?? [])
    .sort((a, b) => b.stake - a.stake);
  return { record, groups, panels: groups.length > ALL ? FEW : groups.length };
}

function viewGroup(
  record: CompareRecord,
  scale: LossScale,
  group: ComparedGroup,
  id: string,
  plan: PlanRecord | undefined,
): ComparedGroupView | undefined {
  const curves = group.curves.filter((c) => c.points.length > 0).map((c) => viewOne(record, scale, group, c));
  if (curves.length === 0) return undefined;
  const layer = leadingKernel(curves, record.model);
  const drawn = best(curves.filter((c) => c.view.curve.kind === 'unit' || c.view.curve.layer === layer));
  const winner = largest(drawn);
  const others = curves.filter((c) => !drawn.includes(c)).sort(byLegend);
  const rival = largest(others);
  const kernel = group.kernels.find((k) => k.layer === layer);
  const least = drawn.reduce((low, c) => Math.min(low, smallestCost(c, 'parameters', record.model)), Infinity);
  return {
    id,
    name: group.name,
    n: group.n,
    drawn,
    others,
    winner,
    smaller: rival !== undefined && rival.saves > (winner?.saves ?? 0) ? rival : undefined,
    stake: share(least, record.model.parameters),
    kernel,
    kernels: group.kernels,
    missing: group.missing,
    ...plannedIn(record, group, curves, plan),
  };
}

/** The curve that the plan's choice stands on, drawn or not, and what the model costs there with this group alone. */
function plannedIn(
  { model }: CompareRecord,
  { name }: ComparedGroup,
  curves: readonly ComparedCurve[],
  plan: PlanRecord | undefined,
): Pick<ComparedGroupView, 'planned'> {
  const choice = plan?.groups.find((g) => g.name === name && g.k < g.n && g.folded !== true);
  if (plan === undefined || choice === undefined) return {};
  const curve = curves.find(
    ({ view: { curve: c } }) =>
      c.basis === choice.basis &&
      c.kind === choice.kind &&
      c.weights === plan.weights &&
      c.n === choice.n &&
      (c.kind === 'unit' || c.layer === choice.layer),
  );
  if (curve === undefined) return {};
  const at = (cost: keyof Cost): number =>
    Math.min(model[cost], Math.round(costAt(curve.view.curve.points, choice.k, cost) ?? model[cost]));
  return {
    planned: { curve, k: choice.k, cost: { parameters: at('parameters'), macs: at('macs'), bytes: at('bytes') } },
  };
}

function viewOne(record: CompareRecord, scale: LossScale, group: ComparedGroup, curve: Curve): ComparedCurve {
  const view = viewCurve(curve, scale);
  // The break-even of a record is that of the plain split; the spatial one has its own.
  const breakEven =
    curve.kind === 'rank' && curve.basis !== 'svd-spatial'
      ? (group.kernels.find((k) => k.layer === curve.layer)?.breakEven ?? null)
      : null;
  const found = { ordering: orderingOf(curve), view, breakEven };
  const cost = view.needs === null ? Infinity : costOf(found, view.needs, 'parameters', record.model);
  return { ...found, saves: share(cost, record.model.parameters) };
}

function share(cost: number, total: number): number {
  return total > 0 ? Math.max(0, 1 - cost / total) : 0;
}

/** A layer of a rank above break-even is not split: it costs what it costs in the full model. */
export function costOf(
  { view, breakEven }: Pick<ComparedCurve, 'view' | 'breakEven'>,
  point: RisePoint,
  name: CostName,
  full: Cost,
): number {
  if (view.curve.kind === 'rank' && breakEven !== null && point.k > breakEven) return full[name];
  return Math.min(point.source[name], full[name]);
}

export function smallestCost(curve: ComparedCurve, name: CostName, full: Cost): number {
  return curve.view.points.reduce((low, p) => Math.min(low, costOf(curve, p, name, full)), full[name]);
}

/** Of several kernels the one whose rank curves reach lowest. */
function leadingKernel(curves: readonly ComparedCurve[], full: Cost): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const c of curves) {
    if (c.view.curve.kind !== 'rank') continue;
    const cost = smallestCost(c, 'parameters', full);
    if (cost < least) [found, least] = [c.view.curve.layer, cost];
  }
  return found;
}

/** One curve per basis. */
function best(curves: readonly ComparedCurve[]): ComparedCurve[] {
  const byBasis = new Map<string, ComparedCurve>();
  const preference = (c: ComparedCurve): number =>
    bestWeights(c.view.curve.basis).indexOf(c.view.curve.weights) + (c.view.curve.kind === 'unit' ? 0 : 0.5);
  for (const c of curves) {
    const { basis } = c.view.curve;
    const now = byBasis.get(basis);
    if (now === undefined || preference(c) < preference(now)) byBasis.set(basis, c);
  }
  return [...byBasis.values()].sort(byLegend);
}

function byLegend(a: ComparedCurve, b: ComparedCurve): number {
  const [p, q] = [rankOf(a.view.curve.basis), rankOf(b.view.curve.basis)];
  return p === q ? 0 : p - q;
}

function largest(curves: readonly ComparedCurve[]): ComparedCurve | undefined {
  const saving = curves.filter((c) => c.saves > 0);
  if (saving.length === 0) return undefined;
  const rise = (c: ComparedCurve): number => c.view.needs?.rise ?? Infinity;
  return saving.reduce((a, b) => (b.saves > a.saves || (b.saves === a.saves && rise(b) < rise(a)) ? b : a));
}

export interface Ranked {
  readonly curve: ComparedCurve;
  readonly point: RisePoint;
}

/** Every drawn curve at its widest measured k that costs at most `cost`, the smallest rise first. */
export function rankingAt(group: ComparedGroupView, name: CostName, cost: number, full: Cost): Ranked[] {
  return group.drawn
    .flatMap((curve) => {
      const point = curve.view.points.findLast((p) => costOf(curve, p, name, full) <= cost * (1 + 1e-9));
      return point === undefined ? [] : [{ curve, point }];
    })
    .sort((a, b) => a.point.rise - b.point.rise);
}

/** Where a panel ranks the orderings: the plan's cost, without a plan the winner's, else half-way between the smallest and the full model. */
export function referenceCost(group: ComparedGroupView, name: CostName, full: Cost): number {
  const { planned, winner } = group;
  if (planned !== undefined) return planned.cost[name];
  if (winner !== undefined && winner.view.needs !== null) return costOf(winner, winner.view.needs, name, full);
  const least = group.drawn.reduce((low, c) => Math.min(low, smallestCost(c, name, full)), full[name]);
  return Math.round((least + full[name]) / 2);
}
