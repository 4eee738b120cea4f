import { DataError } from '../errors.js';
import type { NumericArray, RawArray, RawType } from './raw.js';
import { product } from './raw.js';

const MAX_RANK = 8;

interface Header {
  readonly kind: string;
  readonly bytes: number;
  readonly bigEndian: boolean;
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
  const payload = bytes.length - header.start;
  const expected = product(shape) * header.bytes;
  if (expected !== payload) {
    throw new DataError(
      `${name} holds ${payload} bytes of values, expected ${expected} for its declared shape [${shape.join(', ')}].`,
    );
  }
  // a copy, aligned for wider types (slice would be a view where the bytes are a Buffer)
  const aligned = new Uint8Array(bytes.subarray(header.start));
  if (header.bigEndian) swapBytes(aligned, header.bytes);
  const [dtype, values] = decode(aligned, header, name);
  return { name, shape, dtype, values: header.fortran && shape.length > 1 ? toRowMajor(values, shape) : values };
}

function readHeader(bytes: Uint8Array, name: string): Header {
  const latin = new TextDecoder('latin1');
  if (bytes.length < 12 || bytes[0] !== 0x93 || latin.decode(bytes.subarray(1, 6)) !== 'NUMPY') {
    throw new DataError(`${name} is not an array in numpy's format.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3) throw new DataError(`${name} has npy version ${version}, expected 1, 2 or 3.`);
  const begin = version === 1 ? 10 : 12;
  const start = begin + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) throw new DataError(`${name} is cut off within its header.`);
  const text = latin.decode(bytes.subarray(begin, start));
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) throw new DataError(`${name} has a header that cannot be read.`);
  return { ...readType(text, name), fortran: order === 'True', shape: readShape(sizes, name), start };
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

function readType(header: string, name: string): Pick<Header, 'kind' | 'bytes' | 'bigEndian'> {
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

function decode(bytes: Uint8Array, header: Header, name: string): [RawType, NumericArray] {
  const { buffer } = bytes;
  switch (`${header.kind}${header.bytes}`) {
    case 'b1':
      return ['bool', bytes.map((value) => (value === 0 ? 0 : 1))];
    case 'u1':
      return ['uint8', bytes];
    case 'i1':
      return ['int8', new Int8Array(buffer)];
    case 'u2':
      return ['uint16', new Uint16Array(buffer)];
    case 'i2':
      return ['int16', new Int16Array(buffer)];
    case 'u4':
      return ['uint32', new Uint32Array(buffer)];
    case 'i4':
      return ['int32', new Int32Array(buffer)];
    case 'f2':
      return ['float32', Float32Array.from(new Uint16Array(buffer), fromHalf)];
    case 'f4':
      return ['float32', new Float32Array(buffer)];
    case 'f8':
      return ['float64', new Float64Array(buffer)];
    default:
      return decode64(new Int32Array(buffer), header.kind === 'u', name);
  }
}

/** 64-bit integers as int32 where all fit, else as float64 up to 2^53. Words come low half first. */
function decode64(words: Int32Array, unsigned: boolean, name: string): [RawType, NumericArray] {
  const n = words.length / 2;
  const small = new Int32Array(n);
  let fits = true;
  for (let i = 0; i < n && fits; i++) {
    small[i] = words[2 * i];
    fits = words[2 * i + 1] === (unsigned ? 0 : words[2 * i] >> 31) && (!unsigned || words[2 * i] >= 0);
  }
  if (fits) return ['int32', small];
  const large = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const high = unsigned ? words[2 * i + 1] >>> 0 : words[2 * i + 1];
    large[i] = high * 2 ** 32 + (words[2 * i] >>> 0);
    if (Math.abs(large[i]) > 2 ** 53) {
      throw new DataError(`${name} holds the integer ${large[i]} at flat position ${i}, expected at most 2^53.`);
    }
  }
  return ['float64', large];
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
  const buffer = Buffer.from(bytes.buffer);
  if (width === 2) buffer.swap16();
  if (width === 4) buffer.swap32();
  if (width === 8) buffer.swap64();
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
