import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';

/** Where the masked axis stands, and which unit each of its positions belongs to. */
export interface PrefixMaskOptions {
  /** The axis of the features; negative counts from the end. Default -1. */
  readonly axis?: number;
  /**
   * Unit index of each position, length `size`; -1 is never dropped. For an axis that holds several features' positions, such as
   * a flattened image or a concatenation. Default: position j is unit j.
   */
  readonly units?: Int32Array | null;
}

/**
 * The mask that keeps the first ks[b] units of example b: ones and zeros, [B, 1, …, size, …, 1].
 *
 * Filled on the host: composed from tensor operations the same mask is up to thirty times slower.
 *
 * @param ks units kept, one per example, each 0..number of units
 * @param size length of the masked axis
 * @param rank rank of the tensor to be masked, batch axis included
 * @throws UsageError when `units` does not have `size` entries, or the axis is the batch or outside the rank
 */
export function prefixMask(ks: Int32Array, size: number, rank: number, options: PrefixMaskOptions = {}): tf.Tensor {
  const axis = resolveAxis('axis', options.axis ?? -1, rank);
  if (axis === 0) throw new UsageError(`The masked axis must not be the batch axis 0, received ${options.axis}.`);
  const shape = Array.from({ length: rank }, (_, i) => (i === 0 ? ks.length : i === axis ? size : 1));
  return maskOf(ks, shape, { axis, batchAxes: [0], units: options.units ?? null });
}

/** What a mask spans: an axis from 0 up, the batch axes in rising order (none where one k serves all), units as in the options. */
export interface MaskSpan {
  readonly axis: number;
  readonly batchAxes: readonly number[];
  readonly units: Int32Array | null;
}

/** The mask for a tensor of that shape, 1 long along every axis but the batch's and the features'. @throws UsageError as prefixMask does */
export function maskOf(ks: Int32Array, shape: readonly number[], { axis, batchAxes, units }: MaskSpan): tf.Tensor {
  const size = shape[axis];
  if (units !== null && units.length !== size) {
    throw new UsageError(`units must name a unit for each of ${size} positions, received ${units.length}.`);
  }
  const inner = batchAxes.filter((dim) => dim > axis).reduce((product, dim) => product * shape[dim], 1);
  const maskShape = shape.map((length, dim) => (dim === axis || batchAxes.includes(dim) ? length : 1));
  return tf.tensor(units === null ? fillPrefixes(ks, size, inner) : fillUnits(ks, units), maskShape, 'float32');
}

/**
 * Multiplies by a mask of `prefixMask`. The gradient to x is the mask. A NaN or Inf in a dropped feature stays NaN; see `keepPrefixes`
 * and `keepFirst`.
 */
export function applyMask(x: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  return tf.mul(x, mask);
}

/**
 * Rows of ones then zeros: entry (o, j, i) of [B / inner, size, inner] is 1 where j < ks[o inner + i]. inner > 1 is for masks
 * whose batch axes do not all stand before the feature axis.
 */
function fillPrefixes(ks: Int32Array, size: number, inner = 1): Float32Array {
  const mask = new Float32Array(ks.length * size);
  for (let row = 0; row < ks.length; row++) {
    const start = Math.floor(row / inner) * size * inner + (row % inner);
    if (inner === 1) mask.fill(1, start, start + ks[row]);
    else for (let j = 0; j < ks[row]; j++) mask[start + j * inner] = 1;
  }
  return mask;
}

/** An axis as 0..rank-1. @throws UsageError outside -rank..rank-1 */
export function resolveAxis(name: string, axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new UsageError(`${name} must lie within ${-rank}..${rank - 1} for a tensor of rank ${rank}, received ${axis}.`);
}

function fillUnits(ks: Int32Array, units: Int32Array): Float32Array {
  const size = units.length;
  const mask = new Float32Array(ks.length * size);
  for (let row = 0; row < ks.length; row++) {
    const k = ks[row];
    // -1 < k always: a position of no unit is kept
    for (let j = 0; j < size; j++) if (units[j] < k) mask[row * size + j] = 1;
  }
  return mask;
}
