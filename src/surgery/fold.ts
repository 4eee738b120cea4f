import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { absorberOf, kernelParts, mixingKernel, type KernelPart } from '../graph/index.js';
import type { ModelGraph, TailPoint, WidthGroup } from '../graph/types.js';
import { rebuild, type JsonObject } from './rebuild.js';
import { checkKeep, resize, slicerOf, type Keep, type Slicer } from './slice.js';

/** Per group, one list per tail point (in the group's order): the constant that stands for each unit there, [n]. */
export type Constants = ReadonlyMap<string, readonly Float32Array[]>;

/**
 * Slices a model to the kept units and lets a constant stand for each unit that goes, by moving what the constant adds into the bias of
 * the layers that read it. A layer without a bias gets one, unless a BatchNormalization is all that reads it: then that one's mean moves.
 *
 * The constant acts in output space: every output position of a convolution gets the sum over all taps, also at the border of a
 * 'same' padded one, where the image of a constant would be smaller. So the folded model is the masked model plus one number per
 * output feature, exactly and everywhere.
 *
 * @param through paths of linear layers without a bias (the first halves of factored ones) and of the one layer that reads each: that one's
 *   bias takes over, at all taps of its own kernel
 * @throws UsageError for a group that does not exist or does not fit, for recurrent groups (their first state is zero, not the
 * constant), where a reader has no bias that could hold it (Dot, a strided transposed convolution), and where the calls of a shared
 * reader would need different ones
 */
export function foldConstantUnits(
  graph: ModelGraph,
  keep: Keep,
  constants: Constants,
  through: ReadonlyMap<string, string> = new Map(),
): tf.LayersModel {
  checkKeep(graph, keep);
  checkConstants(graph, constants);
  const layerAt = (path: string): tf.layers.Layer => graph.program.steps.find(({ name }) => name === path)!.layer;
  const firsts = new Map([...through].map(([first, second]) => [layerAt(second), layerAt(first)]));
  const absorbed = absorbedLayers(graph);
  const passing = new Set(firsts.values());
  const folder: Folder = { ...slicerOf(graph, keep), graph, keep, constants, firsts, passing, absorbed };
  return rebuild(
    graph.model,
    (layer, config) => {
      resize(folder, layer, config);
      if (needsBias(folder, layer)) biasHolder(layer, config)['useBias'] = true;
    },
    (layer) =>
      folder.absorbed.has(layer)
        ? normalizerWeights(folder, layer)
        : kernelParts(layer).flatMap((part) => weightsOf(folder, layer, part)),
  );
}

/**
 * Whether constants may stand for a group's units. Not in a recurrent group, where a reader has no bias that could hold them, where a layer
 * stands between the tail point and the reader that would change them, and where a shared reader's calls would need different ones.
 * @param constants of the group; without them a reader of several tail points counts as one that needs different ones
 */
export function foldable(graph: ModelGraph, group: WidthGroup, constants?: readonly Float32Array[]): boolean {
  return foldingRefusal(graph, group) === null && disagreement(group, constants) === null;
}

interface Folder extends Slicer {
  readonly graph: ModelGraph;
  readonly keep: Keep;
  readonly constants: Constants;
  /** Layers whose bias takes over what another one would gain: the one behind and the first. */
  readonly firsts: ReadonlyMap<tf.layers.Layer, tf.layers.Layer>;
  readonly passing: ReadonlySet<tf.layers.Layer>;
  /** BatchNormalizations by what they take over: that of a layer without a bias. */
  readonly absorbed: ReadonlyMap<tf.layers.Layer, tf.layers.Layer>;
}

/** By BatchNormalization the layer without a bias whose constants its mean takes over. */
function absorbedLayers({ program }: ModelGraph): Map<tf.layers.Layer, tf.layers.Layer> {
  const absorbed = new Map<tf.layers.Layer, tf.layers.Layer>();
  for (const { layer } of program.steps) {
    const normalizer = kernelParts(layer)[0].bias == null ? absorberOf(program, layer) : null;
    if (normalizer !== null) absorbed.set(normalizer, layer);
  }
  return absorbed;
}

/** The mean less what the layer before would have added. */
function normalizerWeights(folder: Folder, layer: tf.layers.Layer): tf.Tensor[] {
  const { movingMean } = layer as unknown as { readonly movingMean: tf.LayerVariable };
  const maker = folder.absorbed.get(layer)!;
  const shift = shiftOf(folder, maker, kernelParts(maker)[0]);
  return layer.weights.map((variable) => {
    const weight = folder.weight(variable);
    return variable === movingMean && shift !== null ? tf.sub(weight, shift) : weight;
  });
}

function biasHolder(layer: tf.layers.Layer, config: JsonObject): JsonObject {
  if (layer.getClassName() === 'RNN') return (config['cell'] as JsonObject)['config'] as JsonObject;
  const inner = config['layer'] as JsonObject | undefined;
  return inner === undefined ? config : (inner['config'] as JsonObject);
}

function needsBias(folder: Folder, layer: tf.layers.Layer): boolean {
  return kernelParts(layer).some(
    (part) =>
      part.bias == null && sourceOf(folder, layer, part) !== null && absorberOf(folder.graph.program, layer) === null,
  );
}

function weightsOf(folder: Folder, layer: tf.layers.Layer, part: KernelPart): tf.Tensor[] {
  const isMoved = part.bias == null && !needsBias(folder, layer);
  const shift = isMoved ? null : shiftOf(folder, layer, part);
  if (shift === null) return part.weights.map((variable) => folder.weight(variable));
  const others = part.weights.filter((variable) => variable !== part.bias);
  const bias = part.bias == null ? tf.mul(shift, 1) : tf.add(folder.weight(part.bias), shift);
  return [...others.map((variable) => folder.weight(variable)), bias];
}

