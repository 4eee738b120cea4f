import { crc32 } from 'node:zlib';

import { DataError } from '../errors.js';
import type { Coding } from './decode.js';
import { decodeValues } from './decode.js';
import type { NumericArray, RawArray } from './raw.js';
import { product } from './raw.js';
import type { ByteSource } from './source.js';
import { readRange } from './source.js';
import type { Memory, StoredArray } from './stored.js';
import { storeArray, wrongChecksum } from './stored.js';

const MAX_RANK = 8;

/** A header describes one array; numpy itself refuses more than 10,000 characters. */
const MAX_HEADER = 2 ** 17;

interface Header {
  readonly coding: Coding;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
}

/**
 * Reads one array of numpy's format (versions 1 to 3, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
 * f2 f4 f8, i1 to i8, u1 to u8, b1, either byte order, C or Fortran order. f2 becomes float32; 64-bit integers become int32
 * where all fit, else float64.
 *
 * @param name for messages
 * @throws DataError for pickled, text, complex and structured arrays, damaged headers, sizes that don't match, integers beyond 2^53
 */
export function readNpy(bytes: Uint8Array, name: string): RawArray {
  const header = readHeader(bytes, name);
  const { shape } = header;
  checkSize(header, bytes.length, name);
  // a copy, aligned for wider types (slice would be a view where the bytes are a Buffer)
  const [dtype, values] = decodeValues(new Uint8Array(bytes.subarray(header.start)), header.coding, name);
  return { name, shape, dtype, values: header.fortran && shape.length > 1 ? toRowMajor(values, shape) : values };
}

/** Where in a file an array's bytes lie; `checksum` is theirs, where it is known. */
export interface NpyRange {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
  readonly checksum?: number;
}

/**
 * Reads one array of numpy's format from part of a file: whole where its values are few enough, else by position later on.
 *
 * @throws DataError like `readNpy`, and for a larger array in Fortran order
 */
export async function openNpy(range: NpyRange, name: string, memory: Memory): Promise<RawArray | StoredArray> {
  const { source, start, end, checksum } = range;
  const head = await readRange(source, start, Math.min(end, start + MAX_HEADER));
  const header = readHeader(head, name, end - start);
  checkSize(header, end - start, name);
  const { shape, coding } = header;
  if (product(shape) * coding.bytes <= memory.resident) {
    const bytes = await readRange(source, start, end);
    if (checksum !== undefined && crc32(bytes) !== checksum) throw wrongChecksum(source.name, name);
    return readNpy(bytes, name);
  }
  if (header.fortran && shape.length > 1) {
    throw new DataError(
      `${name} has ${product(shape) * coding.bytes} bytes of values in Fortran order, expected C order above ${memory.resident} bytes, where rows are read from the file.`,
      { hint: 'Save it in C order: numpy.ascontiguousarray(x).' },
    );
  }
  const before = crc32(head.subarray(0, header.start));
  const place = { name, source, start: start + header.start, shape, coding };
  return storeArray(checksum === undefined ? place : { ...place, checksum: { before, whole: checksum } }, memory.block);
}

function checkSize({ shape, coding, start }: Header, length: number, name: string): void {
  const payload = length - start;
  const expected = product(shape) * coding.bytes;
  if (expected === payload) return;
  throw new DataError(
    `${name} holds ${payload} bytes of values, expected ${expected} for its declared shape [${shape.join(', ')}].`,
  );
}

/** @param length of the whole array with its header, of which `bytes` is the beginning */
function readHeader(bytes: Uint8Array, name: string, length = bytes.length): Header {
  const latin = new TextDecoder('latin1');
  if (bytes.length < 12 || bytes[0] !== 0x93 || latin.decode(bytes.subarray(1, 6)) !== 'NUMPY') {
    throw new DataError(`${name} is not an array in numpy's format.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3) throw new DataError(`${name} has npy version ${version}, expected 1, 2 or 3.`);
  const begin = version === 1 ? 10 : 12;
  const start = begin + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > length) throw new DataError(`${name} is cut off within its header.`);
  if (start > bytes.length)
    throw new DataError(`${name} has a header of ${start} bytes, expected at most ${MAX_HEADER}.`);
  const text = latin.decode(bytes.subarray(begin, start));
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) throw new DataError(`${name} has a header that cannot be read.`);
  return { coding: readType(text, name), fortran: order === 'True', shape: readShape(sizes, name), start };
}

const REFUSED: Record<string, string> = {
  O: 'Python objects (pickle), which can run code when opened',
  U: 'text',
  S: 'text',
  c: 'complex numbers',
  M: 'dates',
  m: 'time spans',
  V: 'records',
};

function readType(header: string, name: string): Coding {
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const match = /^([<>=|]?)([a-zA-Z?])(\d*)$/.exec(descr ?? '|V0');
  const [, order, kind, digits] = match ?? [];
  const type = `${kind}${digits}`;
  if (/^(?:f[248]|[iu][1248]|b1)$/.test(type)) return { kind, bytes: Number(digits), bigEndian: order === '>' };
  const what = REFUSED[kind] ?? `values of type '${descr}'`;
  throw new DataError(`${name} holds ${what}, expected numbers: f2, f4, f8, i1 to i8, u1 to u8 or b1.`, {
    hint: 'Save it with a numeric dtype, for example x.astype("float32").',
  });
}

function readShape(text: string, name: string): number[] {
  const shape = text
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map((size) => (/^\d+L?$/.test(size) ? Number.parseInt(size, 10) : Number.NaN));
  if (!shape.every(Number.isSafeInteger)) throw new DataError(`${name} has a shape that cannot be read: (${text}).`);
  if (shape.length === 0 || shape.length > MAX_RANK) {
    throw new DataError(`${name} has ${shape.length} axes, expected 1 to ${MAX_RANK}, the examples first.`);
  }
  return shape;
}

/** Turns first-axis-fastest order into last-axis-fastest. */
function toRowMajor(values: NumericArray, shape: readonly number[]): NumericArray {
  const out = values.slice();
  const rank = shape.length;
  const strides = shape.map((_, axis) => product(shape.slice(0, axis)));
  const index = new Int32Array(rank);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from];
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis]++;
      from += strides[axis];
      if (index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return out;
}
