import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { wholeSplit } from '../../src/data/split.js';
import { fitOf, idx, readError, SEED_0, tempFile, tempFolder } from './helpers.js';

const FIT = fitOf([2, 3, 1], [2]);

function pair(rows: number, first = 0): { images: Uint8Array; labels: Uint8Array } {
  const pixels = Array.from({ length: rows * 6 }, (_, i) => (first + Math.floor(i / 6)) % 256);
  return {
    images: idx([rows, 2, 3], pixels),
    labels: idx(
      [rows],
      Array.from({ length: rows }, (_, i) => i % 2),
    ),
  };
}

function writePair(folder: string, prefix: string, rows: number, first = 0, gz = true): void {
  const { images, labels } = pair(rows, first);
  const [pack, end] = gz ? [gzipSync, '.gz'] : [(bytes: Uint8Array) => bytes, ''];
  writeFileSync(join(folder, `${prefix}images-idx3-ubyte${end}`), pack(images));
  writeFileSync(join(folder, `${prefix}labels-idx1-ubyte${end}`), pack(labels));
}

const sizes = (data: Awaited<ReturnType<typeof readDataset>>): number[] => [
  data.splits.train.size,
  data.splits.select.size,
  data.splits.report.size,
];

describe('readIdx', () => {
  it('gives train-* to train and halves t10k-* where both are there', async () => {
    const folder = tempFolder();
    writePair(folder, 'train-', 40);
    writePair(folder, 't10k-', 60, 100);
    const data = await readDataset(folder, FIT, SEED_0);
    expect(sizes(data)).toEqual([40, 30, 30]);
    const train = await wholeSplit(data.splits.train);
    expect(train.inputs[0].shape).toEqual([40, 2, 3, 1]);
    expect(train.inputs[0].values[6 * 39]).toBe(Math.fround(39 / 255));
    const held = await Promise.all([wholeSplit(data.splits.select), wholeSplit(data.splits.report)]);
    const seen = held.flatMap((batch) => [...batch.inputs[0].values].filter((_, i) => i % 6 === 0));
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => Math.fround((100 + i) / 255)));
    expect(data.notes).toContain('held-out examples cut 50/50 into select and report by seed 0, stratified by class');
  });

  it.each([true, false])(
    'cuts a folder with one pair 60/20/20, or 0/50/50 without retraining (packed: %s)',
    async (gz) => {
      const folder = tempFolder();
      writePair(folder, 't10k-', 50, 0, gz);
      expect(sizes(await readDataset(folder, FIT, SEED_0))).toEqual([30, 10, 10]);
      expect(sizes(await readDataset(folder, FIT, { seed: 0, retrain: false }))).toEqual([0, 25, 25]);
    },
  );

  it('takes either file of a pair, and that pair only', async () => {
    const folder = tempFolder();
    writePair(folder, 'train-', 50);
    writePair(folder, 't10k-', 100);
    const [images, labels] = await Promise.all(
      ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'].map((name) =>
        readDataset(join(folder, name), FIT, SEED_0),
      ),
    );
    expect(sizes(images)).toEqual([30, 10, 10]);
    expect(labels.digest).toBe(images.digest);
  });

  it("needs no labels with target 'self'", async () => {
    const path = tempFile('images-idx3-ubyte', pair(50).images);
    const data = await readDataset({ path, target: 'self' }, FIT, SEED_0);
    expect(data.target.kind).toBe('self');
    expect((await wholeSplit(data.splits.train)).target).toBeUndefined();
  });

  it('reads big-endian values of other types', async () => {
    const folder = tempFolder();
    const floats = Buffer.alloc(8 + 4 * 50);
    floats.set([0, 0, 0x0d, 1, 0, 0, 0, 50]);
    for (let i = 0; i < 50; i++) floats.writeFloatBE(i / 4, 8 + 4 * i);
    writeFileSync(join(folder, 'images-idx1-ubyte'), floats);
    const data = await readDataset({ path: folder, target: 'self' }, fitOf([1], [1]), SEED_0);
    const values = await Promise.all(Object.values(data.splits).map((split) => wholeSplit(split)));
    expect(values.flatMap((batch) => [...batch.inputs[0].values]).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i / 4),
    );
  });

  it.each<[string, Record<string, Uint8Array>, RegExp]>([
    [
      'a missing partner',
      { 'images-idx3-ubyte': pair(50).images },
      /has no labels beside it, expected labels-idx1-ubyte or/,
    ],
    [
      'counts that differ',
      { 'images-idx3-ubyte': pair(50).images, 'labels-idx1-ubyte': pair(49).labels },
      /has 49 labels, expected 50, one for each image/,
    ],
    [
      'cut-off images',
      { 'images-idx3-ubyte': pair(50).images.subarray(0, 100), 'labels-idx1-ubyte': pair(50).labels },
      /declares 316 bytes, received 100/,
    ],
    [
      'trailing bytes',
      { 'images-idx3-ubyte': Buffer.concat([pair(50).images, Buffer.alloc(9)]), 'labels-idx1-ubyte': pair(50).labels },
      /declares 316 bytes, received 325/,
    ],
    [
      'more packed bytes than declared',
      {
        'images-idx3-ubyte.gz': gzipSync(Buffer.concat([pair(50).images, Buffer.alloc(2 ** 22)])),
        'labels-idx1-ubyte': pair(50).labels,
      },
      /unpacks to more than 316 bytes/,
    ],
    [
      'a declared size beyond what gzip can hold',
      { 'images-idx3-ubyte.gz': gzipSync(idx([1e6, 28, 28], [])), 'labels-idx1-ubyte': pair(50).labels },
      /declares 784000016 bytes, received only \d+ packed ones/,
    ],
    [
      'a declared size beyond any limit',
      { 'images-idx3-ubyte': idx([2 ** 32 - 1, 2 ** 32 - 1, 2], []), 'labels-idx1-ubyte': pair(50).labels },
      /received at most 2147483647/,
    ],
    [
      'another magic number',
      { 'images-idx3-ubyte': Buffer.from('PNG not idx'), 'labels-idx1-ubyte': pair(50).labels },
      /not an idx file: it begins with 80 78 71 32/,
    ],
    [
      'an empty file',
      { 'images-idx3-ubyte': new Uint8Array(0), 'labels-idx1-ubyte': pair(50).labels },
      /images-idx3-ubyte is empty/,
    ],
    [
      'a Git LFS pointer',
      {
        'images-idx3-ubyte': Buffer.from('version https://git-lfs.github.com/spec/v1\noid'),
        'labels-idx1-ubyte': pair(50).labels,
      },
      /Git LFS pointer/,
    ],
    [
      'three pairs',
      {
        'a-images-idx3-ubyte': pair(9).images,
        'b-images-idx3-ubyte': pair(9).images,
        'c-images-idx3-ubyte': pair(9).images,
      },
      /holds 3 image files .* expected one images\/labels pair/,
    ],
  ])('names %s', async (_, files, message) => {
    const folder = tempFolder();
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const error = await readError(folder, FIT);
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });
});

