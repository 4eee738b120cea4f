import type { HostArray } from '../data/types.js';
import { mean } from './stats.js';
import type { Objective } from './types.js';

/**
 * Loss of the best constant answer on these rows: the entropy of the class shares, the variance, or the mean distance
 * from the median. A model that does no better has learnt nothing that this data shows. For target `self` there is no
 * such answer without the original's outputs, so NaN.
 *
 * @param target classes [rows] as int32 or numbers [rows, …, units].
 * @param units size of the model output's last axis.
 */
export function constantLoss(objective: Objective, target: HostArray | undefined, units: number): number {
  if (objective.self || target === undefined) return Number.NaN;
  const columns = columnsOf(target, units);
  switch (objective.loss) {
    case 'categoricalCrossentropy':
      return -columns.map((column) => mean(column)).reduce((total, share) => total + xLogX(share), 0);
    case 'binaryCrossentropy':
      return mean(columns.map((column) => -xLogX(mean(column)) - xLogX(1 - mean(column))));
    case 'meanAbsoluteError':
      return mean(columns.map((column) => spread(column, median(column), Math.abs)));
    default:
      return mean(columns.map((column) => spread(column, mean(column), (difference) => difference ** 2)));
  }
}

/**
 * The same for target `self`: loss of the best constant against the original model's own outputs, which alone would make no loss. For the
 * divergence that is the mean distance to the mean of the outputs.
 *
 * @param numbers the original's outputs after its last activation, [rows * units].
 */
export function constantSelfLoss(objective: Objective, numbers: Float32Array, units: number): number {
  const target: HostArray = { shape: [numbers.length / units, units], values: numbers };
  const columns = columnsOf(target, units);
  if (objective.loss !== 'kullbackLeibler') return constantLoss({ ...objective, self: false }, target, units);
  // KL(q || mean q) = H(mean q) - H(q), both averaged over rows
  if (objective.link === 'sigmoid') {
    return mean(columns.map((column) => binaryEntropy(mean(column)) - mean(column.map(binaryEntropy))));
  }
  return columns.reduce((total, column) => total - xLogX(mean(column)) + mean(column.map(xLogX)), 0);
}

function binaryEntropy(share: number): number {
  return -xLogX(share) - xLogX(1 - share);
}

/** One column a unit, classes as one-hot. */
function columnsOf(target: HostArray, units: number): readonly Float64Array[] {
  // by contract classes are int32, numbers float32
  const isClasses = target.values instanceof Int32Array;
  const rows = isClasses ? target.values.length : target.values.length / units;
  return Array.from({ length: units }, (_, unit) => {
    const column = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      if (!isClasses) column[row] = target.values[row * units + unit]!;
      else column[row] = units === 1 ? target.values[row] : Number(target.values[row] === unit);
    }
    return column;
  });
}

function xLogX(share: number): number {
  return share > 0 ? share * Math.log(share) : 0;
}

function spread(column: Float64Array, center: number, of: (difference: number) => number): number {
  return mean(column.map((value) => of(value - center)));
}

function median(column: Float64Array): number {
  const sorted = column.toSorted();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
