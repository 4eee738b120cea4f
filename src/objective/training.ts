import * as tf from '@tensorflow/tfjs';

import type { HostArray } from '../data/types.js';
import { activate } from './judge.js';
import type { Objective, Outputs } from './types.js';

/**
 * Soft targets for a training batch: the mean of what the data says and what the frozen original says (distillation at
 * temperature 1). Half task loss and half KL to the original is, up to a constant, ONE cross-entropy to the mean of both
 * targets; with squared error likewise.
 *
 * @param target classes or numbers of the batch, absent for target `self`.
 * @param teacher the original's outputs on the same rows; absent without distillation.
 * @returns [rows, …, units] numbers to be matched.
 */
export function softTargets(
  objective: Objective,
  shape: readonly number[],
  target?: HostArray,
  teacher?: Outputs,
): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const taught = teacher === undefined ? undefined : activate(objective, teacher);
  if (objective.self || target === undefined) {
    if (taught === undefined) throw new RangeError('Rows without a target need the original outputs.');
    return taught;
  }
  const units = shape.at(-1)!;
  const result = new Float32Array(size);
  const share = taught === undefined ? 1 : 0.5;
  const classes = target.values instanceof Int32Array && target.values.length * units === size && units > 1;
  if (classes) for (let i = 0; i < target.values.length; i++) result[i * units + target.values[i]] = share;
  else for (let i = 0; i < size; i++) result[i] = share * target.values[i];
  if (taught !== undefined) for (let i = 0; i < size; i++) result[i] += 0.5 * taught[i];
  return result;
}

/**
 * Mean loss of a batch as a differentiable scalar.
 *
 * @param outputs the model's final numbers [rows, …, units]; logits where the link is softmax or sigmoid.
 * @param targets numbers to be matched, of the same shape.
 */
export function trainingLoss(objective: Objective, outputs: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    switch (objective.loss) {
      case 'categoricalCrossentropy':
      case 'kullbackLeibler':
      case 'binaryCrossentropy':
        return objective.link === 'sigmoid' ? sigmoidLoss(outputs, targets) : softmaxLoss(outputs, targets);
      case 'meanSquaredError':
        return tf.mean<tf.Scalar>(tf.square(tf.sub(numbers(objective, outputs), targets)));
      case 'meanAbsoluteError':
        return tf.mean<tf.Scalar>(tf.abs(tf.sub(numbers(objective, outputs), targets)));
    }
  });
}

/** Gradient in closed form, (softmax - target) / rows: fewer kernels, and no log of a rounded probability. */
function softmaxLoss(outputs: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  const loss = tf.customGrad((...inputs) => {
    const [scores, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    const [value, gradient] = isOneKernel(scores) ? inOneKernel(scores, targets) : composed(scores, targets);
    save([gradient]);
    return { value, gradFunc: (dy, [saved]) => tf.mul(saved, dy) };
  });
  return loss(outputs) as tf.Scalar;
}

function composed(scores: tf.Tensor, targets: tf.Tensor): tf.Tensor[] {
  const rows = scores.size / scores.shape.at(-1)!;
  const logs = tf.logSoftmax(scores);
  return [tf.div(tf.neg(tf.sum(tf.mul(targets, logs))), rows), tf.div(tf.sub(tf.exp(logs), targets), rows)];
}

/** A kernel that wasm and tensorflow bring (src/backend); beyond that many numbers they have no faster one than those that exist. */
const SOFTMAX_LOSS = 'SoftmaxLoss';
const ONE_KERNEL = 65_536;

function isOneKernel({ size }: tf.Tensor): boolean {
  return size > 0 && size <= ONE_KERNEL && Boolean(tf.getKernel(SOFTMAX_LOSS, tf.getBackend()));
}

function inOneKernel(scores: tf.Tensor, targets: tf.Tensor): tf.Tensor[] {
  return tf.engine().runKernel(SOFTMAX_LOSS, { scores, targets }) as unknown as tf.Tensor[];
}

/** Mean over rows and units of softplus(z) - q z. */
function sigmoidLoss(outputs: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  const softplus = tf.add(tf.relu(outputs), tf.log1p(tf.exp(tf.neg(tf.abs(outputs)))));
  return tf.mean<tf.Scalar>(tf.sub(softplus, tf.mul(targets, outputs)));
}

function numbers(objective: Objective, outputs: tf.Tensor): tf.Tensor {
  if (objective.link === 'softmax') return tf.softmax(outputs);
  return objective.link === 'sigmoid' ? tf.sigmoid(outputs) : outputs;
}
