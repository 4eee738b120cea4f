import * as tf from '@tensorflow/tfjs';

export type Call = (
  this: tf.layers.Layer,
  inputs: tf.Tensor | tf.Tensor[],
  kwargs: Record<string, unknown>,
) => tf.Tensor | tf.Tensor[];
type Weight = { read(): tf.Tensor };
export type Normalization = tf.layers.Layer & {
  readonly axis: number | number[];
  readonly scale: boolean;
  readonly center: boolean;
  readonly trainable: boolean;
};

/**
 * Faults of the layers, on every backend:
 * - BatchNormalization without center or scale throws in training, LayerNormalization without them throws in its gradient;
 * - BatchNormalization with trainable = false still uses the batch's statistics in training and moves its own (Keras does neither).
 */
export function repairNormalization(): void {
  wrap(tf.layers.batchNormalization(), (call) => {
    return function (inputs, kwargs) {
      const layer = this as Normalization;
      const training = kwargs['training'] === true && layer.trainable;
      const standIn = training ? withConstants(layer, inputs) : layer;
      return call.call(standIn, inputs, { ...kwargs, training });
    };
  });
  wrap(tf.layers.layerNormalization(), (call) => {
    return function (inputs, kwargs) {
      return call.call(withConstants(this as Normalization, inputs), inputs, kwargs);
    };
  });
}

/** Replaces the `call` of an example's class. */
export function wrap(example: tf.layers.Layer, make: (call: Call) => Call): void {
  const prototype = Object.getPrototypeOf(example) as { call: Call };
  prototype.call = make(prototype.call);
}

/** The layer itself where it has both weights; else one that reads ones and zeros in the place of what it lacks. */
export function withConstants(layer: Normalization, inputs: tf.Tensor | tf.Tensor[]): Normalization {
  if (layer.scale && layer.center) return layer;
  const x = Array.isArray(inputs) ? inputs[0] : inputs;
  const axes = Array.isArray(layer.axis) ? layer.axis : [layer.axis];
  const shape = axes.map((axis) => x.shape[axis < 0 ? axis + x.rank : axis]);
  return Object.create(layer, {
    ...(layer.scale ? {} : { scale: { value: true }, gamma: constant(tf.ones(shape)) }),
    ...(layer.center ? {} : { center: { value: true }, beta: constant(tf.zeros(shape)) }),
  }) as Normalization;
}

function constant(value: tf.Tensor): { value: Weight } {
  return { value: { read: () => value } };
}
