import * as tf from '@tensorflow/tfjs';

import { readGraph, runProgram, type ModelGraph, type TailPoint } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import type { Cost } from '../../src/records/types.js';
import type { Random } from '../../src/random/index.js';
import { sliceModel, type Keep } from '../../src/surgery/index.js';
import { difference } from '../graph/models.js';

/** Masked and sliced sum the same numbers in another order; relative to the largest output. */
export const PARITY = 1e-5;

export function feedsOf(graph: ModelGraph, inputs: readonly tf.Tensor[]): Map<number, tf.Tensor> {
  return new Map(graph.program.inputs.map((value, i) => [value, inputs[i]]));
}

/** The model's outputs with every unit that is not kept zeroed at its tail points, by plain multiplication. */
export function maskedOutputs(graph: ModelGraph, inputs: readonly tf.Tensor[], keep: Keep): tf.Tensor[] {
  const tap = (value: number, reader: number, tensor: tf.Tensor): tf.Tensor =>
    graph.groups.reduce((masked, group) => {
      const kept = keep.get(group.name);
      const point = group.tailPoints.find((candidate) => candidate.value === value && candidate.reader === reader);
      return kept === undefined || point === undefined ? masked : tf.mul(masked, zerosAndOnes(masked, point, kept));
    }, tensor);
  return runProgram(graph.program, feedsOf(graph, inputs), { tap });
}

function zerosAndOnes(tensor: tf.Tensor, { axis, units }: TailPoint, kept: Int32Array): tf.Tensor {
  const chosen = new Set(kept);
  const values = Array.from({ length: tensor.shape[axis] }, (_, position) => {
    const unit = units === null ? position : units[position];
    return unit < 0 || chosen.has(unit) ? 1 : 0;
  });
  return tf.tensor(
    values,
    tensor.shape.map((_, i) => (i === axis ? values.length : 1)),
  );
}

/** Predicts with any model and gives the outputs as a list. */
export function predict(model: tf.LayersModel, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  return [model.predict(inputs.length === 1 ? inputs[0] : [...inputs])].flat();
}

/** Largest difference between masked and sliced, relative to the largest output; the sliced model's parameters, and its own cost. */
export function parity(
  graph: ModelGraph,
  inputs: readonly tf.Tensor[],
  keep: Keep,
): { readonly error: number; readonly parameters: number; readonly cost: Cost } {
  const sliced = sliceModel(graph, keep);
  const masked = maskedOutputs(graph, inputs, keep);
  const outputs = predict(sliced, inputs);
  const error = relativeError(masked, outputs);
  const parameters = sliced.countParams();
  const cost = readGraph(sliced).cost(new Map());
  tf.dispose([masked, outputs]);
  disposeModel(sliced);
  return { error, parameters, cost };
}

export function relativeError(a: readonly tf.Tensor[], b: readonly tf.Tensor[]): number {
  const gaps = a.map((tensor, i) => difference(tensor, b[i]));
  const largest = Math.max(...gaps.map((gap) => gap.largest));
  return Math.max(...gaps.map((gap) => gap.error)) / (largest || 1);
}

/** The first k units. */
export function prefix(k: number): Int32Array {
  return Int32Array.from({ length: k }, (_, i) => i);
}

/** A random set of units, at least one, for every group; not always prefixes. */
export function randomKeep(graph: ModelGraph, random: Random): Map<string, Int32Array> {
  return new Map(
    graph.groups.map(
      ({ name, n }) =>
        [
          name,
          random
            .permutation(n)
            .slice(0, 1 + random.integer(n))
            .sort(),
        ] as const,
    ),
  );
}

/** Widths 1, n/2, n-1 where they differ and are below n. */
export function someWidths(n: number): number[] {
  return [...new Set([1, Math.floor(n / 2), n - 1])].filter((k) => k >= 1 && k < n);
}
