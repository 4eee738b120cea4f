import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import { rebuild, type JsonObject } from './rebuild.js';
import { checkKeep, resize, slicerOf, type Keep, type Slicer } from './slice.js';

/** Per group, one list per tail point (in the group's order): the constant that stands for each unit there, [n]. */
export type Constants = ReadonlyMap<string, readonly Float32Array[]>;

/**
 * Slices a model to the kept units and lets a constant stand for each unit that goes, by moving what the constant adds into the bias of
 * the layers that read it. A layer without a bias gets one.
 *
 * The constant acts in output space: every output position of a convolution gets the sum over all taps, also at the border of a
 * 'same' padded one, where the image of a constant would be smaller. So the folded model is the masked model plus one number per
 * output feature, exactly and everywhere.
 *
 * @throws UsageError for a group that does not exist or does not fit, for recurrent groups (their first state is zero, not the
 * constant), where a reader has no bias that could hold it (Dot, a strided transposed convolution), and where the calls of a shared
 * reader would need different ones
 */
export function foldConstantUnits(graph: ModelGraph, keep: Keep, constants: Constants): tf.LayersModel {
  checkKeep(graph, keep);
  checkConstants(graph, constants);
  const folder: Folder = { ...slicerOf(graph, keep), graph, keep, constants };
  return rebuild(
    graph.model,
    (layer, config) => {
      resize(folder, layer, config);
      if (needsBias(folder, layer)) biasHolder(layer, config)['useBias'] = true;
    },
    (layer) => kernelsOf(layer).flatMap((part) => weightsOf(folder, part)),
  );
}

interface Folder extends Slicer {
  readonly graph: ModelGraph;
  readonly keep: Keep;
  readonly constants: Constants;
}

/** The part of a layer that holds kernels and a bias, the bias last of its weights. */
interface Part {
  readonly weights: tf.LayerVariable[];
  readonly kernel?: tf.LayerVariable;
  readonly depthwiseKernel?: tf.LayerVariable;
  readonly pointwiseKernel?: tf.LayerVariable;
  readonly bias?: tf.LayerVariable | null;
}

interface Wrapping {
  readonly layer?: tf.layers.Layer;
  readonly cell?: Part;
  readonly forwardLayer?: { readonly cell: Part };
  readonly backwardLayer?: { readonly cell: Part };
}

function kernelsOf(layer: tf.layers.Layer): Part[] {
  const { layer: inner, cell, forwardLayer, backwardLayer } = layer as unknown as Wrapping;
  if (forwardLayer !== undefined && backwardLayer !== undefined) return [forwardLayer.cell, backwardLayer.cell];
  if (cell !== undefined) return [cell];
  return [inner ?? layer];
}

function biasHolder(layer: tf.layers.Layer, config: JsonObject): JsonObject {
  if (layer.getClassName() === 'RNN') return (config['cell'] as JsonObject)['config'] as JsonObject;
  const inner = config['layer'] as JsonObject | undefined;
  return inner === undefined ? config : (inner['config'] as JsonObject);
}

function needsBias(folder: Folder, layer: tf.layers.Layer): boolean {
  return kernelsOf(layer).some((part) => part.bias == null && readingKernel(folder, part) !== null);
}

function weightsOf(folder: Folder, part: Part): tf.Tensor[] {
  const kernel = readingKernel(folder, part);
  if (kernel === null) return part.weights.map((variable) => folder.weight(variable));
  const others = part.weights.filter((variable) => variable !== part.bias);
  const use = folder.detail.analysis.weights.get(kernel)!;
  const made = use.axes[use.roles.indexOf('makes')];
  const added = tf.tensor1d(addedBias(folder, part, kernel));
  const kept = folder.kept(made);
  const shift = kept === null ? added : tf.gather(added, tf.tensor1d(kept, 'int32'));
  const bias = part.bias == null ? tf.mul(shift, 1) : tf.add(folder.weight(part.bias), shift);
  return [...others.map((variable) => folder.weight(variable)), bias];
}

