import type { RankBasis } from '../bases/index.js';
import { UsageError } from '../errors.js';
import { detailOf, type CostChanges, type FactorChange, type ModelGraph } from '../graph/index.js';
import type { PlannedGroup } from '../records/types.js';

/** A plan sorted by what is to be done; what stays whole is left out. */
export interface Resolved {
  /** Unit choices below full width, by group. */
  readonly units: ReadonlyMap<string, PlannedGroup>;
  /** Rank choices, by layer: only kernels that have fewer weights as two beside the plan's widths. */
  readonly ranks: ReadonlyMap<string, PlannedGroup>;
  /** Groups below full width whose units are replaced by constants. */
  readonly folded: ReadonlySet<string>;
}

/** How a rank basis cuts a kernel. */
export type RankForm = (layer: string, basis: string) => Omit<FactorChange, 'k'>;

const CORRECTED = new Set(['pca', 'whitened', 'kfac']);

/** By the basis's name alone, as buildRankBasis makes them. */
export const formByName: RankForm = (_, basis) => ({
  form: basis === 'svd-spatial' ? 'spatial' : 'channel',
  corrected: CORRECTED.has(basis),
});

/** By the bases themselves. */
export function formByBasis(rankBasis: (layer: string, basis: string) => RankBasis): RankForm {
  return (layer, name) => {
    const { form, mean } = rankBasis(layer, name);
    return { form, corrected: mean !== null };
  };
}

/**
 * Sorts a plan's choices. A kernel stays whole where its rank is full, and where beside the plan's widths it would have no fewer weights as two.
 * @throws UsageError for a group, kernel, width or rank that the model does not have, and for two choices of one thing
 */
export function resolvePlan(graph: ModelGraph, groups: readonly PlannedGroup[], form: RankForm): Resolved {
  const { widths, changes } = changesOf(graph, groups, form);
  const paying = detailOf(graph).costs.paying(widths, changes);
  const ranks = groups.filter(({ kind, layer }) => kind === 'rank' && paying.has(layer!));
  return {
    units: new Map(groups.filter(isCut).map((group) => [group.name, group])),
    ranks: new Map(ranks.map((group) => [group.layer!, group])),
    folded: changes.folded ?? new Set(),
  };
}

/** A plan as the cost model reads it. */
export function changesOf(
  graph: ModelGraph,
  groups: readonly PlannedGroup[],
  form: RankForm,
): { readonly widths: ReadonlyMap<string, number>; readonly changes: CostChanges } {
  checkPlan(graph, groups);
  const widths = new Map<string, number>();
  const factors = new Map<string, FactorChange>();
  const folded = new Set<string>();
  for (const group of groups) {
    const { name, layer, n, k, kind, basis } = group;
    if (kind === 'rank') {
      if (k < n) factors.set(layer!, { k, ...form(layer!, basis) });
    } else if (isCut(group)) {
      widths.set(name, k);
      if (group.folded === true) folded.add(name);
    }
  }
  return { widths, changes: { factors, folded } };
}

function isCut({ kind, n, k }: PlannedGroup): boolean {
  return kind === 'unit' && k < n;
}

function checkPlan(graph: ModelGraph, groups: readonly PlannedGroup[]): void {
  const chosen = new Set<string>();
  for (const { name, layer, n, k, kind } of groups) {
    const title = kind === 'rank' ? `layer "${layer}"` : `group "${name}"`;
    if (chosen.has(title)) throw new UsageError(`The plan chooses twice for ${title}.`);
    chosen.add(title);
    if (!Number.isInteger(k) || k < 1 || k > n) {
      throw new UsageError(`The plan keeps ${k} of ${title}; a whole number from 1 to ${n} was expected.`);
    }
    if (kind === 'rank') {
      if (layer === undefined) throw new UsageError(`The plan has a rank for "${name}" and names no layer.`);
      continue;
    }
    const group = graph.groups.find((candidate) => candidate.name === name);
    if (group?.n !== n) {
      const found = group === undefined ? 'none of that name' : `one of ${group.n}`;
      throw new UsageError(`The plan has a ${title} of ${n} units, and the model has ${found}.`);
    }
  }
}
