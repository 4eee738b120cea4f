import type * as tf from '@tensorflow/tfjs';

import type { Program } from './types.js';

/** Fields of tfjs layers that its typings hide. */
interface Hidden {
  readonly activation?: { getClassName(): string } | null;
  readonly axis?: number | readonly number[];
  readonly dataFormat?: string;
}

/** Layers that add a bias and apply an activation at the end. */
const LINEAR = /^(Dense|(Separable)?Conv[123]D(Transpose)?)$/u;

/**
 * The BatchNormalization that reads a linear layer and is all that does: its mean takes over a constant that the layer would add. Null where there is
 * none, or where one of the two is called several times.
 */
export function absorberOf({ steps, outputs, values }: Program, layer: tf.layers.Layer): tf.layers.Layer | null {
  const { activation, dataFormat } = layer as unknown as Hidden;
  if (!LINEAR.test(layer.getClassName()) || (activation?.getClassName() ?? 'linear') !== 'linear') return null;
  const calls = steps.filter((step) => step.layer === layer);
  const value = calls[0]?.outputs[0];
  if (calls.length !== 1 || outputs.includes(value)) return null;
  const readers = steps.filter((step) => step.inputs.includes(value));
  const [reader] = readers;
  if (readers.length !== 1 || reader.layer.getClassName() !== 'BatchNormalization') return null;
  if (steps.filter((step) => step.layer === reader.layer).length !== 1) return null;
  const rank = values[value].shape.length;
  const [axis = -1] = [(reader.layer as unknown as Hidden).axis ?? -1].flat();
  const features = dataFormat === 'channelsFirst' ? 1 : rank - 1;
  return (axis < 0 ? axis + rank : axis) === features ? reader.layer : null;
}
