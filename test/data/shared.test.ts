import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { readIdx } from '../../src/data/idx.js';
import { wholeSplit } from '../../src/data/split.js';
import type { Dataset } from '../../src/data/types.js';
import { SHARED } from '../shared.js';
import { fitOf, heldValues, SEED_0 } from './helpers.js';

const folder = (name: string): string => join(SHARED ?? '', 'data', name);

async function labelCounts(data: Dataset): Promise<number[]> {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const split of Object.values(data.splits)) {
    for (const label of (await wholeSplit(split)).target?.values ?? []) counts[label]++;
  }
  return counts;
}

describe.skipIf(SHARED === undefined)('published data sets', () => {
  it.each([
    // counts: sklearn.datasets.load_digits
    ['digits/digits.csv.gz', [8, 8, 1], [178, 182, 177, 183, 181, 182, 181, 179, 174, 180], [1078, 359, 360]],
    ['mnist', [28, 28, 1], [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], [6000, 2000, 2000]],
    ['fashion-mnist', [784], Array.from({ length: 10 }, () => 1000), [6000, 2000, 2000]],
  ])('%s has its published label counts and is cut 60/20/20', async (path, input, counts, sizes) => {
    const data = await readDataset(folder(path), fitOf(input, [10]), SEED_0);
    expect(data.target).toEqual({ kind: 'classes', classes: 10 });
    expect(await labelCounts(data)).toEqual(counts);
    const got = Object.values(data.splits).map((split) => split.size);
    // remainders of ten classes may move a row or two between splits
    got.forEach((size, i) => expect(Math.abs(size - sizes[i])).toBeLessThanOrEqual(1));
    expect((await data.splits.select.read(Int32Array.of(0))).inputs[0].shape).toEqual([1, ...input]);
  });

  it.each([
    // read by Python's gzip module
    ['mnist', [7, 2, 1, 0, 4], 7 * 28 + 6, [84, 185, 159, 151, 60, 36], 264_923_200],
    ['fashion-mnist', [9, 2, 1, 1, 6], 14 * 28 + 6, [2, 4, 1, 0, 0, 0, 98], 573_469_082],
  ])('%s begins with its first labels and pixels', async (name, labels, at, pixels, sum) => {
    const { whole } = await readIdx(folder(name), true, { model: fitOf([784], [10]).inputs });
    const { inputs = [], target } = whole ?? {};
    const [{ shape, dtype }] = inputs;
    const values = heldValues(inputs[0]);
    expect({ shape, dtype }).toEqual({ shape: [10_000, 28, 28], dtype: 'uint8' });
    expect(values.slice(at, at + pixels.length)).toEqual(pixels);
    expect(values.reduce((total, value) => total + value, 0)).toBe(sum);
    expect(heldValues(target).slice(0, 5)).toEqual(labels);
  });

  it('reads the digits as they stand, 0 to 16, without scaling', async () => {
    const data = await readDataset(folder('digits/digits.csv.gz'), fitOf([64], [10]), SEED_0);
    const { inputs } = await wholeSplit(data.splits.train);
    expect(Math.max(...inputs[0].values)).toBe(16);
    expect(data.notes.join()).not.toContain('scaled');
  });
});