/** What constants add to the features that a part of a layer makes, those that are left; null: nothing. */
function shiftOf(folder: Folder, layer: tf.layers.Layer, part: KernelPart): tf.Tensor | null {
  const source = sourceOf(folder, layer, part);
  if (source === null) return null;
  const gained = addedBias(folder, source);
  const use = folder.detail.analysis.weights.get(mixingKernel(part)!)!;
  const kept = folder.kept(use.axes[use.roles.indexOf('makes')]);
  const added = source === part ? tf.tensor1d(gained) : passedOn(part, gained);
  return kept === null ? added : tf.gather(added, tf.tensor1d(kept, 'int32'));
}

/** The part whose constants a layer's bias takes over: its own, or that of the first half before it; null: none. */
function sourceOf(folder: Folder, layer: tf.layers.Layer, part: KernelPart): KernelPart | null {
  const first = folder.firsts.get(layer);
  if (first !== undefined) return readsConstants(folder, kernelParts(first)[0]) ? kernelParts(first)[0] : null;
  return !folder.passing.has(layer) && readsConstants(folder, part) ? part : null;
}

/** Whether a kernel reads units which go and which constants stand for. */
function readsConstants(folder: Folder, part: KernelPart): boolean {
  const kernel = mixingKernel(part);
  const use = kernel === undefined ? undefined : folder.detail.analysis.weights.get(kernel);
  const units = use?.axes[use.roles.indexOf('reads')] ?? null;
  return units?.some((unit) => constantOf(folder, use!.layer, unit) !== null) ?? false;
}

/** What a kernel [.., k, out] makes of a constant [k] at every place, all its taps together. */
function passedOn({ kernel }: KernelPart, values: Float32Array): tf.Tensor1D {
  const [k, cols] = kernel!.shape.slice(-2) as [number, number];
  const taps = tf.sum(tf.reshape(kernel!.read(), [-1, k, cols]), 0);
  return tf.reshape(tf.matMul(tf.tensor2d(values, [1, k]), taps as tf.Tensor2D), [cols]);
}

/** What stands for a unit that goes where this layer reads it; null for all others. */
function constantOf({ detail, graph, keep, constants }: Folder, consumer: string, unit: number): number | null {
  const place = detail.grouping.places.get(detail.analysis.units.find(unit));
  if (place === undefined) return null;
  const [group, index] = place;
  const { name, tailPoints } = graph.groups[group];
  if (keep.get(name)?.includes(index) !== false) return null;
  const point = tailPoints.findIndex(({ consumers }) => consumers.includes(consumer));
  return constants.get(name)?.[point]?.[index] ?? null;
}

/** Sum over the positions that are read: constant times the kernel's taps, per feature made. */
function addedBias(folder: Folder, part: KernelPart): Float32Array {
  const kernel = mixingKernel(part)!;
  const { axes, roles, layer } = folder.detail.analysis.weights.get(kernel)!;
  const reads = roles.indexOf('reads');
  const inputs = Float32Array.from(axes[reads]!, (unit) => constantOf(folder, layer, unit) ?? 0);
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
    const refusal = foldingRefusal(graph, group) ?? disagreement(group, values);
    if (refusal !== null) throw new UsageError(refusal);
  }
}

/** A layer that reads the group at several tail points has one bias for all of them. */
function disagreement({ name, consumers, tailPoints }: WidthGroup, values?: readonly Float32Array[]): string | null {
  for (const consumer of consumers) {
    const points = [...tailPoints.keys()].filter((i) => tailPoints[i].consumers.includes(consumer));
    const first = values?.[points[0]];
    const same = points.slice(1).every((i) => values?.[i].every((constant, unit) => constant === first![unit]));
    if (!same) return `Layer "${consumer}" reads group "${name}" in several calls with different constants.`;
  }
  return null;
}

function foldingRefusal(graph: ModelGraph, group: WidthGroup): string | null {
  if (group.recurrent.length > 0) {
    return `Group "${group.name}" is the state of a recurrent layer, and no constant: it cannot be folded.`;
  }
  for (const name of group.consumers) {
    const { layer } = graph.program.steps.find((step) => step.name === name)!;
    const strides = (layer as { strides?: number[] }).strides ?? [];
    const strided = layer.getClassName().endsWith('Transpose') && strides.some((stride) => stride !== 1);
    if (layer.getClassName() === 'Dot' || strided) {
      return `Layer "${name}" (${layer.getClassName()}) has no bias that could hold a constant.`;
    }
  }
  const between = group.tailPoints.flatMap((point) => changersBehind(graph, point));
  return between.length === 0 ? null : `Layer "${between[0]}" changes constants before they are read.`;
}

/** Layers between a tail point and those that mix what it masks that do more than to fold. */
function changersBehind({ program }: ModelGraph, { reader, consumers, state }: TailPoint): string[] {
  const [found, pending, seen]: [string[], number[], Set<number>] = [[], state === true ? [] : [reader], new Set()];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const { name, layer, outputs } = program.steps[at];
    if (seen.has(at) || consumers.includes(name)) continue;
    seen.add(at);
    if (!['Flatten', 'Reshape', 'Dropout'].includes(layer.getClassName())) found.push(name);
    for (const step of program.steps)
      if (step.inputs.some((value) => outputs.includes(value))) pending.push(step.index);
  }
  return found;
}
