import * as tf from '@tensorflow/tfjs';

import { applyMask, maskOf, type PrefixMaskOptions, resolveAxis } from './prefix-mask.js';

/** Name of the kernel that a backend may bring; its gradient is itself. Inputs: x, float32. */
export const KEEP_PREFIXES = 'KeepPrefixes';

/** Name of another: inputs x, float32, and kept, bool, which broadcasts; x where kept, 0 elsewhere. */
export const SELECT_OR_ZERO = 'SelectOrZero';

/** x seen as [ks.length, repeat, size, inner]: entry (b, r, j, i) stays where units[j] < ks[b], and becomes 0 elsewhere. */
export interface KeepPrefixesAttributes {
  readonly ks: Int32Array;
  readonly repeat: number;
  readonly size: number;
  readonly inner: number;
  /** Unit of each of `size` positions, -1 for one that always stays; null: position j is unit j. */
  readonly units: Int32Array | null;
}

export interface KeepPrefixesOptions extends PrefixMaskOptions {
  /** Axes along which each entry has a k of its own. Default [0]; where one k serves all, none. */
  readonly batchAxes?: readonly number[];
}

/**
 * Keeps the first units of each example and puts zeros behind them. Without a mask on backends that have a kernel for it
 * (wasm, cpu: a NaN or Inf in what is dropped becomes 0); elsewhere by multiplying with `prefixMask` (it may stay NaN).
 *
 * @param ks units kept, one per entry of the batch axes in the order of x (or one for all), each 0..number of units
 * @throws UsageError when `units` does not have an entry for each position, or the axis is a batch axis or outside the rank
 */
export function keepPrefixes(x: tf.Tensor, ks: Int32Array, options: KeepPrefixesOptions = {}): tf.Tensor {
  const axis = resolveAxis('axis', options.axis ?? -1, x.rank);
  const batchAxes = ks.length === 1 ? [] : (options.batchAxes ?? [0]).toSorted((a, b) => a - b);
  const units = options.units ?? null;
  const leading = batchAxes.every((batchAxis, i) => batchAxis === i) && axis >= batchAxes.length;
  const fits =
    ks.length === (batchAxes.length === 0 ? 1 : product(x.shape.slice(0, batchAxes.length))) &&
    (units === null || units.length === x.shape[axis]);
  if (leading && fits && takes(x)) return runKernel(x, ks, axis, batchAxes.length, units);
  if (fits && x.rank === 2 && axis === 1 && selects(x)) return select(x, ks, units);
  return tf.tidy(() => applyMask(x, maskOf(ks, x.shape, { axis, batchAxes, units })));
}

function runKernel(x: tf.Tensor, ks: Int32Array, axis: number, batchAxes: number, units: Int32Array | null): tf.Tensor {
  const attributes: KeepPrefixesAttributes = {
    ks,
    repeat: product(x.shape.slice(batchAxes, axis)),
    size: x.shape[axis],
    inner: product(x.shape.slice(axis + 1)),
    units,
  };
  return tf.engine().runKernel(KEEP_PREFIXES, { x }, attributes as unknown as tf.NamedAttrMap);
}

/**
 * Keeps the first k features along an axis and puts zeros behind them, whatever stood there, NaN and Inf too.
 *
 * @param k 0..x.shape[axis]
 */
export function keepFirst(x: tf.Tensor, k: number, axis = -1): tf.Tensor {
  return tf.tidy(() => {
    const dim = resolveAxis('axis', axis, x.rank);
    const n = x.shape[dim];
    if (k === n) return tf.clone(x);
    if (k === 0) return tf.zerosLike(x);
    if (takes(x)) return keepPrefixes(x, Int32Array.of(k), { axis: dim });
    const size = x.shape.map((length, i) => (i === dim ? k : length));
    const padding = x.shape.map((_, i): [number, number] => [0, i === dim ? n - k : 0]);
    return tf.pad(
      tf.slice(
        x,
        x.shape.map(() => 0),
        size,
      ),
      padding,
    );
  });
}

/** Whether the current backend has a kernel for it. */
function takes(x: tf.Tensor): boolean {
  return x.dtype === 'float32' && x.size > 0 && Boolean(tf.getKernel(KEEP_PREFIXES, tf.getBackend()));
}

tf.registerGradient({
  kernelName: KEEP_PREFIXES,
  gradFunc: (dy, _, attributes) => ({
    x: () => tf.engine().runKernel(KEEP_PREFIXES, { x: dy as tf.Tensor }, attributes),
  }),
});

/** Comparing and selecting take less time than a large mask takes to be filled and uploaded; for small ones and broadcasts they do not. */
function selects(x: tf.Tensor): boolean {
  return x.size >= 262_144 && x.dtype === 'float32' && Boolean(tf.getKernel(SELECT_OR_ZERO, tf.getBackend()));
}

/** Of x [rows, size], one k a row or one for all. */
function select(x: tf.Tensor, ks: Int32Array, units: Int32Array | null): tf.Tensor {
  const positions = units ?? Int32Array.from({ length: x.shape[1]! }, (_, j) => j);
  return tf.tidy(() => {
    const kept = tf.less(tf.tensor2d(positions, [1, positions.length]), tf.tensor2d(ks, [ks.length, 1]));
    return tf.engine().runKernel(SELECT_OR_ZERO, { x, kept });
  });
}

tf.registerGradient({
  kernelName: SELECT_OR_ZERO,
  inputsToSave: ['kept'],
  gradFunc: (dy, [kept]) => ({ x: () => tf.engine().runKernel(SELECT_OR_ZERO, { x: dy as tf.Tensor, kept }) }),
});

function product(sizes: readonly number[]): number {
  return sizes.reduce((result, size) => result * size, 1);
}
