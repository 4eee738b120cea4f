import * as tf from '@tensorflow/tfjs';

import type { GradientCase } from './gradient-check.js';

/** The gradients that layers need, on shapes where stock tfjs is known to go wrong (borders, strides, batches > 1). */
export const GRADIENT_CASES: readonly GradientCase[] = [
  ...['relu', 'elu', 'selu', 'sigmoid', 'tanh', 'softplus', 'softmax'].map((name) => activation(name)),
  binary('add, broadcast', [3, 4], [4], (a, b) => tf.add(a, b)),
  binary('multiply, broadcast', [3, 4], [3, 1], (a, b) => tf.mul(a, b)),
  binary('divide', [2, 3], [2, 3], (a, b) => tf.div(a, tf.add(tf.square(b), 1))),
  binary('maximum', [3, 4], [3, 4], (a, b) => tf.maximum(a, tf.add(b, 0.015))),
  binary('matMul', [3, 4], [4, 5], (a, b) => tf.matMul(a, b)),
  binary('matMul, transposed', [4, 3], [5, 4], (a, b) => tf.matMul(a, b, true, true)),
  binary('matMul, batches', [2, 3, 4], [2, 4, 2], (a, b) => tf.matMul(a, b)),
  unary('mean and variance', [4, 5], (x) => tf.sqrt(tf.add(tf.moments(x, 0).variance, tf.mean(tf.square(x))))),
  unary('logSumExp', [3, 5], (x) => tf.logSumExp(x, 1)),
  unary('slice, concat, transpose', [4, 3], (x) => tf.transpose(tf.concat([tf.slice(x, [1, 0], [2, 3]), x], 0))),
  unary('gather, repeated rows', [4, 3], (x) => tf.gather(x, tf.tensor1d([0, 2, 2, 1, 0], 'int32'))),
  binary("conv2d, 'same'", [2, 5, 4, 2], [3, 3, 2, 3], (x, w) => conv(x, w, 1, 'same')),
  binary("conv2d, stride 2, 'same'", [2, 6, 5, 2], [3, 3, 2, 2], (x, w) => conv(x, w, 2, 'same')),
  binary("conv2d, 'valid'", [1, 5, 5, 1], [2, 3, 1, 2], (x, w) => conv(x, w, 1, 'valid')),
  binary('conv2d, dilation 2', [1, 6, 7, 1], [2, 3, 1, 2], (x, w) => conv(x, w, 1, 'same', 2)),
  binary('conv2dTranspose', [1, 3, 3, 2], [3, 3, 1, 2], (x, w) =>
    tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [1, 6, 6, 1], 2, 'same'),
  ),
  binary('depthwiseConv2d', [2, 5, 4, 2], [3, 3, 2, 2], (x, w) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
  ),
  binary("depthwiseConv2d, stride 2, 'valid'", [1, 6, 6, 2], [3, 3, 2, 1], (x, w) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid'),
  ),
  binary("conv3d, stride 2, 'same'", [2, 3, 4, 3, 1], [2, 2, 2, 1, 2], (x, w) =>
    tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 2, 'same'),
  ),
  binary('conv3dTranspose', [1, 2, 2, 3, 2], [2, 2, 2, 1, 2], (x, w) =>
    tf.conv3dTranspose(x as tf.Tensor5D, w as tf.Tensor5D, [1, 4, 4, 6, 1], 2, 'same'),
  ),
  unary('maxPool, negative inputs', [2, 5, 4, 2], (x) => tf.maxPool(tf.sub<tf.Tensor4D>(x, 5), 2, 2, 'same')),
  unary('maxPool, overlapping', [1, 5, 5, 2], (x) => tf.maxPool(x as tf.Tensor4D, 3, 1, 'valid')),
  unary("avgPool, 'same' at the border", [2, 3, 5, 2], (x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same')),
  unary('maxPool3d', [1, 4, 4, 2, 2], (x) => tf.maxPool3d(tf.sub<tf.Tensor5D>(x, 5), 2, 2, 'same')),
  unary("avgPool3d, 'same' at the border", [1, 3, 3, 3, 2], (x) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, 'same')),
  unary('resizeNearestNeighbor, batch 2', [2, 3, 2, 2], (x) =>
    tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 4]),
  ),
  unary('resizeBilinear', [2, 3, 2, 2], (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 4])),
];

function activation(name: string): GradientCase {
  const layer = tf.layers.activation({ activation: name as 'relu' });
  return unary(name, [3, 6], (x) => layer.apply(x) as tf.Tensor);
}

function unary(name: string, shape: readonly number[], run: (x: tf.Tensor) => tf.Tensor): GradientCase {
  return { name, shapes: [shape], run: ([x]) => run(x) };
}

function binary(
  name: string,
  a: readonly number[],
  b: readonly number[],
  run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): GradientCase {
  return { name, shapes: [a, b], run: ([first, second]) => run(first, second) };
}

function conv(x: tf.Tensor, filter: tf.Tensor, stride: number, pad: 'same' | 'valid', dilation = 1): tf.Tensor {
  return tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad, 'NHWC', dilation);
}
