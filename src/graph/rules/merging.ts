import { hidden, placeOf } from './common.js';
import type { LayerCall, Marked, Marks } from './types.js';

/** Add, Subtract, Average, Maximum, Minimum, Multiply: what meets in a position goes together. */
export function tie(call: LayerCall): Marks[] {
  const shape = call.outputShapes[0];
  const inputs = call.inputs.map((input) => expanded(input, shape.length));
  return [shape.map((size, axis) => (axis === 0 ? null : tieAxis(call, inputs, axis, size)))];
}

/** Inputs of lower rank get axes of size 1 behind the batch, as the Merge layers do it. */
function expanded({ shape, marks }: Marked, rank: number): Marked {
  const missing = Array.from({ length: rank - shape.length }, () => null);
  const ones = missing.map(() => 1);
  return { shape: [shape[0], ...ones, ...shape.slice(1)], marks: [marks[0], ...missing, ...marks.slice(1)] };
}

function tieAxis(call: LayerCall, inputs: readonly Marked[], axis: number, size: number | null): Int32Array | null {
  const spread = inputs.filter(({ shape }) => shape[axis] === 1 && size !== 1);
  for (const { marks } of spread) call.pin(marks[axis], `${call.title} spreads its one feature over others`);
  const full = inputs.filter((input) => !spread.includes(input)).map(({ marks }) => marks[axis]);
  const marked = full.filter((units) => units !== null);
  if (marked.length === 0) return null;
  for (const units of marked.slice(1)) call.units.tie(marked[0], units);
  if (marked.length < full.length) call.pin(marked[0], `${call.title} ties them to features that cannot shrink`);
  return marked[0];
}

/** Concatenate: positions one after the other along one axis; the other axes are tied. */
export function concatenate(call: LayerCall): Marks[] {
  const shape = call.outputShapes[0];
  const axis = placeOf((hidden(call.layer).axis as number | undefined) ?? -1, shape.length);
  return [
    shape.map((size, i) => (i === 0 ? null : i === axis ? joined(call, axis) : tieAxis(call, call.inputs, i, size))),
  ];
}

function joined(call: LayerCall, axis: number): Int32Array | null {
  const parts = call.inputs.map(({ marks }) => marks[axis]);
  if (parts.every((part) => part === null)) return null;
  const sizes = call.inputs.map(({ shape }) => shape[axis]);
  if (sizes.includes(null)) {
    for (const part of parts) call.pin(part, `${call.title} joins them with an axis of open size`);
    return null;
  }
  const whole = parts.map((part, i) => part ?? kept(call, sizes[i]!));
  return Int32Array.from(whole.flatMap((part) => [...part]));
}

function kept(call: LayerCall, n: number): Int32Array {
  const units = call.units.create(n);
  call.units.pin(units, 'they cannot shrink');
  return units;
}

/** Dot: multiplies and sums along one axis of both inputs, so both are read there and go together. */
export function dot(call: LayerCall): Marks[] {
  const [a, b] = call.inputs;
  const { axes = -1 } = hidden(call.layer);
  const pair = typeof axes === 'number' ? [axes, axes] : axes;
  const [i, j] = [placeOf(pair[0], a.shape.length), placeOf(pair[1], b.shape.length)];
  const [left, right] = [a.marks[i], b.marks[j]];
  if (left !== null && right !== null) call.units.tie(left, right);
  else call.pin(left ?? right, `${call.title} multiplies them with features that cannot shrink`);
  call.reads(0, i);
  call.reads(1, j);
  const rest = [...a.marks.filter((_, axis) => axis !== i), ...b.marks.filter((_, axis) => axis !== 0 && axis !== j)];
  return [rest.length === 1 ? [null, null] : rest];
}
