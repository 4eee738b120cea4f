import { readGraph } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import { weightEntries, type LoadedModel } from '../model/index.js';

/** The graph of a loaded model, its bytes counted as the source stores each weight (a quantised one in 1 or 2). */
export function graphOf({ model, bytesPerWeight }: LoadedModel): ModelGraph {
  const bytes = new Map(weightEntries(model).map(({ variable, key }) => [variable.id, bytesPerWeight.get(key) ?? 4]));
  return readGraph(model, { bytesPerWeight: (weight) => bytes.get(weight.read().id) ?? 4 });
}
