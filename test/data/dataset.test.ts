import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import type { DataSpec, ModelFit } from '../../src/data/spec.js';
import { rangeRows, subSplit, wholeSplit } from '../../src/data/split.js';
import type { Dataset } from '../../src/data/types.js';
import { csvLines, fitOf, inputValues, npy, npz, readError, SEED_0, tempFile, tempFolder } from './helpers.js';

const FIT = fitOf([2], [2]);
const rows = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

/** Pixels 0..255 in steps, as uint8 [n, 2], and labels 0/1. */
function pixelSet(n = 50, first = 0): Uint8Array {
  const x = Uint8Array.from({ length: 2 * n }, (_, i) => (first + 5 * i) % 256);
  return npz({
    x: npy('|u1', [n, 2], x),
    y: npy(
      '<i4',
      [n],
      rows(n).map((i) => i % 2),
    ),
  });
}

function floatSet(x: (i: number) => number, n = 50, y: (i: number) => number = (i) => i % 2): Uint8Array {
  const values = Float32Array.from({ length: 2 * n }, (_, i) => x(i));
  return npz({ x: npy('<f4', [n, 2], values), y: npy('<i4', [n], rows(n).map(y)) });
}

const all = async (spec: DataSpec, fit: ModelFit = FIT): Promise<number[]> =>
  Object.values(await inputValues(await readDataset(spec, fit, SEED_0))).flat();
const up = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

const sizes = (data: Dataset): number[] => [data.splits.train.size, data.splits.select.size, data.splits.report.size];

const ending = (n: number, ending: string): Record<string, Uint8Array> => ({
  [`x${ending}`]: npy('<f4', [n, 2], new Float32Array(2 * n)),
  [`y${ending}`]: npy(
    '<i4',
    [n],
    rows(n).map((i) => i % 2),
  ),
});

const digest = async (spec: DataSpec, fit = FIT, options = SEED_0): Promise<string> =>
  (await readDataset(spec, fit, options)).digest;

const pixelFile = (x: Uint8Array, y: Int32Array, type = '|u1'): string =>
  tempFile('p.npz', npz({ x: npy(type, [50, 2], x), y: npy('<i4', [50], y) }));

type NpyFiles = Record<string, Uint8Array>;

/** What is said of values that nobody scales. */
const said = async (spec: DataSpec): Promise<string[]> =>
  (await readDataset(spec, FIT, SEED_0)).notes.filter((note) => note.startsWith('values'));

