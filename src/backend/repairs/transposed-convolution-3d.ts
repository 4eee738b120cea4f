import * as tf from '@tensorflow/tfjs';

import type { Repair } from './types.js';

export const transposedConvolution3D: Repair = {
  name: 'transposed-convolution-3d',
  fault: 'Conv3DBackpropInputV2, which Conv3DTranspose layers run on, has no gradient.',
  backends: 'all',
  apply() {
    tf.registerGradient({
      kernelName: 'Conv3DBackpropInputV2',
      inputsToSave: ['dy', 'filter'],
      gradFunc: (gradient, saved, attrs) => {
        const [dy, filter] = saved as [tf.Tensor5D, tf.Tensor5D];
        const x = gradient as tf.Tensor5D;
        const { strides, pad } = attrs as unknown as { strides: [number, number, number]; pad: 'same' | 'valid' };
        return {
          dy: () => tf.conv3d(x, filter, strides, pad),
          filter: () =>
            tf.engine().runKernel('Conv3DBackpropFilterV2', { x, dy }, { strides, pad, filterShape: filter.shape }),
        };
      },
    });
  },
};