describe('loadParts', () => {
  it.each<[string, RegExp]>([
    ['x.parquet', /x\.parquet is a parquet file, which is not supported; expected csv, npz, npy, json or idx/],
    ['x.js', /x\.js is a JavaScript module, which is not supported; expected csv, npz, npy, json or idx\.$/],
    ['x.mjs', /JavaScript module, which is not supported/],
    ['x.ts', /TypeScript module, which is not supported/],
    ['x.pkl', /Python pickle/],
    ['x.h5', /HDF5/],
    ['x.png', /one image/],
    ['x.dat', /cannot be told by its name or first bytes/],
  ])('refuses %s by name', async (name, message) => {
    const error = await readError(tempFile(name, 'whatever'), FIT);
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
    expect(`${error.message}${error.hint}`).not.toMatch(/--/);
  });

  it('refuses a folder of images, an empty folder, and a path that is not there', async () => {
    const folder = tempFolder();
    expect((await readError(folder, FIT)).message).toMatch(/is a folder without an idx pair/);
    mkdirSync(join(folder, 'cats'));
    writeFileSync(join(folder, 'cats', '1.png'), 'png');
    const images = await readError(folder, FIT);
    expect(images.message).toMatch(
      /is a folder of images, which is not supported; expected csv, npz, npy, json or idx\.$/,
    );
    expect(images.hint).toBe('Save the examples as arrays x and y of an .npz file, or as a .csv table.');
    expect((await readError(join(folder, 'nothing.csv'), FIT)).message).toMatch(
      /^There is no data at .*nothing\.csv\.$/,
    );
  });

  it('says how to store what is too large to be read whole', async () => {
    const path = tempFile('x.csv', 'a,b');
    // no bytes on disk behind the first
    truncateSync(path, 2 ** 31);
    const error = await readError(path, FIT);
    expect(error.message).toBe('x.csv has 2147483648 bytes, expected at most 2147483647.');
    expect(error.hint).toMatch(/Store it uncompressed.*numpy\.savez/);
  });

  it('refuses what is no regular file, which might never end', async () => {
    expect((await readError({ path: '/dev/zero', format: 'csv' }, FIT)).message).toBe('zero is not a regular file.');
    expect((await readError('/dev/zero', FIT)).message).toMatch(/cannot be told/);
  });
});
