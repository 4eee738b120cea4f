import type * as tf from '@tensorflow/tfjs';

import { fillSizes } from '../data/fit.js';
import { detailOf, readGraph } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import { weightEntries, type LoadedModel } from '../model/index.js';

/**
 * The graph of a loaded model, its bytes counted as the source stores each weight (a quantised one in 1 or 2).
 *
 * @param inputShapes sizes without the batch, one list an input, where the model leaves some open; else they count as 1
 */
export function graphOf(
  { model, bytesPerWeight }: LoadedModel,
  inputShapes?: readonly (readonly number[])[],
): ModelGraph {
  const bytes = new Map(weightEntries(model).map(({ variable, key }) => [variable.id, bytesPerWeight.get(key) ?? 4]));
  return readGraph(model, {
    bytesPerWeight: (weight) => bytes.get(weight.read().id) ?? 4,
    ...(inputShapes === undefined ? {} : { inputShapes }),
  });
}

/** The graph of a model that was made of another one, whose open sizes are known. */
export function graphLike(model: tf.LayersModel, graph: ModelGraph): ModelGraph {
  const { inputShapes } = detailOf(graph).options;
  return readGraph(model, inputShapes === undefined ? {} : { inputShapes });
}

/**
 * Sizes of a model's inputs.
 *
 * @param inputShape sizes of the first input where the model leaves some open, with or without the batch; those of others count as 1
 * @throws DataError where `inputShape` does not fit the model
 */
export function inputShapesOf(model: tf.LayersModel, inputShape: readonly number[]): number[][] {
  return model.inputs.map(({ shape, sourceLayer }, index) => {
    const sizes = shape.slice(1);
    const filled = index === 0 ? fillSizes(sizes, inputShape, sourceLayer.name) : sizes;
    return filled.map((size) => size ?? 1);
  });
}
