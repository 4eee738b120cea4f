import * as tf from '@tensorflow/tfjs';

import { wrapLayerCall } from './layer-calls.js';
import type { Repair } from './types.js';

export const frozenBatchNormalization: Repair = {
  name: 'frozen-batch-normalization',
  fault: 'A frozen BatchNormalization still uses batch statistics in training and still moves its own.',
  backends: 'all',
  apply() {
    wrapLayerCall(tf.layers.batchNormalization(), (layer, inputs, kwargs, stock) =>
      stock(inputs, isFrozen(layer as BatchNormalization) ? { ...kwargs, training: false } : kwargs),
    );
  },
};

type BatchNormalization = tf.layers.Layer & { readonly scale: boolean; readonly center: boolean };

/** A frozen model freezes the weights of the layers in it, but does not set their `trainable`. */
function isFrozen(layer: BatchNormalization): boolean {
  return !layer.trainable || ((layer.scale || layer.center) && layer.trainableWeights.length === 0);
}