describe('scaling', () => {
  const pixels = Array.from({ length: 100 }, (_, i) => (5 * i) % 256);

  it('divides uint8 pixels by 255, exactly as float32 division does, and says so', async () => {
    const path = tempFile('p.npz', pixelSet());
    expect(up(await all(path))).toEqual(up(pixels.map((pixel) => Math.fround(pixel / 255))));
    expect((await readDataset(path, FIT, SEED_0)).notes).toContain('uint8 pixels scaled by 1/255');
  });

  it.each<[string, NpyFiles, string]>([
    [
      'a table of numbers',
      {
        x: npy(
          '<f4',
          [50, 2],
          Float32Array.from(rows(100), (i) => i / 16 - 1),
        ),
      },
      'from -1 to 5.188',
    ],
    [
      'zeros and ones',
      {
        x: npy(
          '|u1',
          [50, 2],
          Uint8Array.from(rows(100), (i) => i % 2),
        ),
      },
      'from 0 to 1',
    ],
  ])('says once that %s is used as it is, and its range', async (_, x, range) => {
    const y = npy(
      '<i4',
      [50],
      rows(50).map((i) => i % 2),
    );
    const path = tempFile('p.npz', npz({ ...x, y }));
    expect(await said(path)).toEqual([`values used as they are, ${range}`]);
    expect(await said({ path, scale: 2 })).toEqual([]);
    expect(await said({ path, mean: 1 })).toEqual([]);
  });

  it('leaves pixels to a model that begins with a Rescaling layer, and says so', async () => {
    const path = tempFile('p.npz', pixelSet());
    const fit = { ...FIT, firstLayerRescales: true };
    expect(up(await all(path, fit))).toEqual(up(pixels));
    expect((await readDataset(path, fit, SEED_0)).notes.join()).toContain('begins with a Rescaling layer');
  });

  it.each<[string, object, (pixel: number, column: number) => number]>([
    ['scale 1', { scale: 1 }, (pixel) => pixel],
    ['scale 1/127.5 with mean 1', { scale: 1 / 127.5, mean: 1 }, (pixel) => pixel / 127.5 - 1],
    [
      'mean and std per feature after 1/255',
      { mean: [0.5, 0.25], std: [2, 4] },
      (pixel, column) => (pixel / 255 - [0.5, 0.25][column]) / [2, 4][column],
    ],
    [
      'one mean, a std per feature',
      { mean: 0.5, std: [2, 4] },
      (pixel, column) => (pixel / 255 - 0.5) / [2, 4][column],
    ],
  ])('does as told: %s', async (_, told, expected) => {
    const got = up(await all({ path: tempFile('p.npz', pixelSet()), ...told }));
    const wanted = up(pixels.map((pixel, i) => expected(pixel, i % 2)));
    // float32 rounding of values of size 2 at most, or of whole pixels, which are exact
    got.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThan(2e-7));
  });

  it('leaves floats, signed bytes, booleans and uint8 of 0 and 1 as they are', async () => {
    expect(
      Math.max(
        ...(await all(
          tempFile(
            'f.npz',
            floatSet((i) => i),
          ),
        )),
      ),
    ).toBe(99);
    const bits = Uint8Array.from({ length: 100 }, (_, i) => i % 2);
    for (const type of ['|u1', '|b1', '|i1']) {
      const path = tempFile(
        'b.npz',
        npz({
          x: npy(type, [50, 2], bits),
          y: npy(
            '<i4',
            [50],
            rows(50).map((i) => i % 2),
          ),
        }),
      );
      expect(Math.max(...(await all(path)))).toBe(1);
    }
  });

  it('never scales indices, and checks them against the Embedding', async () => {
    const fit = fitOf([2], [2], 'softmax', {
      inputs: [{ name: 'i', shape: [null, 2], dtype: 'float32', indexRange: 256 }],
    });
    expect(Math.max(...(await all(tempFile('p.npz', pixelSet()), fit)))).toBe(255);
    const small = { ...fit, inputs: [{ ...fit.inputs[0], indexRange: 200 }] };
    expect((await readError(tempFile('p.npz', pixelSet()), small)).message).toBe(
      "x of p.npz at [20, 0] is 200, expected a whole number from 0 to 199 for the model's input 'i'.",
    );
    const scaled = await readError({ path: tempFile('p.npz', pixelSet()), scale: 2 }, fit);
    expect(scaled.message).toBe("The model's input 'i' takes whole numbers, so it cannot be scaled.");
  });

  it('reads int32 where the model takes it', async () => {
    const fit = fitOf([2], [2], 'softmax', { inputs: [{ name: 'i', shape: [null, 2], dtype: 'int32' }] });
    const data = await readDataset(tempFile('p.npz', pixelSet()), fit, SEED_0);
    expect((await wholeSplit(data.splits.train)).inputs[0].values).toBeInstanceOf(Int32Array);
    expect(
      (
        await readError(
          tempFile(
            'f.npz',
            floatSet((i) => i / 2),
          ),
          fit,
        )
      ).message,
    ).toMatch(/at \[0, 1\] is 0\.5, expected a whole number/);
  });
});

