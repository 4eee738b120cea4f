import * as tf from '@tensorflow/tfjs';

import { wrapLayerCall } from './layer-calls.js';
import type { Repair } from './types.js';

export const frozenBatchNormalization: Repair = {
  name: 'frozen-batch-normalization',
  fault: 'A frozen BatchNormalization still uses batch statistics in training and still moves its own.',
  backends: 'all',
  apply() {
    wrapLayerCall(tf.layers.batchNormalization(), (layer, inputs, kwargs, stock) =>
      stock(inputs, isFrozen(layer) ? { ...kwargs, training: false } : kwargs),
    );
  },
};

/** Those that are never trained: the moving mean and variance. */
const STATISTICS = 2;

/** A frozen model freezes the weights of the layers in it, but does not set their `trainable`. */
function isFrozen(layer: tf.layers.Layer): boolean {
  return !layer.trainable || (layer.weights.length > STATISTICS && layer.trainableWeights.length === 0);
}
