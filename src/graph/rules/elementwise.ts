import { activate, hidden } from './common.js';
import { passes, type LayerCall, type Marks } from './types.js';

/** Layers that treat every number alone. */
export function elementwise(call: LayerCall): Marks[] {
  return [call.inputs[0].marks];
}

export function activation(call: LayerCall): Marks[] {
  return [activate(call, call.inputs[0].marks, hidden(call.layer).activation)];
}

/** PReLU: a slope per element of an example, but one along each shared axis. */
export function prelu(call: LayerCall): Marks[] {
  const { alpha, sharedAxes } = hidden(call.layer);
  const [{ marks }] = call.inputs;
  const own = marks.slice(1).map((units, i) => ((sharedAxes ?? []).includes(i + 1) ? null : passes(units)));
  call.weight(alpha, own);
  return [marks];
}

/** Dropout; a noise shape of its own is written in full sizes, so nothing may change beneath it. */
export function dropout(call: LayerCall): Marks[] {
  const [{ marks }] = call.inputs;
  if (hidden(call.layer).noiseShape != null) {
    for (const units of marks) call.pin(units, `${call.title} has a noise shape of fixed size`);
  }
  return [marks];
}
