import type { HostArray } from '../data/types.js';
import type { Objective, Outputs } from './types.js';

/** Loss and metrics of each row. */
export interface Judged {
  /** [rows], the mean over a row's positions (and units, where the loss is per unit). */
  readonly loss: Float64Array;
  /** By metric name, [rows] each. */
  readonly metrics: Readonly<Record<string, Float64Array>>;
}

/** K of the metric `topK`. */
export const TOP_K = 5;

/**
 * Judges a model's final numbers row by row, in float64 on the host.
 *
 * Cross-entropies are taken from logits: log-sum-exp minus the target's score, so that no probability is clipped.
 *
 * @param outputs [rows, …, units]; logits where the link is softmax or sigmoid.
 * @param target classes [rows, …] as int32, or numbers [rows, …, units]; absent for target `self`.
 * @param reference the original model's outputs on the same rows; needed for target `self` only.
 * @throws RangeError where sizes don't fit together.
 */
export function judge(objective: Objective, outputs: Outputs, target?: HostArray, reference?: Outputs): Judged {
  const truth = truthOf(objective, outputs, target, reference);
  const loss = perRow(outputs, lossOf(objective, outputs, truth));
  const metrics: Record<string, Float64Array> = {};
  for (const { name } of objective.metrics) metrics[name] = perRow(outputs, metricOf(name, objective, outputs, truth));
  return { loss, metrics };
}

/** What is right, per position: a class, or a number per unit. */
interface Truth {
  readonly classes?: Int32Array;
  /** Always there but for class labels, where it is made when something asks for it. */
  dense(): Float32Array;
}

function truthOf(objective: Objective, outputs: Outputs, target?: HostArray, reference?: Outputs): Truth {
  if (objective.self) {
    if (reference === undefined || reference.values.length !== outputs.values.length) {
      throw new RangeError('Target "self" needs the original outputs of the same rows.');
    }
    const numbers = activate(objective, reference);
    return { dense: () => numbers };
  }
  if (target === undefined) throw new RangeError('Rows without a target can only be judged with target "self".');
  const positions = outputs.values.length / outputs.units;
  if (target.values instanceof Int32Array && target.values.length === positions) {
    const classes = target.values;
    return { classes, dense: () => oneHot(classes, outputs.units) };
  }
  if (target.values.length !== outputs.values.length) {
    throw new RangeError(`Targets hold ${target.values.length} numbers, expected ${outputs.values.length}.`);
  }
  const numbers = Float32Array.from(target.values);
  return { dense: () => numbers };
}

/** A single unit takes 0/1 labels as they are. */
function oneHot(classes: Int32Array, units: number): Float32Array {
  if (units === 1) return Float32Array.from(classes);
  const dense = new Float32Array(classes.length * units);
  for (let i = 0; i < classes.length; i++) dense[i * units + classes[i]] = 1;
  return dense;
}

/** Loss of the position that starts at `offset` of the values. */
type AtPosition = (position: number, offset: number) => number;

function perRow(outputs: Outputs, at: AtPosition): Float64Array {
  const positions = outputs.values.length / outputs.units / outputs.rows;
  const result = new Float64Array(outputs.rows);
  for (let row = 0; row < outputs.rows; row++) {
    let total = 0;
    for (let i = row * positions; i < (row + 1) * positions; i++) total += at(i, i * outputs.units);
    result[row] = total / positions;
  }
  return result;
}

function lossOf(objective: Objective, outputs: Outputs, truth: Truth): AtPosition {
  const { values, units } = outputs;
  switch (objective.loss) {
    case 'categoricalCrossentropy':
      return softmaxCrossentropy(outputs, truth);
    case 'kullbackLeibler':
      return objective.link === 'sigmoid' ? sigmoidDivergence(outputs, truth) : softmaxDivergence(outputs, truth);
    case 'binaryCrossentropy': {
      const dense = truth.dense();
      return (_, offset) =>
        meanOver(units, (u) => softplus(values[offset + u]) - dense[offset + u] * values[offset + u]);
    }
    case 'meanSquaredError':
      return distance(objective, outputs, truth, (difference) => difference * difference);
    case 'meanAbsoluteError':
      return distance(objective, outputs, truth, Math.abs);
  }
}

