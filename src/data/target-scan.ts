import { DataError } from '../errors.js';
import { BYTE_LIMIT } from './bytes.js';
import { contentHash } from './hash.js';
import type { InputArray, NumericArray, RawArray } from './raw.js';
import { checkFinite, product } from './raw.js';
import type { StoredArray } from './stored.js';
import { eachBlock, isStored } from './stored.js';
import type { HostArray } from './types.js';

/** A target that stays in its file; read as float32 [N, …]. */
export interface StoredTarget {
  readonly shape: readonly number[];
  readonly stored: StoredArray;
  /** Place of the largest value of each example, [N]. */
  readonly classes: Int32Array;
  /** Of its values as float32. */
  readonly digest: string;
}

/** Begins the digest of a target. */
export const TARGET_LABEL = 'target';

/** Rows of soft class shares may miss a sum of 1 by float32 rounding over a thousand classes. */
const SUM_TOLERANCE = 1e-3;

/** What decides what a target is, from one look at each value. */
export interface TargetFacts {
  /** First value outside 0..1. */
  readonly outside?: { readonly position: number; readonly value: number };
  /** First row over the classes that does not sum to 1. */
  readonly badSum?: { readonly row: number; readonly sum: number };
  readonly zeroOne: boolean;
  /** Every row over the classes is all 0 but for a single 1. */
  readonly oneHot: boolean;
  /** Place of the largest value of each row over the classes, and the digest; for stored arrays only. */
  readonly classes?: Int32Array;
  readonly digest?: string;
}

export function isStoredTarget(target: HostArray | StoredTarget): target is StoredTarget {
  return 'stored' in target;
}

/**
 * Goes over a target's values once.
 *
 * @param shape fitted to the model's output
 * @param units size of its last axis
 * @throws DataError at the first value that is not a finite float32 number
 */
export async function scanTarget(array: InputArray, shape: readonly number[], units: number): Promise<TargetFacts> {
  const hash = isStored(array) ? contentHash(TARGET_LABEL, shape) : undefined;
  const rows = isStored(array) && shape.length === 2 ? shape[0] : 0;
  const facts = factFinder(units, rows);
  await eachBlock(array, ({ start, values }) => {
    checkFinite(array, values, start);
    hash?.add(values instanceof Float32Array ? values : Float32Array.from(values));
    facts.add(values, start);
  });
  return { ...facts.finish(), ...(hash === undefined ? {} : { digest: hash.finish() }) };
}

/** Collects facts value by value, since a block may end within a row. */
function factFinder(
  units: number,
  rows: number,
): { add: (values: NumericArray, start: number) => void; finish: () => TargetFacts } {
  const classes = new Int32Array(rows);
  let outside: TargetFacts['outside'];
  let badSum: TargetFacts['badSum'];
  let [zeroOne, oneHot] = [true, true];
  let [sum, most] = [0, -Infinity];
  const endRow = (row: number): void => {
    if (badSum === undefined && !(Math.abs(sum - 1) <= SUM_TOLERANCE)) badSum = { row, sum };
    if (sum !== 1) oneHot = false;
    [sum, most] = [0, -Infinity];
  };
  const add = (values: NumericArray, start: number): void => {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      const place = (start + i) % units;
      if (value !== 0 && value !== 1) zeroOne = false;
      if (outside === undefined && (value < 0 || value > 1)) outside = { position: start + i, value };
      if (value > most) {
        most = value;
        if (rows > 0) classes[(start + i - place) / units] = place;
      }
      sum += value;
      if (place === units - 1) endRow((start + i - place) / units);
    }
  };
  const finish = (): TargetFacts => ({
    zeroOne,
    oneHot: oneHot && zeroOne,
    ...(outside === undefined ? {} : { outside }),
    ...(badSum === undefined ? {} : { badSum }),
    ...(rows > 0 ? { classes } : {}),
  });
  return { add, finish };
}

/** Labels, one per example, take no more memory than the row numbers of a split: they are always held. */
export async function holdArray(array: InputArray): Promise<RawArray> {
  if (!isStored(array)) return array;
  const length = product(array.shape);
  const bytes = length * (array.dtype === 'float64' ? 8 : 4);
  if (bytes > BYTE_LIMIT) {
    throw new DataError(`${array.name} (the target) takes ${bytes} bytes, expected at most ${BYTE_LIMIT} in memory.`, {
      hint: 'Take fewer examples.',
    });
  }
  const values = holderOf(array, length);
  await array.eachBlock((block) => values.set(block.values, block.start));
  return { name: array.name, shape: array.shape, dtype: array.dtype, values };
}

function holderOf({ dtype }: StoredArray, length: number): NumericArray {
  if (dtype === 'float64') return new Float64Array(length);
  if (dtype === 'float32') return new Float32Array(length);
  return dtype === 'uint32' ? new Uint32Array(length) : new Int32Array(length);
}
