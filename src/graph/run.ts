import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { planLogits, withoutActivation } from './activation.js';
import { readsMask } from './masking.js';
import { withStateTap } from './state.js';
import type { Program, Step } from './types.js';

export interface RunOptions {
  /** Passed to the layers: a flag for all, or a choice per step. Default false. */
  training?: boolean | ((step: Step) => boolean);
  /** Value ids wanted, in the order of the answer; default: the program's outputs. */
  fetch?: readonly number[];
  /** Fetches the program's outputs without their final softmax or sigmoid. Default false. */
  logits?: boolean;
  /**
   * What step `reader` reads of `value` is replaced by the answer. Called inside a tidy. A recurrent step is also the reader of its own
   * first output: there the tensor is the state [B, units] that the recurrent kernel reads, once for every time step.
   */
  tap?: (value: number, reader: number, tensor: tf.Tensor) => tf.Tensor;
  /** Called after each step, before anything is freed. The tensors are not the caller's to keep. */
  stepHook?: (step: Step, outputs: readonly tf.Tensor[]) => void;
  /** BatchNormalization uses its moving statistics and does not move them, even in training. Default false. */
  freezeBatchNorm?: boolean;
  /** Time masks of fed values, where a model uses them (`Step.mask`). */
  masks?: ReadonlyMap<number, tf.Tensor>;
  /** Filled with the time masks that the steps which do not run here would need; the caller disposes them. */
  keepMasks?: Map<number, tf.Tensor>;
}

interface Run {
  readonly program: Program;
  readonly options: RunOptions;
  readonly values: Map<number, tf.Tensor>;
  readonly masks: Map<number, tf.Tensor>;
  /** Steps that still have to read each value. */
  readonly readers: Map<number, number>;
  /** Steps whose final activation is left out, and steps that then pass their input on. */
  readonly bare: ReadonlySet<number>;
}

/**
 * Runs the steps that lie between the feeds and the fetches, as `LayersModel.predict` would (layer.apply on tensors, fused kernels
 * and time masks included). Intermediates are freed as soon as the last reader has run, unless gradients are being taped.
 * @param feeds value id -> tensor [B, …]; any values, not only inputs. They stay the caller's.
 * @returns the fetched tensors; the caller disposes them.
 * @throws UsageError when a fetch needs a value that is neither fed nor computable from the feeds.
 */
export function runProgram(
  program: Program,
  feeds: ReadonlyMap<number, tf.Tensor>,
  options: RunOptions = {},
): tf.Tensor[] {
  const fetch = options.fetch ?? program.outputs;
  const steps = stepsBetween(program, feeds, fetch);
  const bare = options.logits === true ? planLogits(program, steps, fetch) : new Set<number>();
  return tf.tidy(() => {
    const readers = countReaders(steps, fetch);
    const run: Run = { program, options, values: new Map(feeds), masks: new Map(options.masks), readers, bare };
    for (const step of steps) runStep(run, step, feeds);
    if (options.keepMasks !== undefined) keepMasks(run, steps, options.keepMasks);
    return fetch.map((value, i) => {
      const tensor = run.values.get(value)!;
      return feeds.has(value) || fetch.indexOf(value) !== i ? tensor.clone() : tensor;
    });
  });
}

/** The steps needed for the fetches, in order; a fed value ends the way back. */
function stepsBetween(program: Program, feeds: { has(value: number): boolean }, fetch: readonly number[]): Step[] {
  const needed = new Set(fetch);
  const steps: Step[] = [];
  for (let i = program.steps.length - 1; i >= 0; i--) {
    const step = program.steps[i];
    if (!step.outputs.some((value) => needed.has(value) && !feeds.has(value))) continue;
    steps.push(step);
    for (const value of step.inputs) needed.add(value);
  }
  const computed = new Set(steps.flatMap((step) => step.outputs));
  for (const value of needed) {
    if (feeds.has(value) || computed.has(value)) continue;
    throw new UsageError(`Value ${value} of the model is needed, and is neither fed nor computable from what is fed.`);
  }
  return steps.reverse();
}

function countReaders(steps: readonly Step[], fetch: readonly number[]): Map<number, number> {
  const readers = new Map<number, number>();
  const count = (value: number): void => void readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const step of steps) for (const value of new Set(step.inputs)) count(value);
  for (const value of new Set(fetch)) count(value);
  return readers;
}

