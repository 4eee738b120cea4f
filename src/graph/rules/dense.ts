import { activate, hidden, places, withAxis } from './common.js';
import { makes, reads, type LayerCall, type Marks } from './types.js';

/** Dense on [B, …, in]: mixes the last axis. */
export function dense(call: LayerCall): Marks[] {
  const { kernel, bias, activation } = hidden(call.layer);
  const [input] = call.inputs;
  const axis = input.shape.length - 1;
  const made = call.makes(call.outputShapes[0].at(-1)!);
  call.reads(0, axis);
  call.weight(kernel, [reads(input.marks[axis]), makes(made)]);
  call.weight(bias, [makes(made)]);
  call.macs(kernel, places(input, axis));
  call.size(['units'], made);
  return [activate(call, withAxis(input.marks, axis, made), activation)];
}

/** Embedding on [B, …] of indices: makes a last axis. */
export function embedding(call: LayerCall): Marks[] {
  const [input] = call.inputs;
  for (const units of input.marks) call.pin(units, `${call.title} reads them as indices`);
  const made = call.makes(call.outputShapes[0].at(-1)!);
  call.weight(hidden(call.layer).embeddings, [null, makes(made)]);
  call.size(['outputDim'], made);
  return [[...input.marks.map(() => null), made]];
}
