import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { openNpz } from '../../src/data/npz.js';
import { openSource } from '../../src/data/source.js';
import type { DataSpec, ModelFit, ReadOptions } from '../../src/data/spec.js';
import { rangeRows } from '../../src/data/split.js';
import { eachBlock, isStored } from '../../src/data/stored.js';
import type { Batch, Dataset } from '../../src/data/types.js';
import { createRandom } from '../../src/random/index.js';
import { fitOf, idx, npy, readError, SEED_0, tempFile, tempFolder } from './helpers.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const N = 60;
const WIDTH = 8;
const FIT = fitOf([WIDTH], [2]);
/** Only the inputs exceed it; blocks of 40 bytes end within rows of most dtypes. */
const STORED: ReadOptions = { ...SEED_0, resident: 300, block: 40 };

const noise = createRandom(7);
const upTo = (n: number): number => Math.floor(noise.uniform() * n);

const labels = npy(
  '|u1',
  [N],
  Uint8Array.from({ length: N }, (_, i) => i % 2),
);

/** An npz file as numpy.savez writes it. */
function stored(arrays: Record<string, Uint8Array>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])), {
    level: 0,
  });
}

function bigEndian(values: Int16Array | Int32Array | Float64Array): Uint8Array {
  const bytes = Buffer.from(values.buffer.slice(0));
  if (values.BYTES_PER_ELEMENT === 2) return bytes.swap16();
  return values.BYTES_PER_ELEMENT === 4 ? bytes.swap32() : bytes.swap64();
}

const fill = <T>(of: (i: number) => T): T[] => Array.from({ length: N * WIDTH }, (_, i) => of(i));

const DTYPES: [string, string, ArrayBufferView][] = [
  ['pixels', '|u1', Uint8Array.from(fill(() => upTo(256)))],
  ['bytes of 0 and 1', '|u1', Uint8Array.from(fill(() => upTo(2)))],
  ['bool', '|b1', Uint8Array.from(fill(() => upTo(3)))],
  ['int8', '|i1', Int8Array.from(fill(() => upTo(256) - 128))],
  ['uint16', '<u2', Uint16Array.from(fill(() => upTo(65_536)))],
  ['int16 of the other byte order', '>i2', bigEndian(Int16Array.from(fill(() => upTo(65_536) - 32_768)))],
  ['uint32', '<u4', Uint32Array.from(fill(() => upTo(2 ** 32)))],
  ['int32 of the other byte order', '>i4', bigEndian(Int32Array.from(fill(() => upTo(2 ** 32) - 2 ** 31)))],
  ['int64 within 32 bits', '<i8', BigInt64Array.from(fill(() => BigInt(upTo(2 ** 32) - 2 ** 31)))],
  ['int64 beyond 32 bits in the last block', '<i8', BigInt64Array.from(fill((i) => (i === 479 ? -(2n ** 53n) : 1n)))],
  ['uint64', '<u8', BigUint64Array.from(fill(() => BigInt(upTo(2 ** 40))))],
  // bits of finite halves
  ['float16', '<f2', Uint16Array.from(fill(() => (upTo(2) << 15) | upTo(0x7c00)))],
  ['float32', '<f4', Float32Array.from(fill(() => noise.uniform() - 0.5))],
  ['float64 of the other byte order', '>f8', bigEndian(Float64Array.from(fill(() => noise.uniform() - 0.5)))],
];

const ORDERS: [string, (size: number) => Int32Array][] = [
  ['in order', (size) => rangeRows(0, size)],
  ['reversed', (size) => rangeRows(0, size).reverse()],
  ['shuffled', (size) => createRandom(3).permutation(size)],
  ['repeated', (size) => Int32Array.from([0, 0, size - 1, 5, 0, 5, 5])],
  ['one', () => Int32Array.of(4)],
  ['none', () => new Int32Array(0)],
];

async function readOrders(data: Dataset): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (const split of [data.splits.train, data.splits.select, data.splits.report]) {
    for (const [, order] of ORDERS) if (split.size > 0) batches.push(await split.read(order(split.size)));
  }
  return batches;
}

const stays = (data: Dataset): boolean => data.notes.some((note) => note.includes('stays in its file'));

