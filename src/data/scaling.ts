import { DataError } from '../errors.js';
import type { InputArray, NumericArray, RawArray } from './raw.js';
import { product, showPosition } from './raw.js';
import type { Scan } from './scan.js';
import type { ModelFit, OneFileSpec, OwnFilesSpec } from './spec.js';
import { isStored } from './stored.js';
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

/** How scaling is decided once all values have been seen: what was given is checked before. */
export type DecideScaling = (scans: readonly Scan[]) => { scaling: Scaling; notes: readonly string[] };

/**
 * Prepares the scaling of one model input over all files.
 *
 * @param sizes one example's, fitted to the model
 * @returns what decides, given that input's array of each file, the scaling and what is to be printed about it
 * @throws DataError for a mean or std of the wrong length or zero, or scaling of an input that takes whole numbers
 */
export function prepareScaling(
  spec: ScaleSpec,
  fit: ModelFit,
  input: ModelFit['inputs'][number],
  sizes: readonly number[],
): DecideScaling {
  const whole = takesWholeNumbers(input);
  const told = spec.scale !== undefined || spec.mean !== undefined || spec.std !== undefined;
  // with several inputs, those that can be scaled are
  if (whole && told && fit.inputs.length === 1) {
    throw new DataError(`The model's input '${input.name}' takes whole numbers, so it cannot be scaled.`, {
      hint: 'Leave scale, mean and std out.',
    });
  }
  if (whole) return () => ({ scaling: AS_IS, notes: [] });
  if (spec.scale !== undefined && !(Number.isFinite(spec.scale) && spec.scale !== 0)) {
    throw new DataError(`The scale is ${spec.scale}, expected a finite number other than 0.`);
  }
  const mean = readFeatures(spec.mean ?? 0, sizes, 'mean');
  const std = readFeatures(spec.std ?? 1, sizes, 'std');
  if (std.includes(0)) {
    throw new DataError('The std is 0 for some feature, expected numbers other than 0.', {
      hint: 'Give 1 for a feature that never changes.',
    });
  }
  return (scans) => {
    const pixels = spec.scale === undefined && scans.every(({ dtype, zeroOne }) => dtype === 'uint8' && !zeroOne);
    const divide = pixels && !fit.firstLayerRescales ? 255 : 1;
    const scaling = { scale: spec.scale ?? 1, divide, mean, std };
    const isTold = told || pixels;
    return { scaling, notes: isTold ? describe(spec, scaling, pixels) : [asTheyAre(scans, fit, input)] };
  };
}

/** An Embedding or an int32 input reads it. */
export function takesWholeNumbers(input: ModelFit['inputs'][number]): boolean {
  return input.dtype === 'int32' || input.indexRange !== undefined;
}

/** Looks for the first value that is no whole number, or outside an Embedding's rows; `finish` throws DataError for it. */
export function makeWholeNumberCheck(
  array: Pick<RawArray, 'name' | 'shape'>,
  input: ModelFit['inputs'][number],
): { add: (values: NumericArray, start: number) => void; finish: () => void } {
  const below = input.indexRange ?? 2 ** 31;
  const least = input.indexRange === undefined ? -(2 ** 31) : 0;
  let found: { readonly position: number; readonly value: number } | undefined;
  const add = (values: NumericArray, start: number): void => {
    if (found !== undefined) return;
    const bad = values.findIndex((value) => !Number.isInteger(value) || value < least || value >= below);
    if (bad >= 0) found = { position: start + bad, value: values[bad] };
  };
  const finish = (): void => {
    if (found === undefined) return;
    throw new DataError(
      `${showPosition(array, found.position)} is ${found.value}, expected a whole number from ${least} to ${below - 1} for the model's input '${input.name}'.`,
    );
  };
  return { add, finish };
}

/** Rows of one array, scaled: float32 [rows, …sizes], or int32 where the model takes that. */
export type Gather = (rows: Int32Array) => Promise<HostArray>;

/** Prepares reading of rows; the array stays in its own dtype, in memory or in its file. */
export function makeGather(
  array: Exclude<InputArray, RawArray> | Pick<RawArray, 'dtype' | 'values'>,
  sizes: readonly number[],
  scaling: Scaling = AS_IS,
  int32 = false,
): Gather {
  const width = product(sizes);
  const convert = makeConvert(array.dtype === 'uint8' || array.dtype === 'bool', scaling);
  return async (rows) => {
    const out = int32 ? new Int32Array(rows.length * width) : new Float32Array(rows.length * width);
    if (isStored(array)) {
      await array.eachRow(rows, (values, from, index, at, length) =>
        convert(values, from, out, index * width, at, length),
      );
    } else {
      for (let i = 0; i < rows.length; i++) convert(array.values, rows[i] * width, out, i * width, 0, width);
    }
    return { shape: [rows.length, ...sizes], values: out };
  };
}

/** Converts `length` values of an example whose first value goes to `offset`, from the example's value `at` on. */
type Convert = (
  from: NumericArray,
  start: number,
  to: Float32Array | Int32Array,
  offset: number,
  at: number,
  length: number,
) => void;

function makeConvert(bytes: boolean, { scale, divide, mean, std }: Scaling): Convert {
  const features = Math.max(mean.length, std.length);
  const one = (value: number, feature: number): number =>
    ((value * scale) / divide - mean[feature % mean.length]) / std[feature % std.length];
  if (features > 1) {
    return (from, start, to, offset, at, length) => {
      for (let i = 0; i < length; i++) to[offset + at + i] = one(from[start + i], (at + i) % features);
    };
  }
  if (scale === 1 && divide === 1 && mean[0] === 0 && std[0] === 1) {
    return (from, start, to, offset, at, length) => to.set(from.subarray(start, start + length), offset + at);
  }
  if (bytes) {
    // 256 values can occur: each is worked out once
    const table = Float32Array.from({ length: 256 }, (_, value) => one(value, 0));
    return (from, start, to, offset, at, length) => {
      for (let i = 0; i < length; i++) to[offset + at + i] = table[from[start + i]];
    };
  }
  return (from, start, to, offset, at, length) => {
    for (let i = 0; i < length; i++) to[offset + at + i] = one(from[start + i], 0);
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

/** Many a wrong figure comes from a scale that nobody looked at. */
function asTheyAre(scans: readonly Scan[], fit: ModelFit, input: ModelFit['inputs'][number]): string {
  const [min, max] = [
    Math.min(...scans.map(({ range }) => range[0])),
    Math.max(...scans.map(({ range }) => range[1])),
  ].map((value) => Number(value.toPrecision(4)));
  const whose = fit.inputs.length === 1 ? '' : ` of '${input.name}'`;
  return `values${whose} used as they are, from ${min} to ${max}`;
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
