import * as tf from '@tensorflow/tfjs';

import { balancedFactors, truncateKernel } from '../bases/rank.js';
import type { RankBasis } from '../bases/types.js';
import type { Before, JsonObject } from './rebuild.js';

/** What the first of the two layers is called: the original's name with this behind it. */
const FACTOR_SUFFIX = '_factor';

/** The numbers of the two layers, in the shapes of their weights. */
export interface Halves {
  readonly basis: RankBasis;
  readonly k: number;
  readonly first: Float32Array;
  readonly firstBias: Float32Array | null;
  readonly firstShape: number[];
  readonly second: Float32Array;
  readonly secondBias: Float32Array | null;
  readonly secondShape: number[];
}

/** tfjs-layers hides the weights of a layer from its types. */
export function kernelOf(layer: tf.layers.Layer): tf.LayerVariable {
  return (layer as unknown as { readonly kernel: tf.LayerVariable }).kernel;
}

export function biasOf(layer: tf.layers.Layer): tf.LayerVariable | null {
  return (layer as unknown as { readonly bias?: tf.LayerVariable | null }).bias ?? null;
}

export function halvesOf(layer: tf.layers.Layer, basis: RankBasis, k: number, centered: boolean): Halves {
  const { left, right } = balancedFactors(basis, k);
  const { biasShift } = truncateKernel(basis, k);
  const old = biasOf(layer)?.read().dataSync();
  const cols = basis.kernelShape.at(-1)!;
  const bias = old === undefined && biasShift === null ? null : new Float64Array(cols);
  bias?.forEach((_, j) => (bias[j] = (old?.[j] ?? 0) + (biasShift?.[j] ?? 0)));
  const inner = centered && basis.mean !== null ? product(basis.mean, left, k) : null;
  if (inner !== null) product(inner, right, cols).forEach((made, j) => (bias![j] += made));
  return {
    basis,
    k,
    first: left,
    firstBias: inner && Float32Array.from(inner, (value) => -value),
    second: basis.form === 'spatial' ? rowKernel(right, basis, k) : right,
    secondBias: bias && Float32Array.from(bias),
    ...shapesOf(basis, k),
  };
}

/** x [n] times a matrix [n, cols], in float64. */
function product(x: ArrayLike<number>, matrix: Float32Array, cols: number): Float64Array {
  const made = new Float64Array(cols);
  for (let i = 0; i < x.length; i++) for (let j = 0; j < cols; j++) made[j] += x[i] * matrix[i * cols + j];
  return made;
}

/** From [k, kw, out] to [1, kw, k, out]. */
function rowKernel(right: Float32Array, { kernelShape }: RankBasis, k: number): Float32Array {
  const [, kw, , out] = kernelShape;
  const kernel = new Float32Array(right.length);
  for (let inner = 0; inner < k; inner++) {
    for (let column = 0; column < kw; column++) {
      const from = (inner * kw + column) * out;
      kernel.set(right.subarray(from, from + out), (column * k + inner) * out);
    }
  }
  return kernel;
}

function shapesOf({ form, kernelShape }: RankBasis, k: number): Pick<Halves, 'firstShape' | 'secondShape'> {
  const [kh, kw, channels] = kernelShape;
  const cols = kernelShape.at(-1)!;
  if (form === 'spatial') return { firstShape: [kh, 1, channels, k], secondShape: [1, kw, k, cols] };
  const ones = kernelShape.slice(0, -2).map(() => 1);
  return { firstShape: [...kernelShape.slice(0, -1), k], secondShape: [...ones, k, cols] };
}

export function secondWeights({ second, secondShape, secondBias }: Halves): tf.Tensor[] {
  const kernel = tf.tensor(second, secondShape);
  return secondBias === null ? [kernel] : [kernel, tf.tensor1d(secondBias)];
}

export function firstOf(layer: tf.layers.Layer, { basis, k, first, firstShape, firstBias }: Halves): Before {
  return {
    suffix: FACTOR_SUFFIX,
    split: (config) => splitConfig(layer.getClassName() === 'Dense', config, basis, k, firstBias !== null),
    weights: () => {
      const kernel = tf.tensor(first, firstShape);
      return firstBias === null ? [kernel] : [kernel, tf.tensor1d(firstBias)];
    },
  };
}

/** Leaves the second layer's config in place and returns the first's. */
function splitConfig(dense: boolean, config: JsonObject, basis: RankBasis, k: number, useBias: boolean): JsonObject {
  for (const key of ['kernelRegularizer', 'kernelConstraint', 'biasConstraint']) delete config[key];
  const first: JsonObject = { ...config, activation: 'linear', useBias, [dense ? 'units' : 'filters']: k };
  delete first['activityRegularizer'];
  delete first['biasRegularizer'];
  delete config['batchInputShape'];
  if (dense) return first;
  const sides = basis.kernelShape.length - 2;
  const ones = Array.from({ length: sides }, () => 1);
  if (basis.form === 'channel') {
    Object.assign(config, { kernelSize: ones, strides: ones, dilationRate: ones, padding: 'valid' });
    return first;
  }
  for (const [key, otherwise] of [
    ['kernelSize', basis.kernelShape.slice(0, 2)],
    ['strides', ones],
    ['dilationRate', ones],
  ] as const) {
    const [height, width] = pairOf(config[key], otherwise);
    first[key] = [height, 1];
    config[key] = [1, width];
  }
  return first;
}

/** Sizes of a Conv2D, which may be given as one number for both sides. */
function pairOf(value: unknown, otherwise: readonly number[]): readonly number[] {
  if (typeof value === 'number') return [value, value];
  if (!Array.isArray(value)) return otherwise;
  const [height, width = height] = value as number[];
  return [height, width];
}
