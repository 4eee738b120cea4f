import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import type { ReadOptions } from '../../src/data/spec.js';
import { fitOf, inputValues, npy, npz, SEED_0, tempFile } from './helpers.js';

const FIT = fitOf([1], [2]);
const numbers = (n: number, from = 0): Float32Array => Float32Array.from({ length: n }, (_, i) => from + i);

const labels = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 1));

/** Rows numbered from 0, test rows from 1000; labels in order: the first half is class 0. */
function ordered(): string {
  const files = {
    x_train: npy('<f4', [100, 1], numbers(100)),
    y_train: npy('<i4', [100], labels(100)),
    x_test: npy('<f4', [80, 1], numbers(80, 1000)),
    y_test: npy('<i4', [80], labels(80)),
  };
  return tempFile('ordered.npz', npz(files));
}

const read = async (more: Partial<ReadOptions> = {}) => {
  const data = await readDataset(ordered(), FIT, { ...SEED_0, ...more });
  return { ...(await inputValues(data)), digest: data.digest, notes: data.notes };
};

describe('at most so many examples of a split', () => {
  it('are drawn from all over it, each once, and it is said', async () => {
    const [whole, some] = [await read(), await read({ examples: 30 })];
    for (const role of ['train', 'select', 'report'] as const) {
      expect(some[role]).toHaveLength(30);
      expect(new Set(some[role]).size).toBe(30);
      expect(whole[role]).toEqual(expect.arrayContaining([...some[role]]));
    }
    // the file is in order of its classes
    expect([...some.train].filter((row) => row < 50).length).toBeGreaterThan(5);
    expect([...some.train].filter((row) => row >= 50).length).toBeGreaterThan(5);
    expect(some.notes).toContain('30 of 100 train, 30 of 40 select, 30 of 40 report examples drawn by seed 0');
  });

  it('are the same for a seed, and other data for the digest', async () => {
    const [whole, some, again, other] = [
      await read(),
      await read({ examples: 30 }),
      await read({ examples: 30 }),
      await read({ examples: 30, seed: 1 }),
    ];
    expect(again).toEqual(some);
    expect(other.train).not.toEqual(some.train);
    expect(new Set([whole.digest, some.digest, other.digest]).size).toBe(3);
  });

  it.each([0, -5, 2.5, Number.NaN, Number.POSITIVE_INFINITY])('are a whole number, not %s', async (examples) => {
    await expect(read({ examples })).rejects.toThrow(/whole number of at least 1, got/u);
  });

  it('leave a smaller split as it is, and everything where there are enough', async () => {
    const [whole, some] = [await read(), await read({ examples: 40 })];
    expect([some.train.length, some.select, some.report]).toEqual([40, whole.select, whole.report]);
    expect(await read({ examples: 100 })).toEqual(whole);
  });
});
