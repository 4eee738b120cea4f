import { DataError } from '../errors.js';
import type { Memory, StoredArray } from './stored.js';

export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export type RawType = 'bool' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** An array as it stands in a file, in its own dtype (bool as bytes of 0 and 1), C order, examples first. */
export interface RawArray {
  /** For messages: "x of set.npz". */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: RawType;
  readonly values: NumericArray;
}

/** A column of words, as a string target stands in a table. */
export interface TextColumn {
  readonly name: string;
  /** Place in `words`, per example. */
  readonly codes: Int32Array;
  /** In order of appearance. */
  readonly words: readonly string[];
  /** Where each word is first met: "line 7". */
  readonly places: readonly string[];
}

/** Values in memory, or in their file where they are many. */
export type InputArray = RawArray | StoredArray;

export type RawTarget = InputArray | TextColumn;

/** Examples with one array per model input. */
export interface RawPart {
  readonly inputs: readonly InputArray[];
  readonly target?: RawTarget;
  /** What rows are grouped by, one value each. */
  readonly groups?: RawTarget;
  /** What was left out, to be printed. */
  readonly notes?: readonly string[];
}

/** What a file or folder holds: `whole` is to be cut, `test` to be halved into select and report. */
export type RawParts = Partial<Record<'whole' | 'train' | 'test' | 'select' | 'report', RawPart>>;

/** What a reader has to know. `target` is a name or `self`. */
export interface ReadRequest {
  readonly inputs?: readonly string[];
  readonly target?: string;
  /** Name of the column or array whose equal values stay together. */
  readonly groupBy?: string;
  /** What stays in its file; the defaults when absent. */
  readonly memory?: Memory;
  /** Names and shapes (batch first) of the model's inputs. */
  readonly model: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[];
}

export function isText(target: RawTarget): target is TextColumn {
  return 'words' in target;
}

/** Number of examples. */
export function rowsOf(target: RawTarget): number {
  return isText(target) ? target.codes.length : target.shape[0];
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** `[N, 28, 28]`, the batch written as N. */
export function showShape(sizes: readonly (number | null)[]): string {
  return `[${['N', ...sizes.map((size) => size ?? 'any')].join(', ')}]`;
}

/** `x[12, 3]` for the flat position of a value. */
export function showPosition(array: Pick<RawArray, 'name' | 'shape'>, position: number): string {
  const index: number[] = [];
  let rest = position;
  for (const size of array.shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `${array.name} at [${index.join(', ')}]`;
}

const FLOAT32_MAX = 3.4028234663852886e38;

/**
 * Throws DataError that names the first value that is NaN, infinite, or too large for float32.
 *
 * @param start flat position of the first of the values
 */
export function checkFinite(array: Omit<RawArray, 'values'>, values: NumericArray, start = 0): void {
  if (array.dtype !== 'float32' && array.dtype !== 'float64') return;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]) <= FLOAT32_MAX) continue;
    throw new DataError(`${showPosition(array, start + i)} is ${values[i]}, expected a finite float32 number.`, {
      hint: 'Drop such rows or fill the values in first.',
    });
  }
}

/** Smallest and largest value; [Infinity, -Infinity] of nothing. */
export function extent(values: NumericArray): [min: number, max: number] {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}
