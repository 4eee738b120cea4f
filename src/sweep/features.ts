import type * as tf from '@tensorflow/tfjs';

import { fetchesLogits } from '../evaluate/forward.js';
import { finalActivations, hasLogits } from '../graph/index.js';
import { dependentValues } from './frontier.js';
import type { Program, Step, TailPoint, WidthGroup } from '../graph/types.js';

/** A layer that is linear in the features it reads, so that its sum can be taken feature by feature. */
export interface Consumer {
  /** The Dense or convolution. */
  readonly step: Step;
  /** The value that holds the features, features last. */
  readonly value: number;
  /** True where a Flatten stands between the value and the Dense: a feature is a channel, not a position. */
  readonly flattened: boolean;
  /** Per position of the value the group's unit, or -1 for something else, always there; null: position = unit. */
  readonly units: Int32Array | null;
  /** Whether the layer's own activation is applied; not where it is the softmax or sigmoid that logits leave out. */
  readonly activated: boolean;
}

interface Strided {
  readonly dataFormat?: string;
}

/**
 * The consumers of a group, where each of its tail points is read by a Dense or a convolution that can be summed up feature
 * by feature; undefined where something else reads the group (a recurrent state, a residual stream that its own readers feed): then
 * widths are measured by plain evaluation.
 */
export function consumersOf(program: Program, group: WidthGroup): readonly Consumer[] | undefined {
  const consumers: Consumer[] = [];
  for (const point of group.tailPoints) {
    const consumer = consumerOf(program, point);
    if (consumer === undefined) return undefined;
    consumers.push(consumer);
  }
  return consumers.length > 0 && areApart(program, consumers) ? consumers : undefined;
}

/** Whether what each of them reads is the same for every width of the others, and no two are one step. */
export function areApart(program: Program, consumers: readonly Pick<Consumer, 'step' | 'value'>[]): boolean {
  const steps = new Set(consumers.map(({ step }) => step.index));
  const dependent = dependentValues(program, steps);
  return steps.size === consumers.length && consumers.every(({ value }) => !dependent.has(value));
}

function consumerOf(program: Program, point: TailPoint): Consumer | undefined {
  const { value, axis, units } = point;
  if (point.state === true || axis !== program.values[value].shape.length - 1) return undefined;
  const reader = program.steps[point.reader];
  const flattened = reader.layer.getClassName() === 'Flatten';
  const step = flattened ? soleReader(program, reader.outputs[0]) : reader;
  if (step === undefined || !isLinear(step, flattened)) return undefined;
  return { step, value, flattened, units, activated: !leavesActivation(program, step) };
}

function soleReader(program: Program, value: number): Step | undefined {
  const readers = program.steps.filter((step) => step.inputs.includes(value));
  return readers.length === 1 && !program.outputs.includes(value) ? readers[0] : undefined;
}

function isLinear({ layer, inputs }: Step, flattened: boolean): boolean {
  const name = layer.getClassName();
  if (inputs.length !== 1) return false;
  if (name === 'Dense') return true;
  if (flattened || !['Conv1D', 'Conv2D'].includes(name)) return false;
  return (layer as Strided).dataFormat !== 'channelsFirst';
}

/** Whether the layer's activation is the final softmax or sigmoid that logits leave out. */
export function leavesActivation(program: Program, step: Step): boolean {
  if (!fetchesLogits(program)) return false;
  return finalActivations(program).some(
    (final) => final !== null && final.step === step.index && hasLogits(program, final),
  );
}

/** The parts of a Dense or convolution that tfjs' types hide. */
export interface LinearLayer extends tf.layers.Layer {
  readonly kernel: tf.LayerVariable;
  readonly bias: tf.LayerVariable | null;
  readonly activation?: { apply(x: tf.Tensor): tf.Tensor; getClassName(): string };
  readonly strides?: [number, number] | [number];
  readonly padding?: 'valid' | 'same';
  readonly dilationRate?: [number, number] | [number];
}