/** All that shows of a data set. */
async function seen(data: Dataset): Promise<object> {
  const notes = data.notes.filter((note) => !note.includes('stays in its file'));
  return { digest: data.digest, target: data.target, notes, batches: await readOrders(data) };
}

/** What shows of data that is read from its file and from memory. */
async function bothWays(
  spec: DataSpec,
  fit: ModelFit,
  more: Partial<ReadOptions> = {},
): Promise<{ file: object; memory: object; data: Dataset }> {
  const held = await readDataset(spec, fit, { ...SEED_0, ...more, resident: 2 ** 20 });
  const data = await readDataset(spec, fit, { ...STORED, ...more });
  expect([stays(held), stays(data)]).toEqual([false, true]);
  return { file: await seen(data), memory: await seen(held), data };
}

describe('an array that stays in its file', () => {
  it.each(DTYPES)('reads %s as from memory, in any order, with the same digest', async (_, descr, values) => {
    const x = npy(descr, [N, WIDTH], values);
    const zip = await bothWays(tempFile('d.npz', stored({ x, y: labels })), FIT);
    expect(zip.file).toEqual(zip.memory);
    const alone = await bothWays({ path: tempFile('d.npy', x), target: 'self' }, FIT);
    expect(alone.file).toEqual(alone.memory);
  });

  it.each<[string, object]>([
    ['scale', { scale: 1 / 127.5, mean: 1 }],
    ['a mean and std per value of an example', { mean: fill((i) => i).slice(0, WIDTH), std: [1, 2, 3, 4, 5, 6, 7, 8] }],
    ['one mean, a std per value', { mean: 0.5, std: [1, 2, 3, 4, 5, 6, 7, 8] }],
    ['a split as told', { split: '50/25/25' }],
  ])('is scaled and cut as from memory: %s', async (_, told) => {
    for (const [, descr, values] of [DTYPES[0], DTYPES[12]]) {
      const path = tempFile('d.npz', stored({ x: npy(descr, [N, WIDTH], values), y: labels }));
      const { file, memory } = await bothWays({ path, ...told }, FIT);
      expect(file).toEqual(memory);
    }
  });

  it.each([1, 7, 8, 64, 1000, 2 ** 24])('gives the same with blocks of %i bytes', async (block) => {
    const path = tempFile('d.npz', stored({ x: npy('<f4', [N, WIDTH], DTYPES[12][2]), y: labels }));
    const { file, memory } = await bothWays({ path, std: [1, 2, 3, 4, 5, 6, 7, 8] }, FIT, { block });
    expect(file).toEqual(memory);
  });

  it('is read as indices and as int32', async () => {
    const path = tempFile('d.npz', stored({ x: npy('|u1', [N, WIDTH], DTYPES[0][2]), y: labels }));
    for (const more of [{ dtype: 'int32' }, { indexRange: 256 }]) {
      const fit = { ...FIT, inputs: [{ ...FIT.inputs[0], ...more }] };
      const { file, memory } = await bothWays(path, fit);
      expect(file).toEqual(memory);
    }
  });

  it('brings its own splits, and several inputs', async () => {
    const fit = { ...FIT, inputs: ['a', 'b'].map((name) => ({ name, shape: [null, WIDTH], dtype: 'float32' })) };
    const [a, b] = [npy('|u1', [N, WIDTH], DTYPES[0][2]), npy('<f4', [N, WIDTH], DTYPES[12][2])];
    const whole = await bothWays(tempFile('m.npz', stored({ a, b, y: labels })), fit);
    expect(whole.file).toEqual(whole.memory);
    const own = { a_train: a, b_train: b, y_train: labels, a_test: a, b_test: b, y_test: labels };
    const split = await bothWays(tempFile('m.npz', stored(own)), fit);
    expect(split.file).toEqual(split.memory);
    expect(split.data.splits.select.size).toBe(N / 2);
    const x = tempFile('x.npz', stored({ x: a, y: labels }));
    const { file, memory } = await bothWays({ train: x, select: x, report: x }, FIT);
    expect(file).toEqual(memory);
  });

  it.each([
    ['uint8', 8, Uint8Array.from(fill(() => upTo(256)))],
    ['int16', 11, bigEndian(Int16Array.from(fill(() => upTo(65_536) - 32_768)))],
    ['float64', 14, bigEndian(Float64Array.from(fill(() => noise.uniform())))],
  ])('may be a plain idx file of %s', async (_, code, values) => {
    const folder = tempFolder();
    const images = Buffer.concat([idx([N, WIDTH], []), Uint8Array.from(values)]);
    images[2] = code;
    writeFileSync(join(folder, 'images-idx2-ubyte'), images);
    writeFileSync(
      join(folder, 'labels-idx1-ubyte'),
      idx(
        [N],
        Uint8Array.from({ length: N }, (_, i) => i % 2),
      ),
    );
    const { file, memory } = await bothWays(folder, FIT);
    expect(file).toEqual(memory);
  });

  it('may stand beside packed arrays in what numpy wrote', async () => {
    const bytes = readFileSync(join(FIXTURES, 'stored.npz'));
    const packed = zipSync({ 'x.npy': [npy('|u1', [N, WIDTH], DTYPES[0][2]), { level: 0 }], 'y.npy': labels });
    const { file, memory } = await bothWays(tempFile('d.npz', packed), FIT);
    expect(file).toEqual(memory);
    const request = { target: 'self', inputs: ['c_le_f4'], model: FIT.inputs };
    const source = await openSource(tempFile('s.npz', bytes), 's.npz');
    const parts = await openNpz(source, request, { resident: 10, block: 16 });
    const [array] = parts.whole?.inputs ?? [];
    const values: number[] = [];
    await eachBlock(array, (block) => void values.push(...block.values));
    expect(isStored(array)).toBe(true);
    expect(values).toEqual(Array.from({ length: 24 }, (_, i) => 0 - i));
  });

  it('stays in memory where it is no larger than told, to the byte', async () => {
    const path = tempFile('d.npz', stored({ x: npy('|u1', [N, WIDTH], DTYPES[0][2]), y: labels }));
    expect(stays(await readDataset(path, FIT, { ...SEED_0, resident: 480 }))).toBe(false);
    expect(stays(await readDataset(path, FIT, { ...SEED_0, resident: 479 }))).toBe(true);
  });

  it('leaves no file open', async () => {
    const path = tempFile('d.npz', stored({ x: npy('|u1', [N, WIDTH], DTYPES[0][2]), y: labels }));
    const data = await readDataset(path, FIT, STORED);
    await readOrders(data);
    await readError(tempFile('d.npz', stored({ x: labels, y: labels })), FIT, { ...STORED, resident: 10 });
    expect(await openFiles()).not.toContainEqual(expect.stringContaining('d.npz'));
  });
});