describe('broken sets', () => {
  const y = npy(
    '<i4',
    [50],
    rows(50).map((i) => i % 2),
  );
  it.each<[string, DataSpec | Uint8Array, RegExp]>([
    [
      'NaN in x',
      floatSet((i) => (i === 7 ? Number.NaN : i)),
      /^x of d\.npz at \[3, 1\] is NaN, expected a finite float32 number\.$/,
    ],
    ['infinity in x', floatSet((i) => (i === 0 ? Infinity : i)), /at \[0, 0\] is Infinity/],
    [
      'float64 beyond float32',
      npz({ x: npy('<f8', [50, 2], new Float64Array(100).fill(1e39)), y }),
      /is 1e\+39, expected a finite float32/,
    ],
    [
      'a label too high',
      floatSet(
        (i) => i,
        50,
        (i) => i % 3,
      ),
      /is 2 in example 2, expected a class from 0 to 1/,
    ],
    [
      'fewer labels than rows',
      npz({ x: npy('<f4', [40, 2], new Float32Array(80)), y }),
      /^y of d\.npz has 50 examples, expected 40 as in x of d\.npz\.$/,
    ],
    ['too few rows', floatSet((i) => i, 30), /^There are 6 examples in the select split, expected at least 10\.$/],
    [
      'no rows',
      npz({ x: npy('<f4', [0, 2], new Float32Array(0)), y: npy('<i4', [0], new Int32Array(0)) }),
      /^There are 0 examples in the train split/,
    ],
    [
      'a shape that does not fit',
      npz({ x: npy('<f4', [50, 3], new Float32Array(150)), y }),
      /shape \[N, 3\], which does not fit the shape \[N, 2\]/,
    ],
    ['no x', npz({ a: y, b: y }), /^d\.npz holds 'a', 'b', expected x, or x_train\.$/],
    ['no y', npz({ x: y }), /has no target array 'y'; it holds 'x'/],
    ['no arrays', npz({}), /holds no arrays/],
    ['an empty file', new Uint8Array(0), /^d\.npz is empty\.$/],
    ['text', Buffer.from('not a zip file at all, by any means'), /not a sound zip file: its directory is missing/],
  ])('names %s', async (_, content, message) => {
    const spec = content instanceof Uint8Array ? tempFile('d.npz', content) : content;
    const error = await readError(spec, FIT);
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });

  it.each<[string, object, RegExp]>([
    ['a split that does not sum to 100', { split: '60/20/10' }, /sum to 100; received '60\/20\/10'/],
    ['a split of two', { split: [50, 50] }, /three shares/],
    ['a negative share', { split: '120/-30/10' }, /0 or more/],
    ['a split of words', { split: 'a/b/c' }, /received 'a\/b\/c'/],
    ['an unknown key', { colour: 'red' }, /not right at data.*colour/],
    ['an unknown format', { format: 'xml' }, /not right at data\.format/],
    ['a scale of words', { scale: 'big' }, /not right at data\.scale/],
  ])('refuses %s as a usage error', async (_, more, message) => {
    const spec = { path: tempFile('p.npz', pixelSet()), ...more } as DataSpec;
    const error = await readError(spec, FIT);
    expect(error).toMatchObject({ code: 'usage', exitCode: 2 });
    expect(error.message).toMatch(message);
  });

  it.each<[string, object, RegExp]>([
    ['a scale of 0', { scale: 0 }, /scale is 0, expected a finite number other than 0/],
    ['a mean of the wrong length', { mean: [1, 2, 3] }, /mean has 3 numbers, expected 1 or 2/],
    ['a std of 0', { std: [1, 0] }, /std is 0 for some feature/],
  ])('refuses %s', async (_, more, message) => {
    const error = await readError({ path: tempFile('p.npz', pixelSet()), ...more }, FIT);
    expect(error.message).toMatch(message);
  });
});

