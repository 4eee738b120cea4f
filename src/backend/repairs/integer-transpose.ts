import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from './kernels.js';
import type { Repair } from './types.js';

export const integerTranspose: Repair = {
  name: 'integer-transpose',
  fault:
    'The Transpose shader for int32 and bool does not compile in newer Dawn: masks of recurrent layers become zeros.',
  backends: ['webgpu'],
  apply(backendName) {
    replaceKernel(backendName, 'Transpose', ({ inputs }, stock) => {
      const { x } = inputs;
      if (storedType(x) === 'float32') return stock(inputs);
      // Cast relabels the buffer, the product fills a new one; whole numbers up to 2^24 (masks, indices) stay exact.
      const transposed = stock({ x: tf.mul(tf.cast(x, 'float32'), 1) });
      return x.dtype === 'float32' ? transposed : tf.cast(transposed, x.dtype);
    });
  },
};

/** A tensor that was cast from int32 says float32, but its buffer still holds integers. */
function storedType(x: tf.Tensor): string | undefined {
  const { tensorMap } = tf.backend() as unknown as {
    tensorMap: { get(dataId: object): { dtype: string } | undefined };
  };
  return tensorMap.get(x.dataId)?.dtype;
}
