import { createRandom, deriveSeed } from '../../random/index.js';

/** Rows of select, cut in two: one half steers the search, the other judges what it found. */
export interface Halves {
  /** Ascending. */
  readonly steering: Int32Array;
  /** Ascending; the larger by one where they differ. */
  readonly bounding: Int32Array;
}

/**
 * Cuts rows in two at random, by seed. A split does not say which rows belong together: rows of one `groupBy` group may stand in both
 * halves, which makes them more alike than new groups would be.
 */
export function halvesOf(rows: number, seed: number): Halves {
  const order = createRandom(deriveSeed(seed, 'halves of select')).permutation(rows);
  const middle = Math.floor(rows / 2);
  return { steering: order.slice(0, middle).sort(), bounding: order.slice(middle).sort() };
}

/** Some of the numbers. */
export function pickRows(values: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]);
}