describe('splits', () => {
  it('takes x_train and halves x_test of an npz file that numpy wrote', async () => {
    const data = await readDataset(join(import.meta.dirname, 'fixtures/splits.npz'), fitOf([4, 4, 1], [2]), SEED_0);
    expect(sizes(data)).toEqual([40, 15, 15]);
    expect((await data.splits.train.read(rows(40))).target?.values).toEqual(rows(40).map((i) => i % 2));
  });

  it('takes x_val for select and x_test for report whole', async () => {
    const set = npz({ ...ending(20, '_train'), ...ending(11, '_val'), ...ending(12, '_test') });
    expect(sizes(await readDataset(tempFile('s.npz', set), FIT, SEED_0))).toEqual([20, 11, 12]);
  });

  it('takes files of their own, halves a single held-out one, and cuts a lone train file', async () => {
    const folder = tempFolder();
    const put = (name: string, n: number): string => {
      writeFileSync(
        join(folder, name),
        csvLines(n, (row) => [row, n, row % 2]),
      );
      return join(folder, name);
    };
    const [train, select, report] = [put('a.csv', 50), put('b.csv', 20), put('c.csv', 30)];
    expect(sizes(await readDataset({ train, select, report }, FIT, SEED_0))).toEqual([50, 20, 30]);
    expect(sizes(await readDataset({ train, report }, FIT, SEED_0))).toEqual([50, 15, 15]);
    expect(sizes(await readDataset({ train, select }, FIT, SEED_0))).toEqual([50, 10, 10]);
    expect(sizes(await readDataset({ train }, FIT, SEED_0))).toEqual([30, 10, 10]);
  });

  it('cuts 0/50/50 without retraining, but as told where told', async () => {
    const path = tempFile('p.npz', pixelSet(100));
    expect(sizes(await readDataset(path, FIT, { seed: 0, retrain: false }))).toEqual([0, 50, 50]);
    expect(sizes(await readDataset({ path, split: '50/30/20' }, FIT, { seed: 0, retrain: false }))).toEqual([
      50, 30, 20,
    ]);
    expect(sizes(await readDataset({ path, split: [0.5, 0.3, 0.2] }, FIT, SEED_0))).toEqual([50, 30, 20]);
  });

  it('refuses a split where the data brings its own', async () => {
    const path = join(import.meta.dirname, 'fixtures/splits.npz');
    const error = await readError({ path, split: '60/20/20' }, fitOf([4, 4, 1], [2]));
    expect(error).toMatchObject({ code: 'usage', exitCode: 2 });
  });

  it.each([
    ['sparse labels', (i: number) => [i % 5], [5], 'softmax', '<i4'],
    ['one-hot rows', (i: number) => [0, 1, 2, 3, 4].map((label) => Number(i % 5 === label)), [5], 'softmax', '<i4'],
    ['0/1 of a sigmoid', (i: number) => [Number(i % 5 === 0)], [1], 'sigmoid', '<i4'],
  ] as const)('stratifies %s exactly', async (_, label, output, activation, type) => {
    const y = Int32Array.from(Array.from({ length: 100 }, (_, i) => label(i)).flat());
    const width = y.length / 100;
    const set = npz({ x: npy('<f4', [100, 1], Float32Array.from(rows(100))), y: npy(type, [100, width], y) });
    const data = await readDataset(tempFile('s.npz', set), fitOf([1], [...output], activation), SEED_0);
    for (const [part, ones] of Object.entries({ train: 12, select: 4, report: 4 })) {
      const { inputs } = await wholeSplit(data.splits[part as 'train']);
      expect([...inputs[0].values].filter((row) => row % 5 === 0)).toHaveLength(ones);
    }
    expect(data.notes).toContain('cut 60/20/20 by seed 0, stratified by class');
  });

  it('keeps input and target of a row together, in any order of reading', async () => {
    const data = await readDataset(
      tempFile(
        'c.csv',
        csvLines(50, (row) => [row, -row, row % 2]),
      ),
      FIT,
      SEED_0,
    );
    const forward = await wholeSplit(data.splits.train);
    const backward = await data.splits.train.read(rangeRows(0, 30).reverse());
    for (let i = 0; i < 30; i++) {
      expect(forward.target?.values[i]).toBe(forward.inputs[0].values[2 * i] % 2);
      expect(backward.inputs[0].values[2 * (29 - i)]).toBe(forward.inputs[0].values[2 * i]);
      expect(backward.target?.values[29 - i]).toBe(forward.target?.values[i]);
    }
  });

  it('reads sub-splits, and refuses rows outside', async () => {
    const data = await readDataset(
      tempFile(
        'c.csv',
        csvLines(50, (row) => [row, -row, row % 2]),
      ),
      FIT,
      SEED_0,
    );
    const whole = await wholeSplit(data.splits.train);
    const sub = subSplit(data.splits.train, Int32Array.of(5, 2));
    expect(sub.size).toBe(2);
    const batch = await sub.read(Int32Array.of(1, 0, 1));
    expect([...batch.inputs[0].values]).toEqual(
      [2, 5, 2].flatMap((row) => Array.from(whole.inputs[0].values.subarray(2 * row, 2 * row + 2))),
    );
    await expect(sub.read(Int32Array.of(2))).rejects.toThrow(RangeError);
    await expect(data.splits.train.read(Int32Array.of(-1))).rejects.toThrow(RangeError);
    expect(() => subSplit(data.splits.train, Int32Array.of(30))).toThrow(RangeError);
  });
});

