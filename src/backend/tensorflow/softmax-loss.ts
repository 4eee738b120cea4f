import * as tf from '@tensorflow/tfjs';

import { floatType, registerMany, tensorFlowBackend } from './binding.js';

/**
 * Mean cross-entropy of rows of scores to targets that each sum to 1, and its gradient, as TensorFlow's one op for both.
 * Inputs: scores and targets [..., units]; results: a scalar, and (softmax - target) / rows of the shape of the scores.
 */
export function registerSoftmaxLoss(): void {
  registerMany('SoftmaxLoss', ({ scores, targets }) => {
    const units = scores.shape.at(-1)!;
    const rows = scores.size / units;
    const matrices = scores.rank === 2 ? [scores, targets] : [scores, targets].map((x) => tf.reshape(x, [rows, units]));
    const op = 'SoftmaxCrossEntropyWithLogits';
    const [losses, gradient] = tensorFlowBackend().executeMultipleOutputs(op, [floatType('T')], matrices, 2);
    const mean = tf.div(gradient, rows);
    return [tf.mean(losses), scores.rank === 2 ? mean : tf.reshape(mean, scores.shape)];
  });
}
