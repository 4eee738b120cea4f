import * as tf from '@tensorflow/tfjs';

import { truncateKernel } from '../bases/index.js';
import { detailOf, finalActivations, hasLogits, runProgram, type ModelGraph, type TailPoint } from '../graph/index.js';
import type { PlannedGroup } from '../records/types.js';
import type { Predict } from './parity.js';
import type { PlanParts } from './parts.js';
import { formByBasis, resolvePlan, type Resolved } from './resolve.js';
import { constantShift, isRecurrent, withChanges, type LayerChange } from './shift.js';

/** The original-size program with a plan put in. */
export interface MaskedModel {
  readonly predict: Predict;
  dispose(): void;
}

/**
 * What a plan means, carried out without any surgery on the program as large as it is: kernels with a rank are truncated in place, units that go are
 * multiplied by zero at the tail points, and their readers add, before their activation and at every place alike, what the constants of folded units
 * make. Shares nothing with `narrowModel` but the bases and the choice of kernels that stay whole. The model is changed while it predicts only.
 *
 * @throws UsageError for a plan that does not fit the model
 */
export function maskedModel(graph: ModelGraph, groups: readonly PlannedGroup[], parts: PlanParts): MaskedModel {
  const plan = resolvePlan(graph, groups, formByBasis(parts.rankBasis));
  const changes = truncated(graph, plan, parts);
  const dropped = droppedUnits(plan, parts);
  const added = addConstants(graph, plan, parts, dropped, changes);
  const tap = (value: number, reader: number, tensor: tf.Tensor): tf.Tensor => {
    const constants = added.get(`${value} ${reader}`);
    const masked = maskAt(graph, dropped, value, reader, tensor);
    return constants === undefined ? masked : tf.add(masked, alongAxis(constants.values, tensor, constants.axis));
  };
  const feedsOf = (inputs: readonly tf.Tensor[]): Map<number, tf.Tensor> =>
    new Map(graph.program.inputs.map((value, i) => [value, inputs[i]]));
  return {
    predict: (inputs, { logits = false } = {}) =>
      withChanges(changes, logits ? finals(graph) : new Set(), () =>
        runProgram(graph.program, feedsOf(inputs), { tap, logits }),
      ),
    dispose: () => tf.dispose([...changes.values()].flatMap(({ kernel }) => (kernel === undefined ? [] : [kernel]))),
  };
}

/** Layers whose last softmax or sigmoid `logits` leaves out. */
function finals({ program }: ModelGraph): Set<tf.layers.Layer> {
  const steps = finalActivations(program).flatMap((final) =>
    final !== null && hasLogits(program, final) ? [program.steps[final.step]] : [],
  );
  return new Set(steps.map(({ layer }) => layer));
}

function layerAt({ program }: ModelGraph, path: string): tf.layers.Layer {
  return program.steps.find(({ name }) => name === path)!.layer;
}

/** Kernels of rank k; what a mean adds counts as a shift, since a layer may have no bias. */
function truncated(graph: ModelGraph, { ranks }: Resolved, parts: PlanParts): Map<tf.layers.Layer, LayerChange> {
  const changes = new Map<tf.layers.Layer, LayerChange>();
  for (const [path, { basis: name, k }] of ranks) {
    const basis = parts.rankBasis(path, name);
    const { kernel, biasShift } = truncateKernel(basis, k);
    const tensor = tf.tensor(kernel, [...basis.kernelShape]);
    const shift = biasShift === null ? {} : { shift: Float64Array.from(biasShift) };
    changes.set(layerAt(graph, path), { kernel: tensor, ...shift });
  }
  return changes;
}

/** By group: the units that go. */
function droppedUnits({ units }: Resolved, parts: PlanParts): Map<string, ReadonlySet<number>> {
  return new Map(
    [...units].map(([name, { basis, k }]) => [name, new Set(parts.unitBasis(name, basis).order.slice(k))] as const),
  );
}

function maskAt(
  { groups }: ModelGraph,
  dropped: ReadonlyMap<string, ReadonlySet<number>>,
  value: number,
  reader: number,
  tensor: tf.Tensor,
): tf.Tensor {
  return groups.reduce((seen, { name, tailPoints }) => {
    const gone = dropped.get(name);
    const point = tailPoints.find((candidate) => candidate.value === value && candidate.reader === reader);
    if (gone === undefined || point === undefined) return seen;
    return tf.mul(seen, alongAxis(maskOf(point, tensor.shape[point.axis], gone), seen, point.axis));
  }, tensor);
}

function maskOf({ units }: TailPoint, size: number, gone: ReadonlySet<number>): Float32Array {
  return Float32Array.from({ length: size }, (_, at) => (gone.has(units === null ? at : units[at]) ? 0 : 1));
}

function alongAxis(values: Float32Array, { rank }: tf.Tensor, axis: number): tf.Tensor {
  const shape = Array.from({ length: rank }, (_, i) => (i === axis ? values.length : 1));
  return tf.tensor(values, shape);
}

interface Added {
  readonly axis: number;
  readonly values: Float32Array;
}

/**
 * What stands for units that go, place by place where a layer reads them. A recurrent layer is given it as its input, which is the same at
 * every time step; of all others the shift is found, to be added behind the kernel.
 */
function addConstants(
  graph: ModelGraph,
  { folded }: Resolved,
  parts: PlanParts,
  dropped: ReadonlyMap<string, ReadonlySet<number>>,
  changes: Map<tf.layers.Layer, LayerChange>,
): Map<string, Added> {
  const { analysis, grouping } = detailOf(graph);
  const added = new Map<string, Added>();
  const done = new Set<string>();
  for (const { step, value, axis, units, state } of analysis.reads) {
    const { name: path, layer } = graph.program.steps[step];
    const values = Float32Array.from(units, (unit) => {
      const [index, own] = grouping.places.get(analysis.units.find(unit)) ?? [-1, -1];
      const group = graph.groups[index];
      if (group === undefined || !folded.has(group.name) || !dropped.get(group.name)!.has(own)) return 0;
      const point = group.tailPoints.findIndex(({ consumers }) => consumers.includes(path));
      return parts.constants(group.name)[point][own];
    });
    if (state || values.every((constant) => constant === 0)) continue;
    if (isRecurrent(layer)) added.set(`${value} ${step}`, { axis, values });
    else if (!done.has(path)) {
      const change = changes.get(layer) ?? {};
      changes.set(layer, { ...change, shift: constantShift(layer, values, change) });
    }
    // the calls of a shared layer read the same constants
    done.add(path);
  }
  return added;
}
