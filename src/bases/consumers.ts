import type * as tf from '@tensorflow/tfjs';

import { detailOf, type GraphDetail } from '../graph/index.js';
import type { ModelGraph, TailPoint, WidthGroup } from '../graph/types.js';

/**
 * Norm of the weights that read each unit behind a tail point, [n]: over all kernels whose layers read there, a recurrent kernel at the
 * tail point inside its layer. 1 for every unit where no weights read (a Dot of two features).
 */
export function consumerNorms(graph: ModelGraph, group: WidthGroup, point: TailPoint): Float64Array {
  const detail = detailOf(graph);
  const index = graph.groups.indexOf(group);
  const readers = readersBehind(detail, point);
  const squares = new Float64Array(group.n);
  let found = false;
  for (const { variable, layer, axes, roles } of detail.analysis.weights.values()) {
    const axis = roles.indexOf('reads');
    if (axis < 0 || !readers.has(layer) || isRecurrent(variable) !== (point.state === true)) continue;
    found = true;
    addSquares(squares, variable, axis, (position) => unitOf(detail, index, axes[axis]![position]));
  }
  return found ? squares.map(Math.sqrt) : squares.fill(1);
}

/** Layers that mix the features a tail point masks: its reader, or what follows when the reader only folds or passes on. */
function readersBehind({ analysis }: GraphDetail, { reader, state }: TailPoint): Set<string> {
  const { steps } = analysis.program;
  const mixing = new Set(analysis.reads.filter((read) => read.state === (state === true)).map(({ step }) => step));
  const found = new Set<string>();
  const pending = [reader];
  const visited = new Set<number>();
  while (pending.length > 0) {
    const at = pending.pop()!;
    if (visited.has(at)) continue;
    visited.add(at);
    if (mixing.has(at)) found.add(steps[at].name);
    else
      for (const step of steps)
        if (step.inputs.some((value) => steps[at].outputs.includes(value))) pending.push(step.index);
  }
  return found;
}

function isRecurrent({ originalName }: tf.LayerVariable): boolean {
  return /recurrent_kernel/.test(originalName);
}

function unitOf({ analysis, grouping }: GraphDetail, group: number, unit: number): number {
  const place = grouping.places.get(analysis.units.find(unit));
  return place?.[0] === group ? place[1] : -1;
}

function addSquares(
  squares: Float64Array,
  variable: tf.LayerVariable,
  axis: number,
  unitAt: (position: number) => number,
): void {
  const values = variable.read().dataSync();
  const size = variable.shape[axis]!;
  const inner = variable.shape.slice(axis + 1).reduce<number>((all, n) => all * n!, 1);
  for (let position = 0; position < size; position++) {
    const unit = unitAt(position);
    if (unit < 0) continue;
    for (let outer = position * inner; outer < values.length; outer += size * inner) {
      for (let i = outer; i < outer + inner; i++) squares[unit] += values[i] ** 2;
    }
  }
}
