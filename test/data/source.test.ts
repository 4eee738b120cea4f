import { appendFileSync, rmSync, truncateSync, utimesSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { openNpy } from '../../src/data/npy.js';
import type { ByteSource } from '../../src/data/source.js';
import { openSource } from '../../src/data/source.js';
import { rangeRows } from '../../src/data/split.js';
import type { StoredArray } from '../../src/data/stored.js';
import { isStored } from '../../src/data/stored.js';
import { errorOf, fitOf, npy, SEED_0, tempFile } from './helpers.js';

const WIDTH = 8;

describe('a file that changes', () => {
  const x = npy('|u1', [60, WIDTH], new Uint8Array(60 * WIDTH).fill(9));

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'grows',
      (path) => appendFileSync(path, 'x'),
      /^x\.npy changed on disk while it was being read: it had \d+ bytes at first, now it has \d+\.$/,
    ],
    ['is cut off', (path) => truncateSync(path, 200), /^x\.npy changed on disk .*now it has 200\.$/],
    [
      'is written again',
      (path) => utimesSync(path, 1e9, 1e9),
      /^x\.npy changed on disk .*its time of change is another\.$/,
    ],
    ['is gone', (path) => rmSync(path), /^x\.npy cannot be read: there is no such file\.$/],
  ])('and %s is named when rows are read', async (_, change, message) => {
    const path = tempFile('x.npy', x);
    const data = await readDataset({ path, target: 'self' }, fitOf([WIDTH], [2]), { ...SEED_0, resident: 300 });
    change(path);
    const error = await errorOf(() => data.splits.train.read(Int32Array.of(0)));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });

  it('in the middle of the first pass is named for that, whatever else is wrong', async () => {
    const path = tempFile('x.npy', x);
    const source = await openSource(path, 'x.npy');
    const array = await openNpy({ source, start: 0, end: source.size }, 'x.npy', { resident: 10, block: 40 });
    const error = await errorOf(async () => {
      if (isStored(array)) await array.eachBlock(() => truncateSync(path, 250));
    });
    expect(error.message).toMatch(/changed on disk/);
  });
});

/** A source that notes every read. */
async function spied(bytes: Uint8Array): Promise<{ source: ByteSource; reads: [at: number, length: number][] }> {
  const source = await openSource(tempFile('x.npy', bytes), 'x.npy');
  const reads: [number, number][] = [];
  const use: ByteSource['use'] = (work) =>
    source.use((read) =>
      work((position, into) => {
        reads.push([position, into.buffer.byteLength]);
        return read(position, into);
      }),
    );
  return { source: { ...source, use }, reads };
}

describe('memory', () => {
  const ROWS = 5000;
  const values = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => i);
  const file = npy('<f4', [ROWS, WIDTH], values);
  const open = async (block: number): Promise<{ array: StoredArray; reads: [number, number][] }> => {
    const { source, reads } = await spied(file);
    const array = await openNpy({ source, start: 0, end: source.size }, 'x.npy', { resident: 1000, block });
    if (!isStored(array)) throw new Error('expected a stored array');
    reads.length = 0;
    return { array, reads };
  };

  it('never holds more than a block in one pass, and reads every byte once', async () => {
    const { array, reads } = await open(4096);
    let next = 0;
    await array.eachBlock((block) => {
      expect(block.start).toBe(next);
      expect(block.values.buffer.byteLength).toBeLessThanOrEqual(4096);
      next += block.values.length;
    });
    expect(next).toBe(ROWS * WIDTH);
    expect(Math.max(...reads.map(([, length]) => length))).toBe(4096);
    expect(reads).toHaveLength(Math.ceil((4 * ROWS * WIDTH) / 4096));
  });

  it.each([
    ['halves', '<f2', 2, 4],
    ['64-bit integers', '<i8', 8, 8],
  ])('counts what %s are decoded to', async (_, descr, bytes, decoded) => {
    const { source } = await spied(npy(descr, [1000], new Uint8Array(1000 * bytes)));
    const array = await openNpy({ source, start: 0, end: source.size }, 'x.npy', { resident: 10, block: 256 });
    const sizes: number[] = [];
    if (isStored(array)) await array.eachBlock((block) => void sizes.push(block.values.length * decoded));
    expect(Math.max(...sizes)).toBe(256);
  });

  it('reads runs of near rows in one go, far rows by themselves, and no others', async () => {
    const { array, reads } = await open(2 ** 16);
    const wanted = Int32Array.of(4000, 10, 12, 11, 10, 4001, 600);
    const got: number[] = [];
    await array.eachRow(wanted, (row, from, index, at, length) => {
      for (let i = 0; i < length; i++) got[index * WIDTH + at + i] = row[from + i];
    });
    expect(got).toEqual([...wanted].flatMap((row) => [...values.subarray(row * WIDTH, (row + 1) * WIDTH)]));
    const start = file.length - values.byteLength;
    // 590 rows of 32 bytes lie between rows 12 and 600: more than it pays to read on
    expect(reads.map(([at]) => at)).toEqual([10, 600, 4000].map((row) => start + row * 4 * WIDTH));
    expect(Math.max(...reads.map(([, length]) => length))).toBeLessThan(200);
  });

  it.each([4100, 20])(
    'never holds more than a block of %i bytes for rows, which come whole where they fit',
    async (block) => {
      const { array, reads } = await open(block);
      const lengths = new Set<number>();
      await array.eachRow(rangeRows(0, ROWS), ({ buffer }, _from, _index, _at, length) => {
        lengths.add(length);
        expect(buffer.byteLength).toBeLessThanOrEqual(block);
      });
      expect(lengths).toEqual(new Set(block > 4 * WIDTH ? [WIDTH] : [5, 3]));
      expect(Math.max(...reads.map(([, length]) => length))).toBeGreaterThan(block - 4 * WIDTH);
    },
  );
});
