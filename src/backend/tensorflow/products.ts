import type * as tf from '@tensorflow/tfjs';

import { replaceKernel } from '../repairs/kernels.js';
import { flag, floatType, tensorFlowBackend } from './binding.js';

/** The product of two matrices as TensorFlow's MatMul, which is faster on the sizes of layers than the batched op that tfjs-node takes. */
export function registerProducts(): void {
  replaceKernel('tensorflow', 'BatchMatMul', ({ inputs, attrs }, stock) => {
    const { a, b } = inputs;
    const plain = a.rank === 2 && b.rank === 2 && a.dtype === 'float32' && b.dtype === 'float32';
    return plain ? product(a, b, attrs['transposeA'] === true, attrs['transposeB'] === true) : stock(inputs);
  });
}

/** op(a) op(b) of float32 matrices, inside a kernel. */
export function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const attributes = [floatType('T'), flag('transpose_a', transposeA), flag('transpose_b', transposeB)];
  return tensorFlowBackend().executeSingleOutput('MatMul', attributes, [a, b]);
}
