import * as tf from '@tensorflow/tfjs';

import { createRandom } from '../../src/random/index.js';
import type { Random } from '../../src/random/index.js';

export interface TrainOptions {
  steps: number;
  learningRate: number;
  /** Final learning rate of a cosine decay; default: no decay. */
  finalRate?: number;
}

/** Minimises `loss(step)` over the variables with Adam (Kingma & Ba 2014, the defaults of PyTorch and Keras 3: epsilon 1e-8). */
export function train(variables: tf.Variable[], loss: (step: number) => tf.Scalar, options: TrainOptions): void {
  const optimizer = tf.train.adam(options.learningRate, 0.9, 0.999, 1e-8);
  const { steps, learningRate, finalRate = learningRate } = options;
  for (let step = 0; step < steps; step++) {
    const rate = finalRate + ((learningRate - finalRate) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    (optimizer as unknown as { learningRate: number }).learningRate = rate;
    optimizer.minimize(() => loss(step), false, variables)?.dispose();
  }
  optimizer.dispose();
}

/**
 * x w, with a gradient that transposes first: the product with transposed operands is ten times slower on wasm, and the numbers
 * are the same.
 */
export function matMul(x: tf.Tensor2D, w: tf.Tensor2D): tf.Tensor2D {
  return transposeFirst(x, w) as tf.Tensor2D;
}

export type Product = (w: tf.Tensor2D) => tf.Tensor2D;

/** w -> x w for an x that does not train: no gradient to x, and its transpose is made once, by the caller. */
export function constantTimes(x: tf.Tensor2D, transposed: tf.Tensor2D): Product {
  const op = tf.customGrad((w) => ({
    value: tf.matMul(x, w as tf.Tensor2D),
    gradFunc: (dy: tf.Tensor) => tf.matMul(transposed, dy),
  }));
  return (w) => op(w) as tf.Tensor2D;
}

/** tanh(x) = 2 sigmoid(2 x) - 1: wasm's sigmoid is vectorised, its tanh takes fifteen times as long. */
export function tanh(x: tf.Tensor2D): tf.Tensor2D {
  return tf.sub(tf.mul(tf.sigmoid(tf.mul(x, 2)), 2), 1);
}

/** A variable of numbers uniform within ±limit, PyTorch's default start of a linear layer for limit = 1/sqrt(inputs). */
export function uniformVariable(shape: number[], limit: number, random: Random): tf.Variable {
  const values = Float32Array.from({ length: size(shape) }, () => (2 * random.uniform() - 1) * limit);
  return tf.tidy(() => tf.variable(tf.tensor(values, shape)));
}

export function normalTensor(shape: [number, number], random: Random): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from({ length: size(shape) }, random.normal), shape);
}

/** Rows of a batch: `rows` of them without replacement per epoch, in a new order each. */
export function* batches(examples: number, rows: number, seed: number): Generator<Int32Array> {
  const random = createRandom(seed);
  for (;;) {
    const order = random.permutation(examples);
    for (let start = 0; start + rows <= examples; start += rows) yield order.subarray(start, start + rows);
  }
}

function size(shape: number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

const transposeFirst = tf.customGrad((x, w, save) => {
  const [a, b] = [x as tf.Tensor2D, w as tf.Tensor2D];
  (save as tf.GradSaveFunc)([a, b]);
  return { value: tf.matMul(a, b), gradFunc: productGradients };
});

function productGradients(dy: tf.Tensor, [x, w]: tf.Tensor[]): tf.Tensor[] {
  return [tf.matMul(dy, tf.transpose(w)), tf.matMul(tf.transpose(x), dy)];
}
