import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { DataError } from '../errors.js';
import { BYTE_LIMIT, DEFLATE_RATIO, gunzip, isGzip, readBytes } from './bytes.js';
import type { NumericArray, RawArray, RawParts, RawType, ReadRequest } from './raw.js';
import { product } from './raw.js';

const TYPES: Record<number, { dtype: RawType; bytes: number }> = {
  0x08: { dtype: 'uint8', bytes: 1 },
  0x09: { dtype: 'int8', bytes: 1 },
  0x0b: { dtype: 'int16', bytes: 2 },
  0x0c: { dtype: 'int32', bytes: 4 },
  0x0d: { dtype: 'float32', bytes: 4 },
  0x0e: { dtype: 'float64', bytes: 8 },
};

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
): Promise<{ inputs: RawArray[]; target?: RawArray }> {
  if (request.model.length > 1) {
    throw new DataError(`${named} is one array of images, but the model has ${request.model.length} inputs.`);
  }
  const images = partner(named, 'images', names);
  const pixels = await readIdxFile(join(folder, images), images);
  if (request.target === 'self') return { inputs: [pixels] };
  if (request.target !== undefined) {
    throw new DataError(`${images} has its labels in a file of their own, so no target is named '${request.target}'.`);
  }
  const labels = partner(named, 'labels', names);
  const target = await readIdxFile(join(folder, labels), labels);
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

async function readIdxFile(path: string, name: string): Promise<RawArray> {
  const bytes = await readBytes(path, name);
  // the size is known from the first bytes, so nothing unpacks beyond it
  const declared = (first: Uint8Array): number => {
    const { total } = readHeader(first, name);
    if (total > bytes.length * DEFLATE_RATIO) throw wrongSize(name, total, `only ${bytes.length} packed ones`);
    return total;
  };
  return parseIdx(isGzip(bytes) ? await gunzip(bytes, name, { declared }) : bytes, name);
}

function parseIdx(bytes: Uint8Array, name: string): RawArray {
  const { shape, dtype, width, start, total } = readHeader(bytes, name);
  if (bytes.length !== total) throw wrongSize(name, total, String(bytes.length));
  // a copy, aligned for wider types (slice would be a view where the bytes are a Buffer)
  const body = new Uint8Array(bytes.subarray(start));
  if (width === 2) Buffer.from(body.buffer).swap16();
  if (width === 4) Buffer.from(body.buffer).swap32();
  if (width === 8) Buffer.from(body.buffer).swap64();
  return { name, shape, dtype, values: view(body, dtype) };
}

function readHeader(
  bytes: Uint8Array,
  name: string,
): { shape: number[]; dtype: RawType; width: number; start: number; total: number } {
  const type = TYPES[bytes[2]];
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start || bytes[0] !== 0 || bytes[1] !== 0 || type === undefined || rank < 1 || rank > 8) {
    throw new DataError(
      `${name} is not an idx file: it begins with ${[...bytes.subarray(0, 4)].join(' ')}, expected 0 0 8 3 or 0 0 8 1.`,
    );
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => header.getUint32(4 + 4 * axis));
  const total = start + product(shape) * type.bytes;
  if (total > BYTE_LIMIT) throw wrongSize(name, total, `at most ${BYTE_LIMIT}`);
  return { shape, dtype: type.dtype, width: type.bytes, start, total };
}

function view(bytes: Uint8Array, dtype: RawType): NumericArray {
  if (dtype === 'int8') return new Int8Array(bytes.buffer);
  if (dtype === 'int16') return new Int16Array(bytes.buffer);
  if (dtype === 'int32') return new Int32Array(bytes.buffer);
  if (dtype === 'float32') return new Float32Array(bytes.buffer);
  return dtype === 'float64' ? new Float64Array(bytes.buffer) : bytes;
}

function wrongSize(name: string, declared: number, received: string): DataError {
  return new DataError(`${name} declares ${declared} bytes, received ${received}.`, { hint: 'Download it again.' });
}
