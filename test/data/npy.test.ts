import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readNpy } from '../../src/data/npy.js';
import { readZip } from '../../src/data/zip.js';
import { errorOf, npy } from './helpers.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const fixture = (name: string): Uint8Array => readFileSync(join(FIXTURES, name));
const array = (zip: string, name: string): ReturnType<typeof readNpy> => {
  const entry = readZip(fixture(zip), zip).find((candidate) => candidate.name === `${name}.npy`);
  if (entry === undefined) throw new Error(`no ${name}`);
  return readNpy(entry.read(), name);
};

const NATIVE: Record<string, string> = {
  f2: 'float32',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int32',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'int32',
};
const TYPES = Object.keys(NATIVE);
const CASES = ['stored.npz', 'deflated.npz'].flatMap((zip) =>
  ['c', 'f'].flatMap((order) =>
    ['le', 'be'].flatMap((endian) =>
      TYPES.filter((type) => endian === 'le' || !type.endsWith('1')).map((type) => ({ zip, order, endian, type })),
    ),
  ),
);

describe('readNpy', () => {
  it.each(CASES)('reads $type of $zip, order $order, $endian, as numpy wrote it', ({ zip, order, endian, type }) => {
    const read = array(zip, `${order}_${endian}_${type}`);
    expect(read.shape).toEqual([2, 3, 4]);
    expect(read.dtype).toBe(NATIVE[type]);
    const sign = type.startsWith('u') ? 1 : -1;
    expect([...read.values].map((value) => value + 0)).toEqual(
      Array.from({ length: 24 }, (_, i) => (i === 0 ? 0 : sign * i)),
    );
  });

  it('reads bool as 0 and 1', () => {
    const read = array('deflated.npz', 'bool');
    expect(read.dtype).toBe('bool');
    expect([...read.values]).toEqual(Array.from({ length: 24 }, (_, i) => Number(i % 3 === 0)));
  });

  it('reads halves: subnormal, largest, signed zero, infinite, NaN', () => {
    const expected = [2 ** -24, -(2 ** -24), 1023 * 2 ** -24, 65504, -0, 0x555 * 2 ** -12, Infinity, Number.NaN];
    expect([...array('borders.npz', 'half').values]).toEqual(expected);
  });

  it.each([
    ['i8_fits', 'int32', [2 ** 31 - 1, -(2 ** 31)]],
    ['i8_large', 'float64', [2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53)]],
    ['u8_large', 'float64', [2 ** 31, 2 ** 32, 2 ** 53]],
  ])('takes 64-bit integers of %s as %s', (name, dtype, values) => {
    expect(array('borders.npz', name)).toMatchObject({ dtype });
    expect([...array('borders.npz', name).values]).toEqual(values);
  });

  it.each(['i8_over', 'u8_over'])('refuses integers beyond 2^53 in %s', async (name) => {
    const error = await errorOf(() => array('borders.npz', name));
    expect(error.message).toMatch(new RegExp(`^${name} holds the integer .* expected at most 2\\^53`));
  });

  it.each([
    ['objects.npy', /Python objects \(pickle\)/],
    ['words.npy', /holds text/],
    ['complex.npy', /complex numbers/],
    ['records.npy', /holds records/],
    ['scalar.npy', /has 0 axes, expected 1 to 8/],
  ])('refuses %s by what it holds', async (name, message) => {
    const error = await errorOf(() => readNpy(fixture(name), name));
    expect(error).toMatchObject({ code: 'data', exitCode: 3, message: expect.stringMatching(message) as string });
  });

  const sound = npy('<f4', [2, 2], new Float32Array(4));
  it.each([
    ['cut off', sound.subarray(0, sound.length - 1), /holds 15 bytes of values, expected 16 .*\[2, 2\]/],
    ['longer than declared', Buffer.concat([sound, Buffer.alloc(4)]), /holds 20 bytes of values, expected 16/],
    ['a shape beyond all memory', npy('<f4', [2 ** 40, 2 ** 40], new Float32Array(1)), /holds 4 bytes of values/],
    ['no header', sound.subarray(0, 40), /cut off within its header/],
    ['another file', Buffer.from('hello world, hello'), /not an array in numpy's format/],
    ['nothing', new Uint8Array(0), /not an array in numpy's format/],
    ['nine axes', npy('<f4', [1, 1, 1, 1, 1, 1, 1, 1, 1], new Float32Array(1)), /has 9 axes/],
    ['a negative size', npy('<f4', [-2, -2], new Float32Array(4)), /shape that cannot be read/],
  ])('refuses a file that is %s', async (_, bytes, message) => {
    const error = await errorOf(() => readNpy(bytes, 'x.npy'));
    expect(error.code).toBe('data');
    expect(error.message).toMatch(message);
  });
});
