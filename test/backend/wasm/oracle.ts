import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** Seeded values in [-1, 1), no two of them close: a step of central differences changes no maximum. */
export function values(size: number, seed = 1): Float32Array {
  const order = Array.from({ length: size }, (_, i) => i);
  let state = seed * 2654435761;
  for (let i = size - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return Float32Array.from(order, (rank) => (2 * rank + 1) / size - 1);
}

export function tensor(shape: number[], seed = 1, shift = 0): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    values(size, seed).map((v) => v + shift),
    shape,
    'float32',
  );
}

/**
 * Compares the gradient of sum(weights * op(x)) with central differences, by at most 40 coordinates spread over x.
 * Returns one line per coordinate that differs. For a linear op the differences are exact up to rounding whatever the step.
 */
export function compareGradient(
  op: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  step: number,
  tolerance: number,
): string[] {
  const loss = (input: tf.Tensor): tf.Scalar =>
    tf.tidy(() => {
      const y = op(input);
      return tf.sum<tf.Scalar>(tf.mul(y, tensor(y.shape, 7)));
    });
  const gradient = tf.tidy(() => tf.grad(loss)(x).dataSync());
  const base = x.dataSync();
  const scale = Math.max(...gradient.map(Math.abs), 1e-3);
  const stride = Math.max(1, Math.floor(base.length / 40));
  const wrong: string[] = [];
  for (let i = 0; i < base.length; i += stride) {
    const at = (delta: number): number =>
      tf.tidy(() => {
        const moved = base.slice();
        moved[i] += delta;
        return loss(tf.tensor(moved, x.shape)).dataSync()[0];
      });
    const difference = (at(step) - at(-step)) / (2 * step);
    if (!(Math.abs(difference - gradient[i]) <= tolerance * scale))
      wrong.push(`[${i}] ${gradient[i]} is not ${difference}`);
  }
  return wrong;
}

/** Largest difference, relative to the largest expected value. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let scale = 1e-30;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]));
    const difference = Math.abs(actual[i] - expected[i]);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst / scale;
}

/** The values of `make()` on a backend; everything made is disposed. */
export async function on(backend: 'cpu' | 'wasm', make: () => tf.Tensor): Promise<Float32Array> {
  await tf.setBackend(backend);
  // at its first use the cpu backend prints an advertisement
  if (backend === 'cpu') Object.assign(tf.backend(), { firstUse: false });
  return tf.tidy(() => make().dataSync().slice() as Float32Array);
}
