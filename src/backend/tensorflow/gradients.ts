import * as tf from '@tensorflow/tfjs';

import { floatType, tensorFlowBackend, text } from './binding.js';

/** Gradients of relu and of adding a bias as one op of TensorFlow each. Other backends keep theirs. */
export function registerFusedGradients(): void {
  extendGradient('Relu', (dy, [features]) => ({ x: () => reluGradient(dy, features) }));
  extendGradient('Add', (dy, [a, b], stock) =>
    isBias(dy, a, b) ? { a: stock['a'], b: () => biasGradient(dy) } : stock,
  );
}

type Gradients = ReturnType<tf.GradFunc>;

function extendGradient(
  kernelName: string,
  fused: (dy: tf.Tensor, saved: tf.Tensor[], stock: Gradients) => Gradients,
): void {
  const stock = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const former = stock.gradFunc(dy, saved, attrs);
      return tf.getBackend() === 'tensorflow' ? fused(dy as tf.Tensor, saved, former) : former;
    },
  });
}

/** Stock: step, cast, multiply. @param features what relu read, or what it gave */
export function reluGradient(dy: tf.Tensor, features: tf.Tensor): tf.Tensor {
  return tensorFlowBackend().executeSingleOutput('ReluGrad', [floatType('T')], [dy, features]);
}

function isBias(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor): boolean {
  const floats = [dy, a, b].every((tensor) => tensor.dtype === 'float32');
  return floats && b.rank === 1 && a.rank > 1 && b.shape[0] === a.shape[a.rank - 1];
}

/** The sum over all axes but the last; stock uses the general Sum, four to six times slower on images. */
export function biasGradient(dy: tf.Tensor): tf.Tensor {
  const attributes = [floatType('T'), text('data_format', 'NHWC')];
  return tensorFlowBackend().executeSingleOutput('BiasAddGrad', attributes, [dy]);
}
