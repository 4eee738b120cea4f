import * as tf from '@tensorflow/tfjs';

import { oneTensor, wrapLayerCall } from './layer-calls.js';
import type { Repair } from './types.js';

export const thresholdedRelu: Repair = {
  name: 'thresholded-relu',
  fault: 'ThresholdedReLU compares on the tape, and Greater has no gradient: training throws.',
  backends: 'all',
  apply() {
    wrapLayerCall(tf.layers.thresholdedReLU(), (layer, inputs) =>
      thresholded(oneTensor(inputs), (layer as tf.layers.Layer & { readonly theta: number }).theta),
    );
  },
};

/** x where x > theta, else 0; the derivative is 1 and 0. */
function thresholded(x: tf.Tensor, theta: number): tf.Tensor {
  const operation = tf.customGrad((input, save) => {
    const kept = tf.cast(tf.greater(input as tf.Tensor, theta), 'float32');
    (save as (tensors: tf.Tensor[]) => void)([kept]);
    return {
      value: tf.mul(input as tf.Tensor, kept),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, saved[0]),
    };
  });
  return operation(x);
}