/** Paths that this process holds open, where the system tells. */
async function openFiles(): Promise<string[]> {
  const handles = await readdir('/proc/self/fd').catch(() => []);
  return Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
}

describe('a target', () => {
  const x = npy('<f4', [N, WIDTH], DTYPES[12][2]);
  const hot = Float64Array.from(fill((i) => Number(i % WIDTH === Math.floor(i / WIDTH) % WIDTH)));
  // the first of equal shares counts
  const ties = Float32Array.from(
    fill(
      (i) => [[0.5, 0, 0, 0, 0, 0, 0, 0.5], [0, 0, 0, 0, 0, 0, 0, 1], [1]][Math.floor(i / WIDTH) % 3][i % WIDTH] ?? 0,
    ),
  );
  const soft = Float32Array.from(fill((i) => (i % WIDTH === Math.floor(i / WIDTH) % 3 ? 0.65 : 0.05)));

  it.each<[string, string, ArrayBufferView, Parameters<typeof fitOf>[2], object]>([
    ['one-hot rows', '<f8', hot, 'softmax', { kind: 'onehot', classes: WIDTH }],
    ['one-hot rows for logits', '<f8', hot, 'linear', { kind: 'onehot', classes: WIDTH }],
    ['soft shares', '<f4', soft, 'softmax', { kind: 'onehot', classes: WIDTH }],
    ['shares with ties', '<f4', ties, 'softmax', { kind: 'onehot', classes: WIDTH }],
    ['0/1 per unit', '|u1', Uint8Array.from(hot), 'sigmoid', { kind: 'binary' }],
    ['shares per unit', '<f4', soft, 'sigmoid', { kind: 'real' }],
    ['numbers', '<f8', Float64Array.from(fill((i) => i / 3)), 'linear', { kind: 'real' }],
    ['64-bit integers', '<i8', BigInt64Array.from(fill((i) => BigInt(i) * 2n ** 33n)), 'linear', { kind: 'real' }],
  ])('of %s stays in its file too, cut and decided as from memory', async (_, descr, values, activation, kind) => {
    const y = npy(descr, [N, WIDTH], values);
    const { file, memory, data } = await bothWays(
      tempFile('d.npz', stored({ x, y })),
      fitOf([WIDTH], [WIDTH], activation),
    );
    expect(file).toEqual(memory);
    expect(data.target).toEqual(kind);
    expect(data.notes).toContain('y of d.npz stays in its file, rows are read when they are needed');
  });

  it.each<[string, string, ArrayBufferView]>([
    ['bytes', '|u1', Uint8Array.from({ length: N }, (_, i) => i % 2)],
    ['64-bit integers', '<i8', BigInt64Array.from({ length: N }, (_, i) => BigInt(i % 2))],
    ['floats', '<f4', Float32Array.from({ length: N }, (_, i) => i % 2)],
  ])('of one label per example is held whatever its size: %s', async (_, descr, values) => {
    const path = tempFile('d.npz', stored({ x, y: npy(descr, [N, 1], values) }));
    const { file, memory, data } = await bothWays(path, FIT, { resident: 50 });
    expect(file).toEqual(memory);
    expect(data.notes.join()).not.toContain('y of');
    const binary = await bothWays(path, fitOf([WIDTH], [1], 'sigmoid'), { resident: 50 });
    expect(binary.file).toEqual(binary.memory);
  });

  it.each<[string, (i: number) => number, Parameters<typeof fitOf>[2], string]>([
    [
      'NaN',
      (i) => (i === 99 ? Number.NaN : i),
      'linear',
      'y of d.npz at [12, 3] is NaN, expected a finite float32 number.',
    ],
    [
      'a value outside',
      (i) => (i === 99 ? 2 : 0),
      'sigmoid',
      "y of d.npz (the target) is 2 in example 12, expected 0 to 1 for the model's sigmoid output.",
    ],
    [
      'a sum',
      (i) => (i === 99 ? 0.5 : hot[i]),
      'softmax',
      "y of d.npz (the target) sums to 1.5 over the classes in row 12, expected 1 for the model's softmax output.",
    ],
  ])('is refused for %s with the same words', async (_, value, activation, message) => {
    const path = tempFile('d.npz', stored({ x, y: npy('<f4', [N, WIDTH], Float32Array.from(fill(value))) }));
    const fit = fitOf([WIDTH], [WIDTH], activation);
    expect((await readError(path, fit, STORED)).message).toBe(message);
    expect((await readError(path, fit)).message).toBe(message);
  });
});