/** The kernel that reads units which go and have a constant; null when there is none. */
function readingKernel(folder: Folder, part: Part): tf.LayerVariable | null {
  const kernel = part.pointwiseKernel ?? part.kernel;
  const use = kernel === undefined ? undefined : folder.detail.analysis.weights.get(kernel);
  if (kernel === undefined || use === undefined) return null;
  const units = use.axes[use.roles.indexOf('reads')] ?? null;
  const constant = units?.some((unit) => constantOf(folder, use.layer, unit) !== 0) ?? false;
  return constant ? kernel : null;
}

/** What stands for a unit that goes where this layer reads it; 0 for all others. */
function constantOf({ detail, graph, keep, constants }: Folder, consumer: string, unit: number): number {
  const place = detail.grouping.places.get(detail.analysis.units.find(unit));
  if (place === undefined) return 0;
  const [group, index] = place;
  const { name, tailPoints } = graph.groups[group];
  if (keep.get(name)?.includes(index) !== false) return 0;
  const point = tailPoints.findIndex(({ consumers }) => consumers.includes(consumer));
  return constants.get(name)?.[point]?.[index] ?? 0;
}

/** Sum over the positions that are read: constant times the kernel's taps, per feature made. */
function addedBias(folder: Folder, part: Part, kernel: tf.LayerVariable): Float32Array {
  const { axes, roles, layer } = folder.detail.analysis.weights.get(kernel)!;
  const reads = roles.indexOf('reads');
  const inputs = Float32Array.from(axes[reads]!, (unit) => constantOf(folder, layer, unit));
  return tf.tidy(() => {
    const seen = part.depthwiseKernel === undefined ? tf.tensor1d(inputs) : filtered(part.depthwiseKernel, inputs);
    const makes = roles.indexOf('makes') < 0 ? kernel.shape.length - 1 : roles.indexOf('makes');
    const shape = kernel.shape.map((_, axis) => (axis === reads ? inputs.length : 1));
    const sum = tf.sum(tf.mul(kernel.read(), tf.reshape(seen, shape)), otherAxes(kernel.shape.length, makes));
    return Float32Array.from(sum.dataSync());
  });
}

/** What a separable convolution's pointwise kernel reads when its input is constant: [in * m]. */
function filtered(depthwise: tf.LayerVariable, inputs: Float32Array): tf.Tensor {
  const [, , channels, multiplier] = depthwise.shape as number[];
  const taps = tf.reshape(tf.sum(depthwise.read(), [0, 1]), [channels * multiplier]);
  return tf.mul(taps, tf.tensor1d(inputs));
}

function otherAxes(rank: number, axis: number): number[] {
  return Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
}

function checkConstants(graph: ModelGraph, constants: Constants): void {
  for (const [name, values] of constants) {
    const group = graph.groups.find((candidate) => candidate.name === name);
    if (group === undefined) throw new UsageError(`There is no width group "${name}".`);
    const points = group.tailPoints.length;
    const fits =
      values.length === points && values.every((list) => list.length === group.n && list.every(Number.isFinite));
    if (!fits) {
      throw new UsageError(`Group "${name}" needs ${group.n} finite constants for each of its ${points} tail points.`);
    }
    checkFoldable(graph, group);
    checkSharedReaders(group, values);
  }
}

/** A layer that reads the group at several tail points has one bias for all of them. */
function checkSharedReaders({ name, consumers, tailPoints }: WidthGroup, values: readonly Float32Array[]): void {
  for (const consumer of consumers) {
    const lists = values.filter((_, i) => tailPoints[i].consumers.includes(consumer));
    if (lists.some((list) => list.some((constant, unit) => constant !== lists[0][unit]))) {
      throw new UsageError(`Layer "${consumer}" reads group "${name}" in several calls with different constants.`);
    }
  }
}

function checkFoldable({ program }: ModelGraph, group: WidthGroup): void {
  if (group.recurrent.length > 0) {
    throw new UsageError(
      `Group "${group.name}" is the state of a recurrent layer, and no constant: it cannot be folded.`,
    );
  }
  for (const name of group.consumers) {
    const { layer } = program.steps.find((step) => step.name === name)!;
    const strides = (layer as { strides?: number[] }).strides ?? [];
    const strided = layer.getClassName().endsWith('Transpose') && strides.some((stride) => stride !== 1);
    if (layer.getClassName() === 'Dot' || strided) {
      throw new UsageError(`Layer "${name}" (${layer.getClassName()}) has no bias that could hold a constant.`);
    }
  }
}
