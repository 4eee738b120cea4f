import { DataError } from '../errors.js';
import type { NumericArray, RawArray } from './raw.js';
import { extent, product, showPosition } from './raw.js';
import type { ModelFit, OneFileSpec, OwnFilesSpec } from './spec.js';
import type { HostArray } from './types.js';

/** How values are turned into what the model reads: `(value * scale / divide - mean) / std`, per feature where arrays are given. */
export interface Scaling {
  readonly scale: number;
  readonly divide: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** One model input: where it stands, and how its array is read. */
export interface FittedInput {
  readonly index: number;
  readonly sizes: readonly number[];
  readonly scaling: Scaling;
  readonly int32: boolean;
}

const AS_IS: Scaling = { scale: 1, divide: 1, mean: [0], std: [1] };

type ScaleSpec = Pick<OneFileSpec & OwnFilesSpec, 'scale' | 'mean' | 'std'>;

/**
 * Decides the scaling of one model input over all files.
 *
 * @param arrays that input's array of each file
 * @param sizes one example's, fitted to the model
 * @returns the scaling and what is to be printed about it
 * @throws DataError for a mean or std of the wrong length or zero, or scaling of an input that takes whole numbers
 */
export function decideScaling(
  spec: ScaleSpec,
  fit: ModelFit,
  input: ModelFit['inputs'][number],
  arrays: readonly RawArray[],
  sizes: readonly number[],
): { scaling: Scaling; notes: readonly string[] } {
  const whole = takesWholeNumbers(input);
  const told = spec.scale !== undefined || spec.mean !== undefined || spec.std !== undefined;
  // with several inputs, those that can be scaled are
  if (whole && told && fit.inputs.length === 1) {
    throw new DataError(`The model's input '${input.name}' takes whole numbers, so it cannot be scaled.`);
  }
  if (whole) return { scaling: AS_IS, notes: [] };
  if (spec.scale !== undefined && !(Number.isFinite(spec.scale) && spec.scale !== 0)) {
    throw new DataError(`The scale is ${spec.scale}, expected a finite number other than 0.`);
  }
  const pixels =
    spec.scale === undefined && arrays.every((array) => array.dtype === 'uint8' && !isZeroOne(array.values));
  const divide = pixels && !fit.firstLayerRescales ? 255 : 1;
  const scaling = {
    scale: spec.scale ?? 1,
    divide,
    mean: readFeatures(spec.mean ?? 0, sizes, 'mean'),
    std: readFeatures(spec.std ?? 1, sizes, 'std'),
  };
  if (scaling.std.includes(0)) throw new DataError('The std is 0 for some feature, expected numbers other than 0.');
  return { scaling, notes: describe(spec, scaling, pixels) };
}

/** An Embedding or an int32 input reads it. */
export function takesWholeNumbers(input: ModelFit['inputs'][number]): boolean {
  return input.dtype === 'int32' || input.indexRange !== undefined;
}

/** Throws DataError at the first value that is no whole number, or outside an Embedding's rows. */
export function checkWholeNumbers(array: RawArray, input: ModelFit['inputs'][number]): void {
  const below = input.indexRange ?? 2 ** 31;
  const least = input.indexRange === undefined ? -(2 ** 31) : 0;
  const bad = array.values.findIndex((value) => !Number.isInteger(value) || value < least || value >= below);
  if (bad < 0) return;
  throw new DataError(
    `${showPosition(array, bad)} is ${array.values[bad]}, expected a whole number from ${least} to ${below - 1} for the model's input '${input.name}'.`,
  );
}

/** Rows of one array, scaled: float32 [rows, …sizes], or int32 where the model takes that. */
export type Gather = (rows: Int32Array) => HostArray;

/** Prepares reading of rows; the array stays in its own dtype. */
export function makeGather(array: RawArray, sizes: readonly number[], scaling: Scaling, int32: boolean): Gather {
  const width = product(sizes);
  const { values } = array;
  const convert = makeConvert(values, scaling);
  return (rows) => {
    const out = int32 ? new Int32Array(rows.length * width) : new Float32Array(rows.length * width);
    for (let i = 0; i < rows.length; i++) convert(values, rows[i] * width, out, i * width, width);
    return { shape: [rows.length, ...sizes], values: out };
  };
}

type Convert = (
  from: NumericArray,
  start: number,
  to: Float32Array | Int32Array,
  offset: number,
  length: number,
) => void;

function makeConvert(values: NumericArray, { scale, divide, mean, std }: Scaling): Convert {
  const features = Math.max(mean.length, std.length);
  const one = (value: number, feature: number): number =>
    ((value * scale) / divide - mean[feature % mean.length]) / std[feature % std.length];
  if (features > 1) {
    return (from, start, to, offset, length) => {
      for (let i = 0; i < length; i++) to[offset + i] = one(from[start + i], i % features);
    };
  }
  if (scale === 1 && divide === 1 && mean[0] === 0 && std[0] === 1) {
    return (from, start, to, offset, length) => to.set(from.subarray(start, start + length), offset);
  }
  if (values instanceof Uint8Array) {
    // 256 values can occur: each is worked out once
    const table = Float32Array.from({ length: 256 }, (_, value) => one(value, 0));
    return (from, start, to, offset, length) => {
      for (let i = 0; i < length; i++) to[offset + i] = table[from[start + i]];
    };
  }
  return (from, start, to, offset, length) => {
    for (let i = 0; i < length; i++) to[offset + i] = one(from[start + i], 0);
  };
}

/** One number, or one per position of the last axis, or one per value of an example. */
function readFeatures(given: number | readonly number[], sizes: readonly number[], what: string): readonly number[] {
  const list = typeof given === 'number' ? [given] : given;
  const last = sizes.at(-1) ?? 1;
  if (!list.every(Number.isFinite)) throw new DataError(`The ${what} holds a value that is not a finite number.`);
  if (list.length === 1 || list.length === last || list.length === product(sizes)) return list;
  throw new DataError(
    `The ${what} has ${list.length} numbers, expected 1 or ${last}, one per position of the last axis.`,
  );
}

function isZeroOne(values: NumericArray): boolean {
  return extent(values)[1] <= 1;
}

function describe(spec: ScaleSpec, scaling: Scaling, pixels: boolean): string[] {
  const notes: string[] = [];
  if (spec.scale !== undefined) notes.push(`inputs multiplied by ${spec.scale}`);
  else if (scaling.divide === 255) notes.push('uint8 pixels scaled by 1/255');
  else if (pixels) notes.push('uint8 pixels left as they are: the model begins with a Rescaling layer');
  const shown = [spec.mean === undefined ? '' : 'mean', spec.std === undefined ? '' : 'std'].filter(
    (word) => word !== '',
  );
  if (shown.length > 0) notes.push(`inputs standardised by the given ${shown.join(' and ')}`);
  return notes;
}
