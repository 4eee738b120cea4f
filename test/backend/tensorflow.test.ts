import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { AVAILABLE } from './available.js';

const { skip, title } = AVAILABLE.find(({ backend }) => backend === 'tensorflow')!;

describe.skipIf(skip)(`training on ${title}`, () => {
  let started: StartedBackend;
  beforeAll(async () => {
    started = await startBackend({ backend: 'tensorflow' });
  });

  it('changes a weight in place, and not what somebody kept of it', () => {
    const before = tf.memory().numTensors;
    const weight = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
    const adam = started.createAdam(0.1);
    const step = (): void => {
      adam.minimize(() => tf.sum(tf.square(weight)), false, [weight]);
    };
    step();
    const kept = tf.clone(weight);
    const values = Array.from(weight.dataSync());
    step();
    step();
    expect(Array.from(kept.dataSync())).toEqual(values);
    expect(Array.from(weight.dataSync())).not.toEqual(values);
    const after = Array.from(weight.dataSync());
    kept.dispose();
    step();
    expect(Array.from(weight.dataSync(), Math.abs).every((value, i) => value < Math.abs(after[i]))).toBe(true);
    adam.dispose();
    weight.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: true },
  ])('multiplies matrices as a naive loop does, $transposeA $transposeB', ({ transposeA, transposeB }) => {
    const [m, k, n] = [5, 7, 3];
    const a = Array.from({ length: m * k }, (_, i) => ((i * 7) % 11) - 5);
    const b = Array.from({ length: k * n }, (_, i) => ((i * 5) % 13) - 6);
    const expected: number[] = [];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let q = 0; q < k; q++) {
          sum += a[transposeA ? q * m + i : i * k + q] * b[transposeB ? j * k + q : q * n + j];
        }
        expected.push(sum);
      }
    }
    const product = tf.tidy(() => {
      const [left, right] = [
        tf.tensor2d(a, transposeA ? [k, m] : [m, k]),
        tf.tensor2d(b, transposeB ? [n, k] : [k, n]),
      ];
      return Array.from(tf.matMul(left, right, transposeA, transposeB).dataSync());
    });
    expect(product).toEqual(expected);
  });
});
