import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startWasm } from '../../../src/backend/wasm/index.js';
import { withRowsAlike } from '../../../src/backend/wasm/kernels/rows-alike.js';
import { session } from '../../../src/backend/wasm/kernels/session.js';
import { values } from './oracle.js';

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors leaked`);
});
afterAll(async () => {
  await session()?.stop();
});

/** As many numbers; of each `alike` neighbouring rows about half of the columns are all zero, one row in nine is zero altogether. */
function halfZero(rows: number, columns: number, alike: number): Float32Array {
  return values(rows * columns, 3).map((value, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const isZero = (Math.floor(row / alike) * 31 + column * 17) % 29 < 15 || row % 9 === 4;
    return isZero ? 0 : value;
  });
}

const PRODUCTS = [
  [1, 1, 1],
  [4, 8, 8],
  [7, 3, 5],
  [130, 70, 10],
  [131, 256, 33],
  [300, 300, 17],
  [261, 600, 64],
] as const;

describe.each([1, 2])('products of rows that are zero alike, on %i threads', (threads) => {
  beforeAll(async () => {
    await startWasm({ threads });
  });

  it.each(PRODUCTS)('are the same bytes as others: %i x %i x %i', (m, k, n) => {
    for (const alike of [1, 3, 4, 16]) {
      const [plain, own] = tf.tidy(() => {
        const a = tf.tensor2d(halfZero(m, k, alike), [m, k]);
        const b = tf.tensor2d(values(k * n, 2), [k, n]);
        const bias = tf.tensor1d(values(n, 5));
        const product = () => tf.fused.matMul({ a, b, bias, activation: 'relu' }).dataSync().join();
        return [product(), withRowsAlike(product)];
      });
      expect(own).toBe(plain);
    }
  });

  it('are the same bytes in convolutions', () => {
    const [plain, own] = tf.tidy(() => {
      const x = tf.tensor4d(halfZero(5 * 7 * 6, 11, 6), [5, 7, 6, 11]);
      const filter = tf.tensor4d(values(9 * 11 * 13, 2), [3, 3, 11, 13]);
      const made = () => tf.conv2d(x, filter, [2, 1], 'same').dataSync().join();
      return [made(), withRowsAlike(made)];
    });
    expect(own).toBe(plain);
  });
});

it('the hint ends with what it was given for, also by an error', () => {
  const a = tf.tensor2d([0, Infinity], [1, 2]);
  const b = tf.tensor2d([Infinity, 1], [2, 1]);
  // 0 x infinity is no number, unless columns of zeros are left out
  const product = (): number => tf.tidy(() => tf.matMul(a, b).dataSync()[0]);
  expect(withRowsAlike(product)).toBe(Infinity);
  expect(() => {
    withRowsAlike(() => {
      throw new Error('stop');
    });
  }).toThrow('stop');
  expect(product()).toBeNaN();
  tf.dispose([a, b]);
});
