import * as tf from '@tensorflow/tfjs';

export type LayerInputs = tf.Tensor | tf.Tensor[];
export type CallArguments = Record<string, unknown>;
type Call = (this: tf.layers.Layer, inputs: LayerInputs, kwargs: CallArguments) => LayerInputs;

/**
 * Wraps `call` of a class of layers, for all its instances.
 *
 * @param sample any instance: tfjs exports factories, not classes
 * @param wrapped gets the layer, its inputs and arguments, and the former `call` bound to that layer
 */
export function wrapLayerCall(
  sample: tf.layers.Layer,
  wrapped: (
    layer: tf.layers.Layer,
    inputs: LayerInputs,
    kwargs: CallArguments,
    stock: (inputs: LayerInputs, kwargs: CallArguments) => LayerInputs,
  ) => LayerInputs,
): void {
  const prototype = Object.getPrototypeOf(sample) as { call: Call };
  const former = prototype.call;
  prototype.call = function call(inputs, kwargs) {
    const stock = (changed: LayerInputs, changedArguments: CallArguments): LayerInputs =>
      former.call(this, changed, changedArguments);
    return tf.tidy(() => wrapped(this, inputs, kwargs, stock));
  };
}

/** The single tensor of a layer with one input. */
export function oneTensor(inputs: LayerInputs): tf.Tensor {
  return Array.isArray(inputs) ? inputs[0] : inputs;
}
