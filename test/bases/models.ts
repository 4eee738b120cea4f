import * as tf from '@tensorflow/tfjs';

import type { HostArray, Split } from '../../src/data/types.js';
import { inferObjective } from '../../src/objective/infer.js';
import type { Objective } from '../../src/objective/types.js';
import { createRandom } from '../../src/random/index.js';
import { splitOf } from '../evaluate-helpers.js';

/** Normal numbers, moved by `mean`. */
export function normal(shape: readonly number[], seed: number, mean = 0): HostArray {
  const random = createRandom(seed);
  const size = shape.reduce((all, n) => all * n, 1);
  return { shape, values: Float32Array.from({ length: size }, () => random.normal() + mean) };
}

/** Weights from a seed, biases included, so that nothing is zero by chance. */
export function scramble(model: tf.LayersModel, seed = 5): tf.LayersModel {
  const random = createRandom(seed);
  const weights = model.weights.map(({ shape }) => {
    const sizes = shape.map((size) => size!);
    const count = sizes.reduce((all, size) => all * size, 1);
    return tf.tensor(
      Float32Array.from({ length: count }, () => 0.4 * random.normal()),
      sizes,
    );
  });
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

export function sequential(...layers: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers }));
}

/** A split of real targets, and what judges them. */
export function regression(x: HostArray, units: number, seed = 9): { split: Split; objective: Objective } {
  const y = normal([x.shape[0], units], seed);
  return { split: splitOf([x], y), objective: inferObjective({ target: 'real', activation: 'linear', units }) };
}

/** A split without targets, and what judges a softmax of its own outputs. */
export function selfTaught(x: HostArray, units: number): { split: Split; objective: Objective } {
  return { split: splitOf([x]), objective: inferObjective({ target: 'self', activation: 'softmax', units }) };
}

/** Float64 numbers of a tensor, which is disposed. */
export function take(tensor: tf.Tensor): number[] {
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

export const weightsOf = (model: tf.LayersModel, layer: string): number[][] =>
  model
    .getLayer(layer)
    .getWeights()
    .map((weight) => [...weight.dataSync()]);
