import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { checkParity, worseParity, type Predict } from '../../src/compress/index.js';
import { GateError } from '../../src/errors.js';
import { splitOf } from '../evaluate-helpers.js';
import { normal } from '../bases/models.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const rows = splitOf([normal([300, 3], 1)]);
const options = { split: rows, batchSize: 64, title: 'These' };
/** Doubles its input, with something added; `scores` is what it says before its last activation. */
const doubled =
  (added: number, scores = added): Predict =>
  ([x], { logits = false } = {}) => [tf.tidy(() => tf.add(tf.mul(x, 2), logits ? scores : added))];

const zero: Predict = ([x]) => [tf.zerosLike(x)];

describe('checkParity', () => {
  it('compares the first 256 rows and tells the largest difference and output', async () => {
    const before = tf.memory().numTensors;
    const largest = Math.max(
      ...normal([300, 3], 1)
        .values.slice(0, 256 * 3)
        .map((value) => Math.abs(2 * value)),
    );
    const { maxAbsDifference, maxOutput, examples } = await checkParity(doubled(0), doubled(1e-5), options);
    expect(examples).toBe(256);
    expect(maxOutput).toBeCloseTo(largest, 6);
    expect(maxAbsDifference).toBeGreaterThan(8e-6);
    expect(maxAbsDifference).toBeLessThan(1.2e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['a difference above 1e-5 of the largest output', doubled(1e-3)],
    ['a number that is none', doubled(Number.NaN)],
  ])('refuses %s, as a failed gate', async (_, other) => {
    const failing = checkParity(doubled(0), other, options);
    await expect(failing).rejects.toThrow(GateError);
    await expect(failing).rejects.toThrow(/These differ by/);
  });

  it('lets the scores decide where a softmax magnifies what was rounded', async () => {
    const { maxAbsDifference } = await checkParity(doubled(0), doubled(1e-3, 1e-5), options);
    expect(maxAbsDifference).toBeLessThan(1.2e-5);
  });

  it('agrees on outputs that are all zero', async () => {
    expect(await checkParity(zero, zero, options)).toEqual({ maxAbsDifference: 0, maxOutput: 0, examples: 256 });
  });
});

describe('worseParity', () => {
  it('takes the one with the larger share of its outputs', () => {
    const small = { maxAbsDifference: 1e-6, maxOutput: 0.1, examples: 10 };
    const large = { maxAbsDifference: 1e-5, maxOutput: 100, examples: 20 };
    expect(worseParity(small, large)).toBe(small);
    expect(worseParity(large, small)).toBe(small);
  });
});
