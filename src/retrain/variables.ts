import type * as tf from '@tensorflow/tfjs';

import type { ModelGraph, WidthGroup } from '../graph/types.js';

/**
 * The variables that training moves: every trainable weight, or those of the selected groups' layers and of what reads them.
 * A layer the model marks as not trainable stays as it is.
 */
export function trainableVariables(
  graph: ModelGraph,
  groups: readonly WidthGroup[],
  trains: 'all' | 'selected',
): readonly tf.Variable[] {
  const chosen = new Set(groups.flatMap(({ layers, producers, consumers }) => [...layers, ...producers, ...consumers]));
  const variables = new Set<tf.Variable>();
  for (const { layer, name } of graph.program.steps) {
    if (trains === 'selected' && !chosen.has(name)) continue;
    for (const weight of layer.trainableWeights) variables.add(variableOf(weight));
  }
  return [...variables];
}

/** tfjs-layers keeps the variable of a weight in a field that its types hide. */
function variableOf(weight: tf.LayerVariable): tf.Variable {
  return (weight as unknown as { readonly val: tf.Variable }).val;
}
