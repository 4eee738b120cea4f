import { DataError } from '../errors.js';
import type { NumericArray, RawType } from './raw.js';

/** How values lie in a file. */
export interface Coding {
  /** In numpy's letters: f, i, u or b. */
  readonly kind: string;
  /** Per value. */
  readonly bytes: number;
  readonly bigEndian: boolean;
}

/** Bytes per value once decoded, where 64-bit integers become float64. */
export function decodedBytes({ kind, bytes }: Coding): number {
  return kind === 'f' && bytes === 2 ? 4 : bytes;
}

/** Integers of 64 bits: what they are decoded to follows from their values. */
export function isLong({ kind, bytes }: Coding): boolean {
  return bytes === 8 && kind !== 'f';
}

/** The dtype of decoded values; float64 for 64-bit integers. */
export function decodedType({ kind, bytes }: Coding): RawType {
  if (kind === 'b') return 'bool';
  if (bytes === 8) return 'float64';
  if (kind === 'f') return 'float32';
  return `${kind === 'u' ? 'uint' : 'int'}${8 * bytes}` as RawType;
}

/**
 * Decodes values in place where their width allows it; the bytes are used up. 64-bit integers become int32 where all fit, else
 * float64 up to 2^53, unless `long` asks for float64.
 *
 * @param bytes aligned to 8 in their buffer
 * @param first flat position of the first value, for messages
 * @throws DataError for integers beyond 2^53
 */
export function decodeValues(
  bytes: Uint8Array,
  coding: Coding,
  name: string,
  options: { first?: number; long?: 'float64' } = {},
): [RawType, NumericArray] {
  const { buffer, byteOffset, byteLength } = bytes;
  if (coding.bigEndian) swapBytes(bytes, coding.bytes);
  const n = byteLength / coding.bytes;
  switch (`${coding.kind}${coding.bytes}`) {
    case 'b1':
      for (let i = 0; i < n; i++) bytes[i] = bytes[i] === 0 ? 0 : 1;
      return ['bool', bytes];
    case 'u1':
      return ['uint8', bytes];
    case 'i1':
      return ['int8', new Int8Array(buffer, byteOffset, n)];
    case 'u2':
      return ['uint16', new Uint16Array(buffer, byteOffset, n)];
    case 'i2':
      return ['int16', new Int16Array(buffer, byteOffset, n)];
    case 'u4':
      return ['uint32', new Uint32Array(buffer, byteOffset, n)];
    case 'i4':
      return ['int32', new Int32Array(buffer, byteOffset, n)];
    case 'f2':
      return ['float32', Float32Array.from(new Uint16Array(buffer, byteOffset, n), fromHalf)];
    case 'f4':
      return ['float32', new Float32Array(buffer, byteOffset, n)];
    case 'f8':
      return ['float64', new Float64Array(buffer, byteOffset, n)];
    default: {
      const words = new Int32Array(buffer, byteOffset, 2 * n);
      const small = options.long === undefined ? toSmall(words, coding.kind === 'u') : undefined;
      if (small !== undefined) return ['int32', small];
      return ['float64', toLarge(words, coding.kind === 'u', name, options.first ?? 0)];
    }
  }
}

/** 64-bit integers as int32, or undefined unless all fit. Words come low half first. */
function toSmall(words: Int32Array, unsigned: boolean): Int32Array | undefined {
  const small = new Int32Array(words.length / 2);
  for (let i = 0; i < small.length; i++) {
    small[i] = words[2 * i];
    const fits = words[2 * i + 1] === (unsigned ? 0 : words[2 * i] >> 31) && (!unsigned || words[2 * i] >= 0);
    if (!fits) return undefined;
  }
  return small;
}

function toLarge(words: Int32Array, unsigned: boolean, name: string, first: number): Float64Array {
  const large = new Float64Array(words.length / 2);
  for (let i = 0; i < large.length; i++) {
    const high = unsigned ? words[2 * i + 1] >>> 0 : words[2 * i + 1];
    large[i] = high * 2 ** 32 + (words[2 * i] >>> 0);
    if (Math.abs(large[i]) > 2 ** 53) {
      throw new DataError(
        `${name} holds the integer ${large[i]} at flat position ${first + i}, expected at most 2^53.`,
      );
    }
  }
  return large;
}

/** IEEE 754 binary16. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  if (width === 4) buffer.swap32();
  if (width === 8) buffer.swap64();
}
