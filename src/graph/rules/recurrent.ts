import type * as tf from '@tensorflow/tfjs';

import { hidden, tiled } from './common.js';
import { unsupported } from './unsupported.js';
import { makes, reads, type LayerCall, type Marks } from './types.js';

interface Recurrent {
  readonly cell: tf.layers.Layer;
  readonly returnSequences?: boolean;
  readonly returnState?: boolean;
}

interface Directions {
  readonly forwardLayer: tf.layers.Layer & Recurrent;
  readonly backwardLayer: tf.layers.Layer & Recurrent;
  readonly mergeMode: string | null;
}

/** How many gates each cell has, and how many states. */
const CELLS: Readonly<Record<string, { readonly gates: number; readonly states: number }>> = {
  SimpleRNNCell: { gates: 1, states: 1 },
  GRUCell: { gates: 3, states: 1 },
  LSTMCell: { gates: 4, states: 2 },
};

/** SimpleRNN, GRU, LSTM, and RNN around one of their cells. */
export function recurrent(call: LayerCall): Marks[] {
  const layer = call.layer as unknown as Recurrent;
  const kind = CELLS[layer.cell.getClassName()];
  if (kind === undefined) return unsupported(call);
  const made = call.makes(call.outputShapes[0].at(-1)!);
  call.size(call.layer.getClassName() === 'RNN' ? ['cell', 'config', 'units'] : ['units'], made);
  readInputs(call, made);
  cellWeights(call, layer.cell, made);
  return outputsOf(layer, kind.states, sequence(layer, made), made);
}

/**
 * Bidirectional: TensorFlow.js builds both directions from one config, so their units go together: unit i is unit i of
 * either direction.
 */
export function bidirectional(call: LayerCall): Marks[] {
  const { forwardLayer, backwardLayer, mergeMode } = call.layer as unknown as Directions;
  const kind = CELLS[forwardLayer.cell?.getClassName()];
  if (kind === undefined) return unsupported(call);
  const last = call.outputShapes[0].at(-1)!;
  const made = call.makes(mergeMode === 'concat' ? last / 2 : last);
  call.size(['layer', 'config', 'units'], made);
  readInputs(call, made);
  cellWeights(call, forwardLayer.cell, made);
  cellWeights(call, backwardLayer.cell, made);
  const merged = sequence(forwardLayer, mergeMode === 'concat' ? tiled(made, 2) : made);
  const outputs = outputsOf(forwardLayer, 2 * kind.states, merged, made);
  return mergeMode === null ? [merged, ...outputs] : outputs;
}

function readInputs(call: LayerCall, made: Int32Array): void {
  const [input, ...states] = call.inputs;
  call.reads(0, input.shape.length - 1);
  call.pin(input.marks[1], `${call.title} walks along them as time steps`);
  call.readsState(made);
  for (const { marks } of states) {
    if (marks[1] === null) call.pin(made, `its first state cannot shrink`);
    else call.units.tie(made, marks[1]);
  }
}

/** The recurrent kernel makes the features too; gates lie side by side along the last axis. */
function cellWeights(call: LayerCall, cell: tf.layers.Layer, made: Int32Array): void {
  const { kernel, recurrentKernel, bias, activation, recurrentActivation } = hidden(cell);
  const { gates } = CELLS[cell.getClassName()];
  const [{ shape, marks }] = call.inputs;
  const gated = tiled(made, gates);
  call.weight(kernel, [reads(marks.at(-1)!), makes(gated)]);
  call.weight(recurrentKernel, [reads(made), makes(gated)]);
  call.weight(bias, [makes(gated)]);
  const steps = shape[1] ?? 1;
  call.macs(kernel, [steps]);
  call.macs(recurrentKernel, [steps]);
  for (const used of [activation, recurrentActivation]) {
    if (used?.getClassName() === 'softmax')
      call.pin(made, `softmax in ${call.title} works on all of its features together`);
  }
}

function sequence(layer: Recurrent, units: Int32Array): Marks {
  return layer.returnSequences === true ? [null, null, units] : [null, units];
}

function outputsOf(layer: Recurrent, states: number, output: Marks, made: Int32Array): Marks[] {
  const count = layer.returnState === true ? states : 0;
  return [output, ...Array.from({ length: count }, (): Marks => [null, made])];
}
