import * as tf from '@tensorflow/tfjs';

import { oneTensor, wrapLayerCall } from './layer-calls.js';
import type { LayerInputs } from './layer-calls.js';
import type { Repair } from './types.js';

export const normalizationWithoutWeights: Repair = {
  name: 'normalization-without-weights',
  fault: 'BatchNormalization and LayerNormalization without center or scale throw as soon as a gradient is taken.',
  backends: 'all',
  apply() {
    for (const sample of [tf.layers.batchNormalization(), tf.layers.layerNormalization()]) {
      wrapLayerCall(sample, (called, inputs, kwargs, stock) => {
        const layer = called as unknown as NormalizationParts;
        if (layer.scale && layer.center) return stock(inputs, kwargs);
        return withStandIns(layer, inputs, () => stock(inputs, kwargs));
      });
    }
  },
};

interface ReadableWeight {
  read(): tf.Tensor;
}

/** What both classes keep, private in tfjs' types. */
interface NormalizationParts {
  scale: boolean;
  center: boolean;
  gamma?: ReadableWeight | null;
  beta?: ReadableWeight | null;
  readonly axis: number | readonly number[];
}

/** Runs `call` with a gamma of ones and a beta of zeros in the places of those that the layer lacks. */
function withStandIns(layer: NormalizationParts, inputs: LayerInputs, call: () => LayerInputs): LayerInputs {
  const { scale, center, gamma, beta } = layer;
  const { shape } = oneTensor(inputs);
  const axes = typeof layer.axis === 'number' ? [layer.axis] : layer.axis;
  const sizes = axes.map((axis) => shape[axis < 0 ? axis + shape.length : axis]);
  try {
    if (!scale) Object.assign(layer, { scale: true, gamma: { read: () => tf.ones(sizes) } });
    if (!center) Object.assign(layer, { center: true, beta: { read: () => tf.zeros(sizes) } });
    return call();
  } finally {
    Object.assign(layer, { scale, center, gamma, beta });
  }
}
