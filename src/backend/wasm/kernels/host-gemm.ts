import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../../../errors.js';

export interface GemmShape {
  /** Rows of the result. */
  readonly m: number;
  readonly k: number;
  /** Columns of the result. */
  readonly n: number;
  /** `a` holds [k, m] instead of [m, k]. */
  readonly transposeA?: boolean;
  /** `b` holds [n, k] instead of [k, n]. */
  readonly transposeB?: boolean;
}

/**
 * op(a) op(b), [m, n], of row-major float32 matrices in host memory, on tfjs' current backend: on wasm the own product.
 * @throws UsageError where an array has another size than its shape
 */
export function gemm(a: Float32Array, b: Float32Array, shape: GemmShape): Float32Array {
  const { m, k, n, transposeA = false, transposeB = false } = shape;
  checkSize('a', a, m * k);
  checkSize('b', b, k * n);
  return tf.tidy(() => {
    const left = tf.tensor2d(a, transposeA ? [k, m] : [m, k]);
    const right = tf.tensor2d(b, transposeB ? [n, k] : [k, n]);
    return tf.matMul(left, right, transposeA, transposeB).dataSync<'float32'>();
  });
}

function checkSize(name: string, values: Float32Array, size: number): void {
  if (values.length === size) return;
  throw new UsageError(`The matrix ${name} must have ${size} elements, received ${values.length}.`);
}
