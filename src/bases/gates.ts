import * as tf from '@tensorflow/tfjs';

import type { TailPoint, WidthGroup } from '../graph/types.js';

/** Tail points of some groups by place, so that what a reader reads can be looked up. */
export type Places = ReadonlyMap<string, readonly Place[]>;

export interface Place {
  readonly point: TailPoint;
  /** Which of the groups, and which of its tail points. */
  readonly group: number;
  readonly index: number;
}

export function placesOf(groups: readonly WidthGroup[]): Places {
  const places = new Map<string, Place[]>();
  groups.forEach(({ tailPoints }, group) => {
    tailPoints.forEach((point, index) => {
      const key = placeKey(point.value, point.reader);
      places.set(key, [...(places.get(key) ?? []), { point, group, index }]);
    });
  });
  return places;
}

export function placeKey(value: number, reader: number): string {
  return `${value} ${reader}`;
}

/** Groups by tail point and size, to a gate of ones per example and unit. */
export function openGates(groups: readonly WidthGroup[], rows: number): tf.Tensor2D[] {
  return groups.map(({ n }) => tf.ones([rows, n]));
}

/**
 * Multiplies what a reader reads with its group's gate, unit by unit: the gradient by the gate [B, n] is the sum over positions of
 * activation times gradient, example by example; at every tail point of the group together, which is what removing the unit changes.
 */
export function passGate(tensor: tf.Tensor, { axis, units }: TailPoint, gate: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const shape = tensor.shape.map((_, i) => (i === 0 ? gate.shape[0] : 1));
    shape[axis] = tensor.shape[axis];
    const spread = units === null ? gate : spreadGate(gate, units);
    return tf.mul(tensor, tf.reshape(spread, shape));
  });
}

/** [B, n] to [B, positions]: 1 where a position is no unit of the group. A product with 0 and 1, whose gradient every backend has. */
function spreadGate(gate: tf.Tensor, units: Int32Array): tf.Tensor {
  const n = gate.shape[1]!;
  const selection = new Float32Array(n * units.length);
  const others = new Float32Array(units.length);
  units.forEach((unit, position) => {
    if (unit < 0) others[position] = 1;
    else selection[unit * units.length + position] = 1;
  });
  const spread = tf.matMul(gate, tf.tensor2d(selection, [n, units.length]));
  return tf.add(spread, tf.tensor2d(others, [1, units.length]));
}
