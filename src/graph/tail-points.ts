import type { Analysis, Read } from './analyse.js';
import type { Step, TailPoint } from './types.js';

/** Layers that keep a zero a zero and every number at its place: a mask may as well stand before them. */
const TRANSPARENT = new Set(['Flatten', 'Reshape', 'Dropout', 'ReLU', 'LeakyReLU']);
const FOLDS = new Set(['Flatten', 'Reshape']);

interface Place {
  readonly value: number;
  readonly reader: number;
  readonly axis: number;
  readonly units: Int32Array;
}

/**
 * Where a group is masked: right before each layer that mixes its features. Where a Flatten or Reshape lies before that layer and the
 * features had an axis of their own before it, the tail point lies before the Flatten ([B, 1, 1, C] masks rather than [B, H * W * C]).
 *
 * @param unitOf the group's unit of a representative, or -1
 */
export function tailPoints(analysis: Analysis, unitOf: (unit: number) => number): TailPoint[] {
  const points = new Map<string, { place: Place; state: boolean; consumers: Set<string> }>();
  for (const read of analysis.reads) {
    if (!read.units.some((unit) => unitOf(unit) >= 0)) continue;
    const place = read.state ? { ...read, reader: read.step } : beforeFolds(analysis, read);
    const key = `${place.value} ${place.reader}`;
    const point = points.get(key) ?? { place, state: read.state, consumers: new Set() };
    point.consumers.add(analysis.program.steps[read.step].name);
    points.set(key, point);
  }
  return [...points.values()].map(({ place, state, consumers }) => {
    const units = place.units.map(unitOf);
    const { value, reader, axis } = place;
    const name = `${state ? 'inside' : 'before'} ${callName(analysis, analysis.program.steps[reader])}`;
    const straight = units.every((unit, i) => unit === i);
    const common = { value, reader, axis, units: straight ? null : units, name, consumers: [...consumers] };
    return state ? { ...common, state } : common;
  });
}

function callName({ program }: Analysis, step: Step): string {
  const calls = program.steps.filter(({ layer }) => layer === step.layer).length;
  return calls > 1 ? `${step.name} (call ${step.call + 1})` : step.name;
}

function beforeFolds(analysis: Analysis, read: Read): Place {
  let best: Place = { ...read, reader: read.step };
  let at = best;
  for (;;) {
    const step = analysis.program.steps.find(({ outputs }) => outputs.includes(at.value));
    if (step === undefined || !isTransparent(step)) return best;
    const value = step.inputs[0];
    const axis = analysis.marks[value].findIndex((units) => units !== null);
    if (axis < 0) return best;
    const units = analysis.marks[value][axis]!;
    at = { value, reader: step.index, axis, units };
    if (FOLDS.has(step.layer.getClassName()) && units.length < best.units.length) best = at;
  }
}

function isTransparent({ layer }: Step): boolean {
  if (layer.getClassName() !== 'Activation') return TRANSPARENT.has(layer.getClassName());
  const name = (layer as unknown as { activation: { getClassName(): string } }).activation.getClassName();
  return name === 'relu' || name === 'linear';
}
