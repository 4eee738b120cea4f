import type * as tf from '@tensorflow/tfjs';

import type { Step } from './types.js';

const RECURRENT = new Set(['SimpleRNN', 'LSTM', 'GRU', 'RNN', 'Bidirectional', 'ConvLSTM2D']);

/**
 * Which value's mask (Masking, Embedding with maskZero) each step is given, as stock TensorFlow.js does it: the first input's mask when
 * any input carries one; otherwise the last mask that any earlier step was given stays in force.
 */
export function maskSources(values: number, steps: readonly Omit<Step, 'mask'>[]): Step[] {
  const carries: boolean[] = Array.from({ length: values }, () => false);
  let last: number | null = null;
  return steps.map((step) => {
    const masked = step.inputs.some((value) => carries[value]);
    if (masked) last = carries[step.inputs[0]] ? step.inputs[0] : null;
    const produces = makesMask(step.layer) || (masked && step.layer.supportsMasking && !dropsMask(step.layer));
    if (produces) for (const value of step.outputs) carries[value] = true;
    return { ...step, mask: last };
  });
}

/** Whether a layer's result depends on the mask that it is given. */
export function readsMask(layer: tf.layers.Layer): boolean {
  return RECURRENT.has(layer.getClassName()) || layer.getClassName() === 'TimeDistributed';
}

function makesMask(layer: tf.layers.Layer): boolean {
  const name = layer.getClassName();
  return name === 'Masking' || (name === 'Embedding' && (layer as { maskZero?: boolean }).maskZero === true);
}

function dropsMask(layer: tf.layers.Layer): boolean {
  return RECURRENT.has(layer.getClassName()) && (layer as { returnSequences?: boolean }).returnSequences !== true;
}
