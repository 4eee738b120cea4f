import * as tf from '@tensorflow/tfjs';

import type { Program, Step } from './types.js';

export interface FinalActivation {
  /** The output's value id. */
  readonly value: number;
  /** The step that applies the softmax or sigmoid. */
  readonly step: number;
  readonly activation: 'softmax' | 'sigmoid';
}

interface ActivationHolder {
  activation?: { getClassName(): string };
}

/** Layers that keep what a softmax over the last axis, or a sigmoid, means when they follow it. */
const PASSES = new Set(['Reshape', 'Flatten', 'Dropout']);

/**
 * For every output of the program, in order: the softmax (over the last axis) or sigmoid that makes it, inside a Dense or convolution or in a
 * layer of its own, also when Reshape, Flatten or Dropout follow; null where there is none.
 */
export function finalActivations(program: Program): (FinalActivation | null)[] {
  return program.outputs.map((output) => finalActivation(program, output));
}

function finalActivation(program: Program, output: number): FinalActivation | null {
  const last = program.values[output].shape.at(-1);
  let value = output;
  for (;;) {
    const step = program.steps.find((step) => step.outputs.includes(value));
    if (step === undefined || step.outputs.length !== 1) return null;
    const activation = activationOf(step.layer, program.values[value].shape.length);
    if (activation === 'sigmoid') return { value: output, step: step.index, activation };
    if (activation === 'softmax') {
      const rows = program.values[value].shape.at(-1) === last;
      return rows ? { value: output, step: step.index, activation } : null;
    }
    if (!PASSES.has(step.layer.getClassName()) || isReadElsewhere(program, step)) return null;
    value = step.inputs[0]!;
  }
}

function isReadElsewhere(program: Program, step: Step): boolean {
  const value = step.inputs[0];
  const readers = program.steps.filter((other) => other.inputs.includes(value));
  return readers.length > 1 || program.outputs.includes(value);
}

function activationOf(layer: tf.layers.Layer, rank: number): 'softmax' | 'sigmoid' | null {
  if (layer.getClassName() === 'Softmax') {
    const axes = [(layer as { axis?: number | number[] }).axis ?? -1].flat();
    return axes.length === 1 && (axes[0] === -1 || axes[0] === rank - 1) ? 'softmax' : null;
  }
  const holder = heldActivation(layer);
  const name = holder?.activation?.getClassName();
  return name === 'softmax' || name === 'sigmoid' ? name : null;
}

/** The layer whose output activation can be left out; a cell's activation is not one. */
function heldActivation(layer: tf.layers.Layer): ActivationHolder | null {
  const name = layer.getClassName();
  if (name === 'TimeDistributed') return heldActivation((layer as unknown as { layer: tf.layers.Layer }).layer);
  const holds = name === 'Dense' || name === 'Activation' || /Conv[123]D(Transpose)?$/.test(name);
  return holds ? (layer as ActivationHolder) : null;
}

/**
 * The steps to run without their activation so that the fetched outputs are logits.
 * Steps whose value something else reads too keep theirs: then the output is not turned into logits (see `hasLogits`).
 */
export function planLogits(program: Program, steps: readonly Step[], fetch: readonly number[]): Set<number> {
  const running = new Set(steps.map((step) => step.index));
  const wanted = new Set(fetch);
  const bare = new Set<number>();
  for (const final of finalActivations(program)) {
    if (final !== null && wanted.has(final.value) && running.has(final.step) && hasLogits(program, final)) {
      bare.add(final.step);
    }
  }
  return bare;
}

/** Whether `logits` can be fetched for this output: nothing but the output itself reads what the activation makes. */
export function hasLogits(program: Program, final: FinalActivation): boolean {
  const value = program.steps[final.step].outputs[0];
  const readers = program.steps.filter((step) => step.inputs.includes(value)).length;
  return value === final.value ? readers === 0 : readers === 1 && !program.outputs.includes(value);
}

let linear: { getClassName(): string } | undefined;

/** Runs `body` with the layer's activation replaced by the identity; a Softmax layer passes its input on. */
export function withoutActivation(layer: tf.layers.Layer, inputs: tf.Tensor[], body: () => tf.Tensor[]): tf.Tensor[] {
  const holder = heldActivation(layer);
  if (holder === null) return [inputs[0].clone()];
  linear ??= (tf.layers.activation({ activation: 'linear' }) as ActivationHolder).activation!;
  const activation = holder.activation!;
  holder.activation = linear;
  try {
    return body();
  } finally {
    holder.activation = activation;
  }
}