describe('inputs by name', () => {
  const fit = {
    ...FIT,
    inputs: [
      { name: 'left', shape: [null, 2], dtype: 'float32' },
      { name: 'right', shape: [null, 3], dtype: 'float32' },
    ],
  };
  const left = npy(
    '<f4',
    [50, 2],
    Float32Array.from({ length: 100 }, (_, i) => i),
  );
  const right = npy(
    '<f4',
    [50, 3],
    Float32Array.from({ length: 150 }, (_, i) => -i),
  );
  const y = npy(
    '<i4',
    [50],
    rows(50).map((i) => i % 2),
  );

  it('feeds one array per model input, in the model order', async () => {
    const data = await readDataset(tempFile('m.npz', npz({ right, y, left })), fit, SEED_0);
    const batch = await data.splits.select.read(rows(10));
    expect(batch.inputs.map((input) => input.shape)).toEqual([
      [10, 2],
      [10, 3],
    ]);
    for (let i = 0; i < 10; i++)
      expect(batch.inputs[1].values[3 * i]).toBeCloseTo(-1.5 * batch.inputs[0].values[2 * i], 5);
  });

  it('takes other names where they are given', async () => {
    const spec = { path: tempFile('m.npz', npz({ a: left, b: right, label: y })), inputs: ['a', 'b'], target: 'label' };
    expect((await readDataset(spec, fit, SEED_0)).target).toEqual({ kind: 'classes', classes: 2 });
  });

  it('names a missing one', async () => {
    const error = await readError(tempFile('m.npz', npz({ left, y })), fit);
    expect(error.message).toBe("m.npz holds 'left', 'y', expected one array per model input: 'left', 'right'.");
  });

  it('reads a lone npy file for target self only', async () => {
    const path = tempFile('x.npy', left);
    expect((await readDataset({ path, target: 'self' }, FIT, SEED_0)).target).toEqual({ kind: 'self' });
    expect((await readError(path, FIT)).message).toBe('x.npy is one array and brings no target.');
  });

  it('takes any number of outputs with target self', async () => {
    const data = await readDataset({ path: tempFile('x.npy', left), target: 'self' }, { ...FIT, outputs: 8 }, SEED_0);
    expect(data.splits.train.size).toBe(30);
  });
});

describe('digest', () => {
  it('is the same for the same bytes, under another name and packed otherwise', async () => {
    const text = csvLines(50, (row) => [row, -row, row % 2]);
    const first = await digest(tempFile('a.csv', text));
    expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digest(tempFile('b.csv', text.replaceAll(',', ';')))).toBe(first);
  });

  it('changes with one pixel, one label, the dtype, scaling, target, split and seed', async () => {
    const path = tempFile('p.npz', pixelSet());
    const pixels = Uint8Array.from({ length: 100 }, (_, i) => (5 * i) % 256);
    const labels = rows(50).map((i) => i % 2);
    const digests = await Promise.all([
      digest(path),
      digest(pixelFile(pixels.with(99, 1), labels)),
      digest(pixelFile(pixels, labels.with(0, 1))),
      digest(pixelFile(pixels, labels, '|i1')),
      digest({ path, scale: 1 }),
      digest({ path, mean: 0.5 }),
      digest({ path, target: 'self' }),
      digest({ path, split: '50/25/25' }),
      digest(path, FIT, { seed: 1, retrain: true }),
      digest(path, FIT, { seed: 0, retrain: false }),
    ]);
    expect(new Set(digests).size).toBe(digests.length);
    expect(await digest(pixelFile(pixels, labels))).toBe(digests[0]);
  });
});
