import * as tf from '@tensorflow/tfjs';

/** Fault: depthwiseConv2d refuses to give a gradient where a dilation is greater than 1, though the gradient's kernels take one. */
export function repairDilatedDepthwiseGradient(): void {
  const stock = tf.getGradient('DepthwiseConv2dNative');
  tf.unregisterGradient('DepthwiseConv2dNative');
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attributes) => {
      const dilated = [attributes['dilations'] ?? 1].flat().some((rate) => rate !== 1);
      if (!dilated || tf.getBackend() !== 'wasm') return stock.gradFunc(dy, saved, attributes);
      const [x, filter] = saved;
      const engine = tf.engine();
      const gradient = dy as tf.Tensor;
      return {
        x: () =>
          engine.runKernel(
            'DepthwiseConv2dNativeBackpropInput',
            { dy: gradient, filter },
            { ...attributes, inputShape: x.shape },
          ),
        filter: () =>
          engine.runKernel(
            'DepthwiseConv2dNativeBackpropFilter',
            { x, dy: gradient },
            { ...attributes, filterShape: filter.shape },
          ),
      };
    },
  });
}
