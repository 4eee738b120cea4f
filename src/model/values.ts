import { ModelError } from '../errors.js';
import { quote } from './json.js';
import type { Quantization, QuantizationType, WeightSpec } from './manifest.js';

export type WeightValues = Float32Array | Int32Array | Uint8Array;

/** A quantised weight: what goes to disk, and the values that come back from there. */
export interface Quantized {
  readonly bytes: Uint8Array;
  readonly quantization: Quantization;
  readonly values: Float32Array;
}

/**
 * Decodes one weight as tfjs does.
 * @param bytes exactly `spec.size * spec.bytesPerValue` little-endian bytes.
 * @throws ModelError for NaN or Inf.
 */
export function decodeWeight(spec: WeightSpec, bytes: Uint8Array): WeightValues {
  // A copy: Buffer.slice would share memory, and typed arrays of wider numbers need an aligned start.
  const raw = new Uint8Array(bytes);
  if (spec.quantization === undefined) {
    if (spec.dtype === 'bool') return raw;
    return spec.dtype === 'int32' ? new Int32Array(raw.buffer) : finite(spec, new Float32Array(raw.buffer));
  }
  const { dtype, min = 0, scale = 1 } = spec.quantization;
  if (dtype === 'float16') return finite(spec, Float32Array.from(new Uint16Array(raw.buffer), fromFloat16));
  const codes = dtype === 'uint8' ? raw : new Uint16Array(raw.buffer);
  if (spec.dtype === 'int32') return Int32Array.from(codes, (q) => Math.round(q * scale + min));
  return finite(
    spec,
    Float32Array.from(codes, (q) => q * scale + min),
  );
}

/** Quantises float32 weights by a scheme. Affine schemes keep 0 exact where the range holds it. @throws ModelError beyond float16's range. */
export function quantize(name: string, values: Float32Array, dtype: QuantizationType): Quantized {
  if (dtype === 'float16') {
    const codes = Uint16Array.from(values, toFloat16);
    if (codes.some((code) => (code & 0x7c00) === 0x7c00)) {
      throw new ModelError(`Weight ${quote(name)} holds a value beyond ±65504, which float16 cannot hold.`);
    }
    return {
      bytes: new Uint8Array(codes.buffer),
      quantization: { dtype },
      values: Float32Array.from(codes, fromFloat16),
    };
  }
  const top = dtype === 'uint8' ? 255 : 65535;
  const { min, scale } = affineRange(values, top);
  const encode = (value: number): number => Math.min(top, Math.max(0, Math.round((value - min) / scale)));
  const codes = dtype === 'uint8' ? Uint8Array.from(values, encode) : Uint16Array.from(values, encode);
  return {
    bytes: new Uint8Array(codes.buffer),
    quantization: { dtype, min, scale },
    values: Float32Array.from(codes, (q) => q * scale + min),
  };
}

/** Scale and offset over [min, max]; where zero lies inside, the offset is moved by less than half a step so that zero is a code. */
function affineRange(values: Float32Array, top: number): { min: number; scale: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) return { min: values.length === 0 ? 0 : low, scale: 1 };
  const scale = (high - low) / top;
  return { min: low < 0 && high > 0 ? -Math.round(-low / scale) * scale : low, scale };
}

function finite(spec: WeightSpec, values: Float32Array): Float32Array {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return values;
  throw new ModelError(
    `Weight ${quote(spec.name)} holds ${String(values[index])} at index ${index}: finite numbers are expected.`,
    {
      hint: 'The training that made it diverged, or the file is damaged; take an earlier checkpoint.',
    },
  );
}

/** IEEE 754 binary16 to a number. */
export function fromFloat16(code: number): number {
  const sign = code & 0x8000 ? -1 : 1;
  const exponent = (code >> 10) & 0x1f;
  const fraction = code & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16, to nearest, ties to even. */
export function toFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  // log2 rounds; the mantissa says which power of two the value is really under.
  const power = size < 2 ** exponent ? exponent - 1 : size >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  // A mantissa that rounds up to 1024 carries into the exponent, which is what the sum does.
  return sign | (((power + 15) << 10) + roundEven((size / 2 ** power - 1) * 1024));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
