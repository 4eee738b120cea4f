import { crc32 } from 'node:zlib';

import { DataError } from '../errors.js';
import type { Coding } from './decode.js';
import { decodedBytes, decodedType, decodeValues, isLong } from './decode.js';
import type { NumericArray, RawArray, RawType } from './raw.js';
import { product } from './raw.js';
import type { ByteSource, ReadAt } from './source.js';

/** What may be held in memory of arrays that can be read by position. */
export interface Memory {
  /** Larger arrays stay in their file, in bytes. */
  readonly resident: number;
  /** Most bytes read from them at a time. */
  readonly block: number;
}

export const MEMORY_DEFAULTS: Memory = { resident: 2 ** 28, block: 2 ** 24 };

/** Rows this many bytes apart are read in one go: reading on costs less than another call. */
const GAP = 2 ** 14;

/** Takes values of one wanted row: `length` of them from `from`, which lie at `at` in the row that was asked for as number `index`. */
export type TakeRow = (values: NumericArray, from: number, index: number, at: number, length: number) => void;

/** Values in order, from flat position `start` on; to be used before the next block is asked for. */
export interface Block {
  readonly start: number;
  readonly values: NumericArray;
}

/** An array that stays in its file, C order, examples first. */
export interface StoredArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** float64 for 64-bit integers, see `long`. */
  readonly dtype: RawType;
  /** 64-bit integers, which count as int32 where all of them fit. */
  readonly long: boolean;
  /** Hands over every value in order, never more than a block at a time. */
  eachBlock(take: (block: Block) => void): Promise<void>;
  /** Hands over rows, in the order of the file; runs of near rows are read in one go. */
  eachRow(rows: Int32Array, take: TakeRow): Promise<void>;
}

/** Where an array lies. */
export interface Place {
  readonly name: string;
  readonly source: ByteSource;
  /** Of the first value, in bytes. */
  readonly start: number;
  readonly shape: readonly number[];
  readonly coding: Coding;
  /** Checksum of the bytes before the values, and the one that these and the values must come to. */
  readonly checksum?: { readonly before: number; readonly whole: number };
}

/** An array to be read by position; its bytes are known to be there. */
export function storeArray(place: Place, block: number): StoredArray {
  const { name, source, shape, coding } = place;
  // values per block, so that neither the bytes nor what they are decoded to is larger than a block
  const most = Math.max(1, Math.floor(block / Math.max(coding.bytes, decodedBytes(coding))));
  return {
    name,
    shape,
    dtype: decodedType(coding),
    long: isLong(coding),
    eachBlock: (take) => source.use((read) => readBlocks(place, most, read, take)),
    eachRow: (rows, take) => source.use((read) => readRows(place, most, read, rows, take)),
  };
}

export function isStored(array: object): array is StoredArray {
  return 'eachBlock' in array;
}

/** Every value in order: an array in memory is one block. */
export async function eachBlock(array: RawArray | StoredArray, take: (block: Block) => void): Promise<void> {
  if (isStored(array)) await array.eachBlock(take);
  else take({ start: 0, values: array.values });
}

async function readBlocks(place: Place, most: number, read: ReadAt, take: (block: Block) => void): Promise<void> {
  const total = product(place.shape);
  const fetch = makeFetch(place, read);
  let checksum = place.checksum?.before ?? 0;
  for (let start = 0; start < total; start += most) {
    const bytes = await fetch(start, Math.min(most, total - start));
    if (place.checksum !== undefined) checksum = crc32(bytes, checksum);
    take({ start, values: decodeValues(bytes, place.coding, place.name, { first: start, long: 'float64' })[1] });
  }
  if (place.checksum !== undefined && checksum !== place.checksum.whole) {
    throw wrongChecksum(place.source.name, place.name);
  }
}

async function readRows(place: Place, most: number, read: ReadAt, rows: Int32Array, take: TakeRow): Promise<void> {
  const width = product(place.shape.slice(1));
  const order = rows.map((_, index) => index).sort((a, b) => rows[a] - rows[b]);
  const fetch = makeFetch(place, read);
  for (const run of runsOf(order, rows, most / width, GAP / (width * place.coding.bytes))) {
    const first = rows[run[0]] * width;
    const end = (rows[run[run.length - 1]] + 1) * width;
    // one piece, but for a row that is larger than a block
    for (let start = first; start < end; start += most) {
      const bytes = await fetch(start, Math.min(most, end - start));
      const [, values] = decodeValues(bytes, place.coding, place.name, { first: start, long: 'float64' });
      for (const index of run) takeOverlap(values, start, rows[index] * width, width, index, take);
    }
  }
}

/** Hands over what a piece that begins at `start` holds of the row that begins at `row`. */
function takeOverlap(
  values: NumericArray,
  start: number,
  row: number,
  width: number,
  index: number,
  take: TakeRow,
): void {
  const low = Math.max(row, start);
  const high = Math.min(row + width, start + values.length);
  if (low < high) take(values, low - start, index, low - row, high - low);
}

/** Cuts rows in ascending order into runs: no gap wider than told, no run longer than told unless of one row. */
function* runsOf(order: Int32Array, rows: Int32Array, longest: number, gap: number): Generator<Int32Array> {
  let begin = 0;
  for (let i = 1; i <= order.length; i++) {
    const near =
      i < order.length &&
      rows[order[i]] - rows[order[i - 1]] - 1 <= gap &&
      (rows[order[i]] - rows[order[begin]] + 1 <= longest || rows[order[i]] === rows[order[begin]]);
    if (near) continue;
    yield order.subarray(begin, i);
    begin = i;
  }
}

/** Damage within a zip file. */
export function wrongChecksum(file: string, name: string): DataError {
  return new DataError(`${file} is not a sound zip file: ${name} does not match its checksum.`, {
    hint: 'Save or copy it again.',
  });
}

/** Reads values by flat position, into the same memory each time. */
function makeFetch({ start, coding }: Place, read: ReadAt): (first: number, count: number) => Promise<Uint8Array> {
  let scratch = new Uint8Array(0);
  return async (first, count) => {
    const length = count * coding.bytes;
    if (scratch.length < length) scratch = new Uint8Array(length);
    const bytes = scratch.subarray(0, length);
    await read(start + first * coding.bytes, bytes);
    return bytes;
  };
}
