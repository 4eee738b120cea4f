import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { detailOf } from '../graph/read.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';

/** Which units are kept first, and what stands for the others. */
export interface Ordered {
  readonly graph: ModelGraph;
  readonly group: WidthGroup;
  /** order[i] = the unit that is kept i-th, length n. */
  readonly order: Int32Array;
  /** Per tail point of the group, [n]; default: zero. */
  readonly constants?: readonly Float32Array[];
}

/** A kernel that mixes the group's units, in a layer or in a part of one. */
interface Reader {
  readonly part: Part;
  /** Per input of the kernel the place of its unit in the order, or -1. */
  readonly places: Int32Array;
  /** What stands for it, [inputs]. */
  readonly constants: Float32Array;
  /** [inputs, outputs], summed over the kernel's taps. */
  readonly taps: Float32Array;
}

/** The part of a layer that holds a kernel and its bias. */
interface Part {
  readonly kernel?: tf.LayerVariable;
  readonly depthwiseKernel?: tf.LayerVariable;
  readonly pointwiseKernel?: tf.LayerVariable;
  bias?: Pick<tf.LayerVariable, 'read'> | null;
  useBias?: boolean;
}

interface Wrapping {
  readonly layer?: tf.layers.Layer;
  readonly cell?: Part;
  readonly forwardLayer?: { readonly cell: Part };
  readonly backwardLayer?: { readonly cell: Part };
}

/**
 * Lets the constants of the units that go act through the biases of the layers that read them, as `foldConstantUnits` does, for groups
 * whose readers cannot be summed feature by feature. A layer that has no bias has one while `body` runs.
 *
 * @returns runs a body with the biases of width k; they are put back whatever happens
 * @throws UsageError where a reader cannot hold a constant in its bias
 */
export function withConstants(ordered: Ordered): <T>(k: number, body: () => Promise<T>) => Promise<T> {
  const readers = readersOf(ordered);
  return async (k, body) => {
    const own = readers.map(({ part: { bias, useBias } }) => ({ bias, useBias }));
    const shifts = readers.map((reader) => biasAt(reader, k));
    readers.forEach(({ part }, i) => {
      part.bias = { read: () => shifts[i] };
      part.useBias = true;
    });
    try {
      return await body();
    } finally {
      readers.forEach(({ part }, i) => Object.assign(part, own[i]));
      tf.dispose(shifts);
    }
  };
}

/**
 * Checks what stands for a group's units.
 *
 * @throws UsageError where a list is missing, too short or not finite, for recurrent groups (their first state is zero), and for readers
 * whose bias cannot hold a constant or would have to hold several
 */
export function checkConstants(graph: ModelGraph, group: WidthGroup, constants: readonly Float32Array[]): void {
  const { name, n, tailPoints, consumers, recurrent } = group;
  const isFitting =
    constants.length === tailPoints.length &&
    constants.every((list) => list.length === n && list.every((value) => Number.isFinite(value)));
  if (!isFitting) {
    throw new UsageError(
      `Group "${name}" needs ${n} finite constants for each of its ${tailPoints.length} tail points.`,
    );
  }
  if (recurrent.length > 0) {
    throw new UsageError(`Group "${name}" is the state of a recurrent layer, and no constant can stand for it.`);
  }
  for (const consumer of consumers) {
    const { layer } = graph.program.steps.find((step) => step.name === consumer)!;
    const strides = (layer as { strides?: number[] }).strides ?? [];
    const isStrided = layer.getClassName().endsWith('Transpose') && strides.some((stride) => stride !== 1);
    if (layer.getClassName() === 'Dot' || isStrided) {
      throw new UsageError(`Layer "${consumer}" (${layer.getClassName()}) has no bias that could hold a constant.`);
    }
    const lists = constants.filter((_, i) => tailPoints[i].consumers.includes(consumer));
    if (lists.some((list) => list.some((value, unit) => value !== lists[0][unit]))) {
      throw new UsageError(`Layer "${consumer}" reads group "${name}" in several calls with different constants.`);
    }
  }
}

function readersOf({ graph, group, order, constants = [] }: Ordered): Reader[] {
  const place = new Int32Array(group.n);
  order.forEach((unit, i) => (place[unit] = i));
  const readers: Reader[] = [];
  const layers = new Set(graph.program.steps.map(({ layer }) => layer));
  for (const part of [...layers].flatMap(partsOf)) {
    const kernel = part.pointwiseKernel ?? part.kernel;
    const use = kernel === undefined ? undefined : detailOf(graph).analysis.weights.get(kernel);
    const axis = use?.roles.indexOf('reads') ?? -1;
    const units = use?.axes[axis];
    if (kernel === undefined || use === undefined || units === undefined || units === null) continue;
    const point = group.tailPoints.findIndex(({ consumers }) => consumers.includes(use.layer));
    const own = Array.from(units, (unit) => unitOf(graph, group, unit));
    if (point < 0 || own.every((unit) => unit < 0)) continue;
    const values = Float32Array.from(own, (unit) => (unit < 0 ? 0 : constants[point][unit]));
    const places = Int32Array.from(own, (unit) => (unit < 0 ? -1 : place[unit]));
    const makes = use.roles.indexOf('makes');
    const taps = tapsOf(part, kernel, axis, makes < 0 ? kernel.shape.length - 1 : makes);
    readers.push({ part, places, constants: values, taps });
  }
  return readers;
}

function partsOf(layer: tf.layers.Layer): Part[] {
  const { layer: inner, cell, forwardLayer, backwardLayer } = layer as unknown as Wrapping;
  if (forwardLayer !== undefined && backwardLayer !== undefined) return [forwardLayer.cell, backwardLayer.cell];
  return [cell ?? ((inner ?? layer) as Part)];
}

/** The group's unit that a unit of the analysis is, or -1. */
function unitOf(graph: ModelGraph, group: WidthGroup, unit: number): number {
  const { analysis, grouping } = detailOf(graph);
  const [index, own] = grouping.places.get(analysis.units.find(unit)) ?? [-1, -1];
  return graph.groups[index] === group ? own : -1;
}

/** The kernel as [inputs, outputs]; of a separable convolution what both its kernels make of a constant. */
function tapsOf(part: Part, kernel: tf.LayerVariable, reads: number, makes: number): Float32Array {
  return tf.tidy(() => {
    const axes = kernel.shape.map((_, axis) => axis).filter((axis) => axis !== reads && axis !== makes);
    const sums = tf.sum(kernel.read(), axes);
    const matrix = reads < makes ? sums : tf.transpose(sums);
    if (part.depthwiseKernel === undefined) return Float32Array.from(matrix.dataSync());
    const filters = tf.reshape(tf.sum(part.depthwiseKernel.read(), [0, 1]), [-1, 1]);
    return Float32Array.from(tf.mul(matrix, filters).dataSync());
  });
}

function biasAt({ part, places, constants, taps }: Reader, k: number): tf.Tensor {
  const outputs = taps.length / places.length;
  const sums = new Float64Array(outputs);
  places.forEach((place, input) => {
    if (place < k) return;
    for (let j = 0; j < outputs; j++) sums[j] += constants[input] * taps[input * outputs + j];
  });
  return tf.tidy(() => {
    const shift = tf.tensor1d(Float32Array.from(sums));
    return part.bias == null ? shift : tf.add(part.bias.read(), shift);
  });
}