function runStep(run: Run, step: Step, feeds: ReadonlyMap<number, tf.Tensor>): void {
  const { options, values } = run;
  const mask = stepMask(run, step, feeds);
  const outputs = tf.tidy(() => {
    const inputs = step.inputs.map((value) => tapped(options, value, step.index, values.get(value)!));
    const results = callLayer(run, step, inputs, mask);
    // A recurrent layer returns its last output and its state as one tensor; each value has to be freed on its own.
    return results.map((tensor, i) => (results.indexOf(tensor) === i ? tensor : tensor.clone()));
  });
  step.outputs.forEach((value, i) => {
    if (!feeds.has(value)) values.set(value, outputs[i]);
  });
  passMask(run, step);
  options.stepHook?.(step, outputs);
  if (!tf.engine().isTapeOn()) release(run, step, feeds, outputs);
}

function tapped(options: RunOptions, value: number, reader: number, tensor: tf.Tensor): tf.Tensor {
  return options.tap === undefined ? tensor : options.tap(value, reader, tensor);
}

function callLayer(run: Run, step: Step, inputs: tf.Tensor[], mask: tf.Tensor | null): tf.Tensor[] {
  const kwargs: Record<string, unknown> = { training: isTraining(run.options, step) };
  if (mask !== null) kwargs['mask'] = mask;
  const apply = (): tf.Tensor[] => {
    const result = step.layer.apply(inputs.length === 1 ? inputs[0] : inputs, kwargs) as tf.Tensor | tf.Tensor[];
    return Array.isArray(result) ? result : [result];
  };
  const bare = run.bare.has(step.index) ? (): tf.Tensor[] => withoutActivation(step.layer, inputs, apply) : apply;
  const { tap } = run.options;
  if (tap === undefined) return bare();
  return withStateTap(step.layer, (state) => tap(step.outputs[0], step.index, state), bare);
}

function isTraining(options: RunOptions, step: Step): boolean {
  if (options.freezeBatchNorm === true && normalizesBatches(step.layer)) return false;
  return typeof options.training === 'function' ? options.training(step) : options.training === true;
}

function normalizesBatches(layer: tf.layers.Layer): boolean {
  const inner = (layer as unknown as { layer?: tf.layers.Layer }).layer;
  return layer.getClassName() === 'BatchNormalization' || inner?.getClassName() === 'BatchNormalization';
}

/** The mask a step is given. A step that depends on a mask which nobody fed is refused rather than run without it. */
function stepMask(run: Run, step: Step, feeds: ReadonlyMap<number, tf.Tensor>): tf.Tensor | null {
  if (step.mask === null) return null;
  const mask = run.masks.get(step.mask);
  if (mask !== undefined) return mask;
  const known = run.values.has(step.mask) && !feeds.has(step.mask);
  if (!known && readsMask(step.layer)) {
    throw new UsageError(`Layer "${step.name}" needs the time mask of value ${step.mask}, which was not fed.`);
  }
  return null;
}

/** As stock execution: only layers that support masking hand a mask on, computed from the untapped inputs. */
function passMask(run: Run, step: Step): void {
  if (!step.layer.supportsMasking) return;
  const inputs = step.inputs.map((value) => run.values.get(value)!);
  const masks = step.inputs.map((value) => run.masks.get(value) ?? null);
  // The typings ask for one tensor; stock execution passes the lists.
  const result = step.layer.computeMask(inputs, masks as tf.Tensor[]) as tf.Tensor | (tf.Tensor | null)[] | null;
  const mask = Array.isArray(result) ? (result[0] ?? null) : result;
  if (mask === null || mask === undefined) return;
  for (const value of step.outputs) run.masks.set(value, mask);
}

function keepMasks(run: Run, ran: readonly Step[], kept: Map<number, tf.Tensor>): void {
  const done = new Set(ran);
  for (const step of run.program.steps) {
    if (done.has(step)) continue;
    for (const value of [step.mask, ...step.inputs]) {
      const mask = value === null ? undefined : run.masks.get(value);
      if (value !== null && mask !== undefined && !kept.has(value)) kept.set(value, tf.keep(mask.clone()));
    }
  }
}

function release(run: Run, step: Step, feeds: ReadonlyMap<number, tf.Tensor>, outputs: readonly tf.Tensor[]): void {
  for (const value of new Set(step.inputs)) {
    const left = run.readers.get(value)! - 1;
    run.readers.set(value, left);
    if (left === 0 && !feeds.has(value)) run.values.get(value)!.dispose();
  }
  step.outputs.forEach((value, i) => {
    if (!run.readers.has(value) || feeds.has(value)) outputs[i].dispose();
  });
}
