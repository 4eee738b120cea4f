import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { DataError } from '../errors.js';
import { BYTE_LIMIT, DEFLATE_RATIO, LARGE_HINT, gunzip, isGzip, readBytes } from './bytes.js';
import type { Coding } from './decode.js';
import { decodeValues } from './decode.js';
import type { InputArray, RawArray, RawParts, ReadRequest } from './raw.js';
import { product } from './raw.js';
import { openSource, readRange } from './source.js';
import type { Memory, StoredArray } from './stored.js';
import { MEMORY_DEFAULTS, storeArray } from './stored.js';

const TYPES: Record<number, Coding> = {
  0x08: { kind: 'u', bytes: 1, bigEndian: true },
  0x09: { kind: 'i', bytes: 1, bigEndian: true },
  0x0b: { kind: 'i', bytes: 2, bigEndian: true },
  0x0c: { kind: 'i', bytes: 4, bigEndian: true },
  0x0d: { kind: 'f', bytes: 4, bigEndian: true },
  0x0e: { kind: 'f', bytes: 8, bigEndian: true },
};

/** Magic number and eight sizes. */
const MAX_HEADER = 36;

const NAME = /(images|labels)[-._]?idx\d+[-._]?ubyte(\.gz)?$/i;

/** Whether a file is called like one of an images/labels pair. */
export function isIdxName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Reads an images/labels pair in the format of MNIST (http://yann.lecun.com/exdb/mnist), plain or packed by gzip.
 *
 * @param path of either file, or of a folder that holds one pair, or train-* and t10k-* pairs
 * @returns a single pair as `whole`; train-* as `train` beside t10k-* as `test`
 * @throws DataError when a file or its partner is missing or damaged, or counts differ
 */
export async function readIdx(path: string, isFolder: boolean, request: ReadRequest): Promise<RawParts> {
  const folder = isFolder ? path : dirname(path);
  const names = (await readdir(folder)).filter(isIdxName).sort();
  if (!isFolder) return { whole: await readPair(folder, basename(path), names, request) };

  const images = pickPacked(names.filter((name) => kindOf(name) === 'images'));
  const train = images.filter((name) => /train/i.test(name));
  const test = images.filter((name) => /t10k|test/i.test(name));
  if (images.length === 1) return { whole: await readPair(folder, images[0], names, request) };
  if (images.length !== 2 || train.length !== 1 || test.length !== 1) {
    throw new DataError(
      `${basename(folder)} holds ${images.length} image files (${images.slice(0, 5).join(', ')}), expected one images/labels pair, or train-* and t10k-* pairs.`,
      { hint: 'Name one of the files.' },
    );
  }
  return {
    train: await readPair(folder, train[0], names, request),
    test: await readPair(folder, test[0], names, request),
  };
}

/** Drops x where x.gz lies beside it, or the reverse: the same file twice. */
function pickPacked(names: readonly string[]): string[] {
  return names.filter((name) => !(name.endsWith('.gz') && names.includes(name.slice(0, -'.gz'.length))));
}

async function readPair(
  folder: string,
  named: string,
  names: readonly string[],
  request: ReadRequest,
): Promise<{ inputs: InputArray[]; target?: InputArray }> {
  if (request.model.length > 1) {
    throw new DataError(`${named} is one array of images, but the model has ${request.model.length} inputs.`, {
      hint: "Give an npz file with one array per input, named like the model's inputs.",
    });
  }
  const { memory = MEMORY_DEFAULTS } = request;
  const images = partner(named, 'images', names);
  const pixels = await readIdxFile(join(folder, images), images, memory);
  if (request.target === 'self') return { inputs: [pixels] };
  if (request.target !== undefined) {
    throw new DataError(`${images} has its labels in a file of their own, so no target is named '${request.target}'.`, {
      hint: "Leave the target out, or take 'self' for the model's own outputs.",
    });
  }
  const labels = partner(named, 'labels', names);
  const target = await readIdxFile(join(folder, labels), labels, memory);
  if (target.shape.length !== 1)
    throw new DataError(`${labels} has ${target.shape.length} axes, expected 1: a label each.`);
  if (target.shape[0] !== pixels.shape[0]) {
    throw new DataError(
      `${labels} has ${target.shape[0]} labels, expected ${pixels.shape[0]}, one for each image of ${images}.`,
    );
  }
  return { inputs: [pixels], target };
}

/** The images or labels file that belongs to a file of either kind. */
function partner(named: string, kind: 'images' | 'labels', names: readonly string[]): string {
  if (kindOf(named) === kind) return named;
  const found = names.find((name) => stem(name) === stem(named) && kindOf(name) === kind);
  if (found !== undefined) return found;
  const expected = kind === 'labels' ? 'labels-idx1-ubyte' : 'images-idx3-ubyte';
  throw new DataError(`${named} has no ${kind} beside it, expected ${stem(named)}${expected} or the same with .gz.`);
}

function kindOf(name: string): string | undefined {
  return NAME.exec(name)?.[1].toLowerCase();
}

/** What the names of a pair share. */
function stem(name: string): string {
  return name.toLowerCase().replace(NAME, '');
}

async function readIdxFile(path: string, name: string, memory: Memory): Promise<InputArray> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() === true && info.size > memory.resident) {
    const stored = await openIdx(path, name, memory);
    if (stored !== undefined) return stored;
  }
  const bytes = await readBytes(path, name);
  // the size is known from the first bytes, so nothing unpacks beyond it
  const declared = (first: Uint8Array): number => {
    const { total } = readHeader(first, name, BYTE_LIMIT);
    if (total > bytes.length * DEFLATE_RATIO) throw wrongSize(name, total, `only ${bytes.length} packed ones`);
    return total;
  };
  return parseIdx(isGzip(bytes) ? await gunzip(bytes, name, { declared }) : bytes, name);
}

