import { hidden, placeOf } from './common.js';
import { passes, type LayerCall, type Marks } from './types.js';

/** BatchNormalization: four vectors along one axis, feature by feature. */
export function batchNormalization(call: LayerCall): Marks[] {
  const { gamma, beta, movingMean, movingVariance, axis } = hidden(call.layer);
  const [input] = call.inputs;
  // Keras writes [3] for 3.
  const [along = -1] = [axis ?? -1].flat();
  const units = input.marks[placeOf(along, input.shape.length)];
  for (const variable of [gamma, beta, movingMean, movingVariance]) call.weight(variable, [passes(units)]);
  return [input.marks];
}

/** LayerNormalization: the statistics are taken over the features themselves. */
export function layerNormalization(call: LayerCall): Marks[] {
  return pinAxes(call, hidden(call.layer).axis ?? -1, 'normalises over its features');
}

/** Softmax as a layer. */
export function softmax(call: LayerCall): Marks[] {
  return pinAxes(call, hidden(call.layer).axis ?? -1, 'works on all of its features together');
}

/** Masking looks at all the features of a time step to see whether it counts. */
export function masking(call: LayerCall): Marks[] {
  return pinAxes(call, -1, 'looks at all of its features to skip a time step');
}

function pinAxes(call: LayerCall, axes: number | readonly number[], does: string): Marks[] {
  const [{ marks, shape }] = call.inputs;
  for (const axis of [axes].flat()) call.pin(marks[placeOf(axis, shape.length)], `${call.title} ${does}`);
  return [marks];
}
