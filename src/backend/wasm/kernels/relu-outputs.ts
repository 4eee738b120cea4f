import type * as tf from '@tensorflow/tfjs';

/**
 * Max pooling right behind a fused relu can pass its gradient through the relu in the same pass: where the maximum is 0,
 * nothing goes on. This keeps book of which data came from a relu on a gradient tape, and which gradients are through it.
 */
const outputs = new WeakSet<tf.DataId>();
const through = new WeakMap<tf.DataId, { readonly y: tf.DataId; readonly sums: Float32Array }>();

type HasData = { readonly dataId: tf.DataId };

export function markReluOutput(y: HasData): void {
  outputs.add(y.dataId);
}

export function isReluOutput(y: HasData): boolean {
  return outputs.has(y.dataId);
}

/** Says that a gradient by y is already one by what relu read, and what its sums over all axes but the last are. */
export function markThroughRelu(gradient: HasData, y: HasData, sums: Float32Array): void {
  through.set(gradient.dataId, { y: y.dataId, sums });
}

/** The sums of a gradient that is already through the relu that gave y; undefined for any other. */
export function sumsThroughRelu(gradient: HasData, y: HasData): Float32Array | undefined {
  const entry = through.get(gradient.dataId);
  return entry?.y === y.dataId ? entry.sums : undefined;
}
