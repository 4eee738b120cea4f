import type { ModelGraph } from '../graph/index.js';
import type { Cost, PlannedGroup } from '../records/types.js';
import { changesOf, formByName, type RankForm } from './resolve.js';

/**
 * What `narrowModel` makes of a plan costs, without making it: exactly, with the rows and columns that the neighbours' widths leave to each factored
 * kernel. Bytes: what is factored is stored as its kernel was; a bias that a layer did not have takes 4 bytes a number.
 *
 * @param form how a rank basis cuts a kernel; default: as the bases of these names do
 * @throws UsageError for a plan that does not fit the model
 */
export function planCost(graph: ModelGraph, groups: readonly PlannedGroup[], form: RankForm = formByName): Cost {
  const { widths, changes } = changesOf(graph, groups, form);
  return graph.cost(widths, changes);
}
