import type * as tf from '@tensorflow/tfjs';

/**
 * Max pooling right behind a fused relu can pass its gradient through the relu in the same pass: where the maximum is 0,
 * nothing goes on. This keeps book of which data came from a relu on a gradient tape, and which gradients are through it.
 */
const outputs = new WeakSet<tf.DataId>();
const through = new WeakMap<tf.DataId, tf.DataId>();

type HasData = { readonly dataId: tf.DataId };

export function markReluOutput(y: HasData): void {
  outputs.add(y.dataId);
}

export function isReluOutput(y: HasData): boolean {
  return outputs.has(y.dataId);
}

/** Says that a gradient by y is already one by what relu read. */
export function markThroughRelu(gradient: HasData, y: HasData): void {
  through.set(gradient.dataId, y.dataId);
}

export function isThroughRelu(gradient: HasData, y: HasData): boolean {
  return through.get(gradient.dataId) === y.dataId;
}
