import type * as tf from '@tensorflow/tfjs';

import type { Extent, LayerCall, Marked, Marks } from './types.js';

/** Fields of tfjs layers that its typings hide. */
export interface Hidden {
  readonly activation?: { getClassName(): string };
  readonly recurrentActivation?: { getClassName(): string };
  readonly axis?: number | readonly number[];
  readonly axes?: number | readonly number[];
  readonly beta?: tf.LayerVariable;
  readonly bias?: tf.LayerVariable | null;
  readonly dataFormat?: string;
  readonly depthMultiplier?: number;
  readonly depthwiseKernel?: tf.LayerVariable;
  readonly dims?: readonly number[];
  readonly embeddings?: tf.LayerVariable;
  readonly gamma?: tf.LayerVariable;
  readonly alpha?: tf.LayerVariable;
  readonly kernel?: tf.LayerVariable;
  readonly movingMean?: tf.LayerVariable;
  readonly movingVariance?: tf.LayerVariable;
  readonly noiseShape?: unknown;
  readonly pointwiseKernel?: tf.LayerVariable;
  readonly recurrentKernel?: tf.LayerVariable;
  readonly sharedAxes?: readonly number[];
}

export function hidden(layer: tf.layers.Layer): Hidden {
  return layer as unknown as Hidden;
}

/** Activations that treat every number alone. */
const UNITWISE = new Set([
  'linear',
  'relu',
  'relu6',
  'elu',
  'selu',
  'sigmoid',
  'hardSigmoid',
  'softplus',
  'softsign',
  'tanh',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
]);

/** Keeps features from shrinking when the activation behind them mixes them (softmax works on the last axis). */
export function activate(call: LayerCall, marks: Marks, activation: { getClassName(): string } | undefined): Marks {
  const name = activation?.getClassName() ?? 'linear';
  if (UNITWISE.has(name)) return marks;
  const mixes = name === 'softmax' || name === 'logSoftmax' ? [marks.at(-1) ?? null] : marks;
  for (const units of mixes) call.pin(units, `${name} in ${call.title} works on all of its features together`);
  return marks;
}

/** A negative axis counts from the end. */
export function placeOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function channelAxis(call: LayerCall): number {
  return hidden(call.layer).dataFormat === 'channelsFirst' ? 1 : call.inputs[0].shape.length - 1;
}

/** Sizes of an output without the batch and one axis, as extents: how many places a kernel is applied at. */
export function places({ shape, marks }: Marked, except: number): Extent[] {
  return shape.flatMap((size, axis) => (axis === 0 || axis === except ? [] : [marks[axis] ?? size ?? 1]));
}

/** Pins every marked axis but the ones named. */
export function pinOthers(call: LayerCall, { marks }: Marked, except: readonly number[], why: string): void {
  marks.forEach((units, axis) => {
    if (!except.includes(axis)) call.pin(units, why);
  });
}

export function unmarked(shape: readonly unknown[]): Marks {
  return shape.map(() => null);
}

/** Marks with one axis exchanged. */
export function withAxis(marks: Marks, axis: number, units: Int32Array | null): Marks {
  return marks.map((old, i) => (i === axis ? units : old));
}

/** The same positions several times: [0 1 0 1] for repeat 2 of [0 1]. */
export function tiled(units: Int32Array, times: number): Int32Array {
  return Int32Array.from({ length: units.length * times }, (_, i) => units[i % units.length]);
}

/** Each position several times: [0 0 1 1] for 2 of [0 1]. */
export function repeated(units: Int32Array, times: number): Int32Array {
  return Int32Array.from({ length: units.length * times }, (_, i) => units[Math.floor(i / times)]);
}
