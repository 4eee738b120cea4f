import type * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { ruleOf } from './rules/index.js';
import type { AxisRole, Extent, LayerCall, Marks, WeightAxis } from './rules/types.js';
import type { Program, Step } from './types.js';
import { Units } from './units.js';

/** A place where a step mixes features. */
export interface Read {
  readonly step: number;
  readonly value: number;
  readonly axis: number;
  readonly units: Int32Array;
  /** A recurrent layer that reads its own state. */
  readonly state: boolean;
}

export interface WeightUse {
  readonly variable: tf.LayerVariable;
  /** Path of the layer. */
  readonly layer: string;
  readonly axes: (Int32Array | null)[];
  readonly roles: (AxisRole | null)[];
}

/** A number in a layer's config that is the size of these units. */
export interface SizeUse {
  readonly layer: tf.layers.Layer;
  readonly path: readonly (string | number)[];
  readonly units: Int32Array;
}

export interface MacUse {
  readonly step: number;
  readonly variable: tf.LayerVariable;
  readonly times: readonly Extent[];
}

/** Everything that the rules said about a program. */
export interface Analysis {
  readonly program: Program;
  readonly units: Units;
  /** Per value. */
  readonly marks: readonly Marks[];
  readonly weights: ReadonlyMap<tf.LayerVariable, WeightUse>;
  readonly reads: readonly Read[];
  readonly macs: readonly MacUse[];
  readonly sizes: readonly SizeUse[];
  /** Features made by each layer's own kernel, by path, in program order. */
  readonly makers: ReadonlyMap<string, Int32Array>;
  /** Features that a layer's own kernel filters one by one. */
  readonly filters: ReadonlyMap<string, Int32Array>;
}

interface Draft extends Analysis {
  readonly marks: Marks[];
  readonly weights: Map<tf.LayerVariable, WeightUse>;
  readonly reads: Read[];
  readonly macs: MacUse[];
  readonly sizes: SizeUse[];
  readonly makers: Map<string, Int32Array>;
  readonly filters: Map<string, Int32Array>;
}

/** Shapes of all values of a program, by id. */
export type Shapes = readonly (readonly (number | null)[])[];

/**
 * Follows every feature through the program: which position of which tensor and which weight belongs to which unit, which units
 * must go together, and which cannot go.
 */
export function analyse(program: Program, shapes: Shapes): Analysis {
  const draft: Draft = {
    program,
    units: new Units(),
    marks: [],
    weights: new Map(),
    reads: [],
    macs: [],
    sizes: [],
    makers: new Map(),
    filters: new Map(),
  };
  for (const value of program.inputs) draft.marks[value] = shapes[value].map(() => null);
  for (const step of program.steps) analyseStep(draft, step, shapes);
  tieEntries(draft);
  for (const value of program.outputs) {
    for (const units of draft.marks[value]) draft.units.pin(units, "its features are the model's output", true);
  }
  return draft;
}

function analyseStep(draft: Draft, step: Step, shapes: Shapes): void {
  const marks = ruleOf(step.layer)(layerCall(draft, step, shapes));
  step.outputs.forEach((value, i) => {
    const found = marks[i] ?? shapes[value].map(() => null);
    checkMarks(step, found, shapes[value]);
    draft.marks[value] = found;
  });
}

/** A rule that gets a shape wrong must not lead to a wrong model. */
function checkMarks(step: Step, marks: Marks, shape: readonly (number | null)[]): void {
  const fits = marks.length === shape.length && marks.every((units, i) => units === null || units.length === shape[i]);
  if (!fits) {
    throw new ModelError(`The features of layer "${step.name}" (${step.layer.getClassName()}) cannot be followed.`);
  }
}

function layerCall(draft: Draft, step: Step, shapes: Shapes): LayerCall {
  const { units } = draft;
  return {
    layer: step.layer,
    title: `layer "${step.name}" (${step.layer.getClassName()})`,
    units,
    inputs: step.inputs.map((value) => ({ shape: shapes[value], marks: draft.marks[value] })),
    outputShapes: step.outputs.map((value) => shapes[value]),
    makes: (n) => makersUnits(draft, step, n),
    filters: (filtered) => void draft.filters.set(step.name, filtered),
    reads: (index, axis) => {
      const value = step.inputs[index];
      const found = draft.marks[value][axis];
      if (found !== null) draft.reads.push({ step: step.index, value, axis, units: found, state: false });
    },
    readsState: (own) => {
      draft.reads.push({ step: step.index, value: step.outputs[0], axis: 1, units: own, state: true });
    },
    weight: (variable, axes) => bind(draft, step, variable, axes),
    macs: (variable, times) => {
      if (variable != null) draft.macs.push({ step: step.index, variable, times });
    },
    size: (path, sized) => addSize(draft, { layer: step.layer, path, units: sized }),
    pin: (pinned, why) => units.pin(pinned, why),
  };
}

function makersUnits(draft: Draft, step: Step, n: number): Int32Array {
  const known = draft.makers.get(step.name);
  if (known !== undefined) return known;
  const made = draft.units.create(n);
  draft.makers.set(step.name, made);
  return made;
}

/** Several calls of a shared layer use the same weights: their features go together. */
function bind(
  draft: Draft,
  step: Step,
  variable: tf.LayerVariable | null | undefined,
  axes: readonly (WeightAxis | null)[],
): void {
  if (variable == null) return;
  const known = draft.weights.get(variable);
  if (known === undefined) {
    const units = axes.map((axis) => axis?.units ?? null);
    const roles = axes.map((axis) => axis?.role ?? null);
    draft.weights.set(variable, { variable, layer: step.name, axes: units, roles });
    return;
  }
  known.axes.forEach((units, i) => tieCalls(draft, step, units, axes[i]?.units ?? null));
}

function addSize(draft: Draft, use: SizeUse): void {
  const known = draft.sizes.find(({ layer, path }) => layer === use.layer && path.join() === use.path.join());
  if (known === undefined) draft.sizes.push(use);
  else draft.units.tie(known.units, use.units);
}

/** A nested model's input has one shape for all its calls. */
function tieEntries(draft: Draft): void {
  const first = new Map<tf.layers.Layer, Marks>();
  for (const { layer, value } of draft.program.entries) {
    const marks = draft.marks[value];
    const known = first.get(layer);
    if (known === undefined) first.set(layer, marks);
    else known.forEach((units, axis) => tieCalls(draft, { name: layer.name }, units, marks[axis]));
  }
}

function tieCalls(draft: Draft, { name }: { name: string }, a: Int32Array | null, b: Int32Array | null): void {
  if (a !== null && b !== null) draft.units.tie(a, b);
  else draft.units.pin(a ?? b, `layer "${name}" is also called on features that cannot shrink`);
}
