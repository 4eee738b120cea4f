import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random/index.js';
import type { KernelInfo } from './kernels.js';
import { Moments } from './moments.js';
import { patchesAt } from './patches.js';

/** One position of every `share`, at random within its stretch. */
export function thinOut(count: number, share: number, random: Random): Int32Array {
  const kept = Math.max(1, Math.round(count / share));
  if (kept >= count) return Int32Array.from({ length: count }, (_, i) => i);
  return Int32Array.from({ length: kept }, (_, i) => Math.floor(((i + random.uniform()) * count) / kept));
}

/**
 * What a kernel is multiplied with at chosen positions: rows of a Dense's input, patches of a convolution's.
 * @param output the layer's output shape, the batch first
 * @returns [chosen, kernel.rows]
 */
export function inputsAt(
  kernel: KernelInfo,
  values: ArrayLike<number>,
  input: readonly number[],
  output: readonly number[],
  chosen: Int32Array,
): Float32Array {
  if (kernel.window === null) return gatherRows(values, kernel.rows, chosen);
  const [batch, height, width] = input;
  const channels = input.at(-1)!;
  const flat = input.length === 3;
  const places = [output[1], flat ? 1 : output[2]] as const;
  return patchesAt(values, [batch, height, flat ? 1 : width, channels], kernel.window, places, chosen);
}

function gatherRows(values: ArrayLike<number>, size: number, chosen: Int32Array): Float32Array {
  const rows = new Float32Array(chosen.length * size);
  chosen.forEach((row, at) => {
    for (let i = 0; i < size; i++) rows[at * size + i] = values[row * size + i];
  });
  return rows;
}

/**
 * Adds vectors in rows to the moments of a layer; those are made with the first, whose mean is then the shift of all.
 * @param centered false: no shift, second moments about 0
 */
export async function addProducts(
  all: Map<string, Moments>,
  layer: string,
  rows: Float32Array,
  size: number,
  centered: boolean,
): Promise<void> {
  const count = rows.length / size;
  const moments = all.get(layer) ?? new Moments(centered ? meanRow(rows, size) : new Float32Array(size));
  all.set(layer, moments);
  const [sum, products] = tf.tidy(() => {
    const shifted = tf.sub<tf.Tensor2D>(tf.tensor2d(rows, [count, size]), tf.tensor2d(moments.shift, [1, size]));
    return [tf.sum(shifted, 0), tf.matMul(shifted, shifted, true, false)];
  });
  moments.add(count, await sum.data(), await products.data());
  tf.dispose([sum, products]);
}

function meanRow(rows: Float32Array, size: number): Float32Array {
  const sums = new Float64Array(size);
  for (let at = 0; at < rows.length; at++) sums[at % size] += rows[at];
  return Float32Array.from(sums, (sum) => (sum * size) / rows.length);
}