/** Reads a plain file by position; undefined for one that is packed or whose values are few enough after all. */
async function openIdx(path: string, name: string, memory: Memory): Promise<StoredArray | undefined> {
  const source = await openSource(path, name);
  const head = await readRange(source, 0, Math.min(source.size, MAX_HEADER));
  if (isGzip(head)) return undefined;
  const { shape, coding, start, total } = readHeader(head, name, Infinity);
  if (source.size !== total) throw wrongSize(name, total, String(source.size));
  if (total - start <= memory.resident) return undefined;
  return storeArray({ name, source, start, shape, coding }, memory.block);
}

function parseIdx(bytes: Uint8Array, name: string): RawArray {
  const { shape, coding, start, total } = readHeader(bytes, name, BYTE_LIMIT);
  if (bytes.length !== total) throw wrongSize(name, total, String(bytes.length));
  // a copy, aligned for wider types (slice would be a view where the bytes are a Buffer)
  const [dtype, values] = decodeValues(new Uint8Array(bytes.subarray(start)), coding, name);
  return { name, shape, dtype, values };
}

function readHeader(
  bytes: Uint8Array,
  name: string,
  limit: number,
): { shape: number[]; coding: Coding; start: number; total: number } {
  const coding = TYPES[bytes[2]];
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start || bytes[0] !== 0 || bytes[1] !== 0 || coding === undefined || rank < 1 || rank > 8) {
    throw new DataError(
      `${name} is not an idx file: it begins with ${[...bytes.subarray(0, 4)].join(' ')}, expected 0 0 8 3 or 0 0 8 1.`,
    );
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => header.getUint32(4 + 4 * axis));
  const total = start + product(shape) * coding.bytes;
  if (total > limit) throw wrongSize(name, total, `at most ${limit}`, LARGE_HINT);
  return { shape, coding, start, total };
}

function wrongSize(name: string, declared: number, received: string, hint = 'Download it again.'): DataError {
  return new DataError(`${name} declares ${declared} bytes, received ${received}.`, { hint });
}