function softmaxCrossentropy({ values, units }: Outputs, truth: Truth): AtPosition {
  const { classes } = truth;
  if (classes !== undefined) {
    return (position, offset) => logSumExp(values, offset, units) - values[offset + classes[position]];
  }
  const dense = truth.dense();
  return (_, offset) => {
    const normalizer = logSumExp(values, offset, units);
    let loss = 0;
    for (let u = offset; u < offset + units; u++) if (dense[u] !== 0) loss += dense[u] * (normalizer - values[u]);
    return loss;
  };
}

/** KL(q || p) = sum q (log q - log p), with 0 log 0 = 0. */
function softmaxDivergence({ values, units }: Outputs, truth: Truth): AtPosition {
  const dense = truth.dense();
  return (_, offset) => {
    const normalizer = logSumExp(values, offset, units);
    let loss = 0;
    for (let u = offset; u < offset + units; u++) {
      const q = dense[u];
      if (q > 0) loss += q * (Math.log(q) - values[u] + normalizer);
    }
    return loss;
  };
}

function sigmoidDivergence({ values, units }: Outputs, truth: Truth): AtPosition {
  const dense = truth.dense();
  return (_, offset) =>
    meanOver(units, (u) => {
      const q = dense[offset + u];
      const z = values[offset + u];
      return softplus(z) - q * z + (q > 0 ? q * Math.log(q) : 0) + (q < 1 ? (1 - q) * Math.log1p(-q) : 0);
    });
}

function distance(
  objective: Objective,
  outputs: Outputs,
  truth: Truth,
  of: (difference: number) => number,
): AtPosition {
  const dense = truth.dense();
  const numbers = activate(objective, outputs);
  return (_, offset) => meanOver(outputs.units, (u) => of(numbers[offset + u] - dense[offset + u]));
}

function metricOf(name: string, objective: Objective, outputs: Outputs, truth: Truth): AtPosition {
  const { values, units } = outputs;
  const classAt = (position: number, offset: number): number =>
    truth.classes === undefined ? argMax(truth.dense(), offset, units) : truth.classes[position];
  switch (name) {
    case 'accuracy':
      return (position, offset) => (argMax(values, offset, units) === classAt(position, offset) ? 1 : 0);
    case 'topK':
      return (position, offset) => (rankOf(values, offset, units, classAt(position, offset)) < TOP_K ? 1 : 0);
    case 'binaryAccuracy': {
      const dense = truth.dense();
      return (_, offset) => meanOver(units, (u) => (values[offset + u] > 0 === dense[offset + u] > 0.5 ? 1 : 0));
    }
    case 'meanAbsoluteError':
      return distance(objective, outputs, truth, Math.abs);
    case 'meanSquaredError':
      return distance(objective, outputs, truth, (difference) => difference * difference);
    default:
      throw new RangeError(`Unknown metric "${name}".`);
  }
}

/** The model's own numbers from its logits: softmax or sigmoid undone. */
export function activate(objective: Objective, { values, units }: Outputs): Float32Array {
  if (objective.link === 'linear') return values;
  const result = new Float32Array(values.length);
  if (objective.link === 'sigmoid') {
    for (let i = 0; i < values.length; i++) result[i] = 1 / (1 + Math.exp(-values[i]));
    return result;
  }
  for (let offset = 0; offset < values.length; offset += units) {
    const normalizer = logSumExp(values, offset, units);
    for (let u = offset; u < offset + units; u++) result[u] = Math.exp(values[u] - normalizer);
  }
  return result;
}

function logSumExp(values: Float32Array, offset: number, units: number): number {
  let top = -Infinity;
  for (let u = offset; u < offset + units; u++) if (values[u] > top) top = values[u]!;
  let total = 0;
  for (let u = offset; u < offset + units; u++) total += Math.exp(values[u] - top);
  return top + Math.log(total);
}

/** log(1 + e^z) without overflow. */
function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

function argMax(values: Float32Array, offset: number, units: number): number {
  let best = 0;
  for (let u = 1; u < units; u++) if (values[offset + u] > values[offset + best]) best = u;
  return best;
}

/** How many units score higher than `unit`. */
function rankOf(values: Float32Array, offset: number, units: number, unit: number): number {
  let rank = 0;
  for (let u = 0; u < units; u++) if (values[offset + u] > values[offset + unit]) rank++;
  return rank;
}

function meanOver(count: number, at: (index: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += at(i);
  return total / count;
}