const lone = (bytes: Uint8Array): DataSpec => ({ path: tempFile('x.npy', bytes), target: 'self' });

describe('a broken file', () => {
  const sound = npy('<f4', [N, WIDTH], DTYPES[12][2]);
  const withValue = (position: number, value: number): Uint8Array => {
    const bytes = Buffer.from(sound);
    bytes.writeFloatLE(value, bytes.length - 4 * N * WIDTH + 4 * position);
    return bytes;
  };

  it.each<[string, Uint8Array, RegExp]>([
    ['is cut off', sound.subarray(0, -1), /^x\.npy holds 1919 bytes of values, expected 1920 .*\[60, 8\]\.$/],
    ['is longer', Buffer.concat([sound, Buffer.alloc(3)]), /holds 1923 bytes of values, expected 1920/],
    [
      'has no end of its header',
      Buffer.concat([sound.subarray(0, 8), Buffer.alloc(400, 255)]),
      /cut off within its header/,
    ],
    [
      'has a header beyond reason',
      Buffer.concat([Buffer.from('\x93NUMPY\x02\0\x40\x42\x0f\0', 'latin1'), Buffer.alloc(2e6, 32)]),
      /has a header of 1000012 bytes, expected at most 131072/,
    ],
    ['holds objects', Buffer.concat([npy('|O', [N], new Uint8Array(0)), Buffer.alloc(500)]), /Python objects/],
    ['holds NaN', withValue(477, Number.NaN), /^x\.npy at \[59, 5\] is NaN, expected a finite float32 number\.$/],
    ['holds infinity in its first block', withValue(0, -Infinity), /at \[0, 0\] is -Infinity/],
    [
      'is in Fortran order',
      npy('<f4', [N, WIDTH], DTYPES[12][2], true),
      /^x\.npy has 1920 bytes of values in Fortran order, expected C order above 300 bytes/,
    ],
    [
      'holds integers beyond 2^53',
      npy('<i8', [N, WIDTH], BigInt64Array.from(fill((i) => (i === 400 ? 2n ** 54n : 0n)))),
      /holds the integer 18014398509481984 at flat position 400/,
    ],
    ['declares a shape beyond all', npy('<f4', [2 ** 50, 2 ** 50], new Float32Array(100)), /holds 400 bytes of values/],
    ['has more rows than can be numbered', npy('<f4', [2 ** 40, 0], new Float32Array(0)), /has 1099511627776 examples/],
    [
      'has examples of nothing',
      npy('<f4', [50, 0], new Float32Array(0)),
      /shape \[N, 0\], so its examples hold no values/,
    ],
  ])('is named when it %s', async (_, bytes, message) => {
    const fit = message.source.includes('no values') ? fitOf([null], [2]) : FIT;
    const error = await readError(lone(bytes), fit, { ...STORED, resident: Math.min(300, bytes.length - 1) });
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });

  it('is named where whole numbers are wanted, by the first that is none', async () => {
    const fit = { ...FIT, inputs: [{ ...FIT.inputs[0], indexRange: 200 }] };
    const x = Uint8Array.from(fill((i) => (i > 300 ? 250 : 1)));
    const path = tempFile('d.npz', stored({ x: npy('|u1', [N, WIDTH], x), y: labels }));
    const message =
      "x of d.npz at [37, 5] is 250, expected a whole number from 0 to 199 for the model's input 'input_1'.";
    expect((await readError(path, fit, STORED)).message).toBe(message);
    expect((await readError(path, fit)).message).toBe(message);
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1), /declares 492 bytes, received 491/],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, bytes]), /declares 492 bytes, received 984/],
  ])('is named when an idx file is %s', async (_, change, message) => {
    const folder = tempFolder();
    const images = Buffer.from(idx([N, WIDTH], DTYPES[0][2] as Uint8Array));
    writeFileSync(join(folder, 'images-idx2-ubyte'), change(images));
    expect((await readError({ path: folder, target: 'self' }, FIT, STORED)).message).toMatch(message);
  });

  it.each<[string, (zip: Buffer) => Uint8Array, RegExp]>([
    [
      'a flipped bit',
      (zip) => zip.fill(zip[400] ^ 1, 400, 401),
      /^d\.npz is not a sound zip file: x of d\.npz does not match its checksum\.$/,
    ],
    [
      'a flipped bit in a header',
      (zip) => zip.fill(32, zip.indexOf("'descr") - 1, zip.indexOf("'descr")),
      /checksum|header/,
    ],
    ['a directory that is cut off', (zip) => zip.subarray(0, -30), /its directory is missing/],
    ['a directory that is elsewhere', (zip) => zip.fill(255, zip.length - 6, zip.length - 3), /directory is cut off/],
    ['no local header', (zip) => zip.fill(0, 0, 4), /'x\.npy' is not a sound zip file: its header is missing/],
  ])('is named when an npz file has %s', async (_, change, message) => {
    const zip = Buffer.from(stored({ x: npy('|u1', [N, WIDTH], DTYPES[0][2]), y: labels }));
    expect((await readError(tempFile('d.npz', change(zip)), FIT, STORED)).message).toMatch(message);
  });
});
