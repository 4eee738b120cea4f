import type { Units } from '../units.js';
import { hidden, unmarked } from './common.js';
import type { LayerCall, Marked, Marks } from './types.js';

/** Longest list of positions that is followed; shapes are a stranger's numbers. */
const MAX_POSITIONS = 2 ** 24;

export function permute(call: LayerCall): Marks[] {
  const [{ marks }] = call.inputs;
  return [[null, ...hidden(call.layer).dims!.map((axis) => marks[axis])]];
}

/** RepeatVector [B, n] to [B, times, n]. */
export function repeatVector(call: LayerCall): Marks[] {
  return [[null, null, call.inputs[0].marks[1]]];
}

export function flatten(call: LayerCall): Marks[] {
  const [input] = call.inputs;
  const last = hidden(call.layer).dataFormat === 'channelsFirst' && input.shape.length > 2;
  return [refold(call, last ? channelsLast(input) : input)];
}

export function reshape(call: LayerCall): Marks[] {
  const marks = refold(call, call.inputs[0]);
  marks.forEach((units, axis) => {
    if (units !== null) call.size(['targetShape', axis - 1], units);
  });
  return [marks];
}

function channelsLast({ shape, marks }: Marked): Marked {
  return { shape: secondToLast(shape), marks: secondToLast(marks) };
}

function secondToLast<T>(list: readonly T[]): T[] {
  return [list[0], ...list.slice(2), list[1]];
}

/**
 * Follows the features through the same numbers in another shape. Where some axis of the result holds exactly the old units, that is
 * their axis. Otherwise the last axis is, and all old units that meet in one of its positions go together (a Dense that makes
 * 7 x 7 x 128 numbers for a convolution has 128 units of 49 columns).
 */
function refold(call: LayerCall, input: Marked): Marks {
  const shape = call.outputShapes[0];
  const marked = input.marks.flatMap((units, axis) => (units === null ? [] : [axis]));
  if (marked.length === 0) return unmarked(shape);
  const sizes = [...input.shape.slice(1), ...shape.slice(1)];
  const followed = marked.length === 1 && !sizes.includes(null) && product(shape.slice(1) as number[]) <= MAX_POSITIONS;
  if (!followed) {
    for (const units of input.marks) call.pin(units, `${call.title} cannot be followed feature by feature`);
    return unmarked(shape);
  }
  const flat = flatUnits(input, marked[0]);
  const dims = shape.slice(1) as number[];
  const exact = dims.map((_, i) => dims.length - 1 - i).find((axis) => isAlong(call.units, flat, dims, axis));
  const axis = exact ?? dims.length - 1;
  if (exact === undefined && dims[axis] === 1) {
    call.pin(input.marks[marked[0]], `${call.title} turns them into positions`);
    return unmarked(shape);
  }
  const along = unitsAlong(call.units, flat, dims, axis);
  return unmarked(shape).map((_, i) => (i === axis + 1 ? along : null));
}

/** The unit of every number of an example, in memory order. */
function flatUnits({ shape, marks }: Marked, axis: number): Int32Array {
  const dims = shape.slice(1) as number[];
  const units = marks[axis]!;
  const inner = product(dims.slice(axis));
  return Int32Array.from({ length: product(dims) }, (_, i) => units[Math.floor(i / inner) % units.length]);
}

function isAlong(units: Units, flat: Int32Array, dims: readonly number[], axis: number): boolean {
  const inner = product(dims.slice(axis + 1));
  const first: number[] = [];
  return flat.every((unit, i) => {
    const at = Math.floor(i / inner) % dims[axis];
    first[at] ??= units.find(unit);
    return first[at] === units.find(unit);
  });
}

function unitsAlong(units: Units, flat: Int32Array, dims: readonly number[], axis: number): Int32Array {
  const inner = product(dims.slice(axis + 1));
  const along = new Int32Array(dims[axis]).fill(-1);
  flat.forEach((unit, i) => {
    const at = Math.floor(i / inner) % dims[axis];
    if (along[at] < 0) along[at] = unit;
    else units.tie(Int32Array.of(along[at]), Int32Array.of(unit));
  });
  return along;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
