import * as tf from '@tensorflow/tfjs';

import type { KernelInfo } from './kernels.js';

/**
 * Sees what a layer's kernel is multiplied with, and what it makes before the activation; the answer takes the place of the latter. Called in the
 * order of the steps, once a call of a layer.
 */
export type KernelTap = (kernel: KernelInfo, input: tf.Tensor, output: tf.Tensor) => tf.Tensor;

interface Activation {
  apply(tensor: tf.Tensor): tf.Tensor;
}

interface Parts {
  activation: Activation | null;
  call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor | tf.Tensor[];
}

/** Runs `body` while the layers of these kernels leave their activation to us, behind the tap. */
export function withKernelTaps<T>(kernels: readonly KernelInfo[], tap: KernelTap, body: () => T): T {
  const linear = (tf.layers.activation({ activation: 'linear' }) as unknown as Parts).activation;
  const tapped = kernels.map((kernel) => [kernel, kernel.target as unknown as Parts] as const);
  for (const [kernel, layer] of tapped) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) => {
      const { activation } = layer;
      layer.activation = linear;
      try {
        const made = tap(kernel, [inputs].flat()[0], [call(inputs, kwargs)].flat()[0]);
        return activation === null ? made : activation.apply(made);
      } finally {
        layer.activation = activation;
      }
    };
  }
  try {
    return body();
  } finally {
    // uncovers the class's own method again
    for (const [, layer] of tapped) Reflect.deleteProperty(layer, 'call');
  }
}
