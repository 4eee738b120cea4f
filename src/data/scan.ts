import type { NumericArray, RawArray, RawType } from './raw.js';
import { checkFinite, extent } from './raw.js';
import type { ContentHash } from './hash.js';
import { contentHash } from './hash.js';
import { makeWholeNumberCheck, takesWholeNumbers } from './scaling.js';
import type { ModelFit } from './spec.js';
import type { StoredArray } from './stored.js';
import { eachBlock, isStored } from './stored.js';

/** What is known of an array once every value has been seen. */
export interface Scan {
  /** int32 or float64 for 64-bit integers, by their size. */
  readonly dtype: RawType;
  /** No value is above 1; looked at for uint8 only. */
  readonly zeroOne: boolean;
  /** Smallest and largest value. */
  readonly range: readonly [min: number, max: number];
  /** Of dtype, shape and values, however they are stored. */
  readonly digest: string;
}

/**
 * Goes over an input's values once, a block at a time where they are not in memory: checks them and sums them up.
 *
 * @throws DataError at the first value that is not a finite float32 number, or not a whole number where the model takes those
 */
export async function scanArray(array: RawArray | StoredArray, input: ModelFit['inputs'][number]): Promise<Scan> {
  const hash = hashOf(array);
  const whole = takesWholeNumbers(input) ? makeWholeNumberCheck(array, input) : undefined;
  const range: [min: number, max: number] = [Infinity, -Infinity];
  await eachBlock(array, ({ start, values }) => {
    checkFinite(array, values, start);
    whole?.add(values, start);
    const [min, max] = extent(values);
    range[0] = Math.min(range[0], min);
    range[1] = Math.max(range[1], max);
    hash.add(values);
  });
  whole?.finish();
  return { ...hash.finish(), zeroOne: array.dtype === 'uint8' && range[1] <= 1, range };
}

function hashOf(array: RawArray | StoredArray): {
  add: ContentHash['add'];
  finish: () => Omit<Scan, 'zeroOne' | 'range'>;
} {
  const { dtype, shape } = array;
  if (isStored(array) && array.long) return hashLong(shape);
  const hash = contentHash(dtype, shape);
  return { add: hash.add, finish: () => ({ dtype, digest: hash.finish() }) };
}

/** 64-bit integers count as int32 where all fit, which shows only at the end. */
function hashLong(shape: readonly number[]): ReturnType<typeof hashOf> {
  const large = contentHash('float64', shape);
  let small: ContentHash | undefined = contentHash('int32', shape);
  const add = (values: NumericArray): void => {
    large.add(values);
    const narrow = small === undefined ? undefined : Int32Array.from(values);
    if (narrow?.every((value, i) => value === values[i]) !== true) small = undefined;
    else if (narrow !== undefined) small?.add(narrow);
  };
  const finish = (): Omit<Scan, 'zeroOne' | 'range'> =>
    small === undefined ? { dtype: 'float64', digest: large.finish() } : { dtype: 'int32', digest: small.finish() };
  return { add, finish };
}
