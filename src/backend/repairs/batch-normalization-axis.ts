import * as tf from '@tensorflow/tfjs';

import { oneTensor, wrapLayerCall } from './layer-calls.js';
import type { Repair } from './types.js';

export const batchNormalizationAxis: Repair = {
  name: 'batch-normalization-axis',
  fault: 'BatchNormalization along another axis than the last is wrong at inference and throws in training.',
  backends: 'all',
  apply() {
    wrapLayerCall(tf.layers.batchNormalization(), (called, inputs, kwargs, stock) => {
      const layer = called as tf.layers.Layer & { axis: number };
      const x = oneTensor(inputs);
      const { axis } = layer;
      const place = axis < 0 ? axis + x.rank : axis;
      const last = x.rank - 1;
      if (place === last) return stock(inputs, kwargs);
      // swapping two axes is its own inverse
      const swap = x.shape.map((_, index) => (index === place ? last : index === last ? place : index));
      try {
        layer.axis = last;
        return tf.transpose(oneTensor(stock(tf.transpose(x, swap), kwargs)), swap);
      } finally {
        layer.axis = axis;
      }
    });
  },
};
