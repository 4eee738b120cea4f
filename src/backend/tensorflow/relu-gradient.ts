import * as tf from '@tensorflow/tfjs';

import { floatType, tensorFlowBackend } from './binding.js';

let registered = false;

/** The gradient of relu as one op of TensorFlow's instead of step, cast and multiply. Other backends keep theirs. */
export function registerReluGradient(): void {
  if (registered) return;
  registered = true;
  const stock = tf.getGradient('Relu');
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      if (tf.getBackend() !== 'tensorflow') return stock.gradFunc(dy, saved, attrs);
      const features = saved[0];
      return {
        x: () => tensorFlowBackend().executeSingleOutput('ReluGrad', [floatType('T')], [dy as tf.Tensor, features]),
      };
    },
  });
}
