import * as tf from '@tensorflow/tfjs';

import type { RankBasis } from '../bases/types.js';
import { UsageError } from '../errors.js';
import type { ModelGraph } from '../graph/types.js';
import { biasOf, firstOf, halvesOf, kernelOf, secondWeights, type Halves } from './halves.js';
import { rebuild } from './rebuild.js';

export interface FactorOptions {
  /**
   * The first layer subtracts the basis's mean and the second adds what it makes: then the corrected bias is right for any part of the inner
   * features, at the price of k more weights ({@link foldFactorBias} takes them away again). Default false.
   */
  readonly centered?: boolean;
}

export const FACTOR_DEFAULTS = { centered: false } as const;

const FACTORABLE = new Set(['Dense', 'Conv1D', 'Conv2D']);

/** Which kernels are factored and how far: layer path -> basis and rank, 1 <= k <= basis.n. */
export type Factors = ReadonlyMap<string, { readonly basis: RankBasis; readonly k: number }>;

/** One layer as two; see {@link factorModel}. */
export function factorLayer(
  graph: ModelGraph,
  basis: RankBasis,
  k = basis.n,
  options: FactorOptions = {},
): tf.LayersModel {
  return factorModel(graph, new Map([[basis.layer, { basis, k }]]), options);
}

/**
 * A standard LayersModel in which each named Dense, Conv1D or Conv2D is two of its class: `NAME_factor` without bias and activation makes k inner
 * features, NAME makes of them what the layer made, with its activation and a bias that takes over what the cut loses on the average (RankBasis).
 * Both halves of a direction have the same length, so that training finds them alike.
 *
 * `channel`: the first has the layer's window, strides, padding and dilation, the second is 1 x 1. `spatial`: kh x 1 with the strides along the
 * height, then 1 x kw. The mean acts in output space, at every position alike, and the patches it is the mean of hold the zeros of the padding:
 * so the factored layer is exact at the border of a 'same' padded convolution too. Regularizers and constraints of the kernel and constraints
 * of the bias are left out: they were about other numbers. A shared layer is factored once, for all its calls.
 *
 * @returns a model of its own; that of the graph is not touched. Names, calls and metadata stay.
 * @throws UsageError for a layer that cannot be factored, a basis of another kernel, and a rank outside 1..n
 */
export function factorModel(graph: ModelGraph, factors: Factors, options: FactorOptions = {}): tf.LayersModel {
  const { centered = FACTOR_DEFAULTS.centered } = options;
  const halves = new Map<tf.layers.Layer, Halves>();
  for (const [path, { basis, k }] of factors) {
    const layer = layerAt(graph, path, basis, k);
    halves.set(layer, halvesOf(layer, basis, k, centered));
  }
  const before = new Map([...halves].map(([layer, half]) => [layer, firstOf(layer, half)]));
  return rebuild(
    graph.model,
    (layer, config) => {
      const half = halves.get(layer);
      if (half !== undefined) config['useBias'] = half.secondBias !== null;
    },
    (layer) => {
      const half = halves.get(layer);
      return half === undefined ? copies(layer.weights) : secondWeights(half);
    },
    before,
  );
}

/**
 * Moves the bias of a centered factoring's first layer into the second's, whose kernel must be 1 x 1: the same function with k weights less.
 * For after the inner features have been sliced.
 *
 * @param layers paths of the second layers
 * @throws UsageError for a layer that reads no factor of its own
 */
export function foldFactorBias(graph: ModelGraph, layers: readonly string[]): tf.LayersModel {
  const pairs = layers.map((path) => pairAt(graph, path));
  const firsts = new Set(pairs.map(({ first }) => first));
  const seconds = new Map(pairs.map(({ first, second }) => [second, first]));
  return rebuild(
    graph.model,
    (layer, config) => {
      if (firsts.has(layer)) config['useBias'] = false;
      if (seconds.has(layer)) config['useBias'] = true;
    },
    (layer) => {
      if (firsts.has(layer)) return copies([kernelOf(layer)]);
      const first = seconds.get(layer);
      return first === undefined ? copies(layer.weights) : withInnerBias(layer, first);
    },
  );
}

function copies(weights: readonly tf.LayerVariable[]): tf.Tensor[] {
  return weights.map((weight) => tf.mul(weight.read(), 1));
}

function withInnerBias(second: tf.layers.Layer, first: tf.layers.Layer): tf.Tensor[] {
  const [inner, kernel, bias] = [biasOf(first), kernelOf(second).read(), biasOf(second)];
  const [k, cols] = kernel.shape.slice(-2);
  const made = inner === null ? tf.zeros([cols]) : tf.dot(inner.read(), tf.reshape(kernel, [k, cols]));
  return [tf.mul(kernel, 1), bias === null ? made : tf.add(bias.read(), made)];
}

/** A layer and what it alone reads: of the same class, linear, and read by nothing else. */
function pairAt({ program }: ModelGraph, path: string): { first: tf.layers.Layer; second: tf.layers.Layer } {
  const calls = program.steps.filter(({ name }) => name === path);
  const read = new Set(calls.map(({ inputs }) => inputs[0]));
  const makers = program.steps.filter(({ outputs }) => outputs.some((value) => read.has(value)));
  const readers = program.steps.filter(({ inputs }) => inputs.some((value) => read.has(value)));
  const [first, second] = [makers[0]?.layer, calls[0]?.layer];
  const alone = makers.every(({ layer }) => layer === first) && readers.every(({ layer }) => layer === second);
  const alike = FACTORABLE.has(first?.getClassName()) && first?.getClassName() === second?.getClassName();
  if (!alone || !alike || !isPointwise(second) || !isLinear(first)) {
    throw new UsageError(`Layer "${path}" does not read a factor of its own.`);
  }
  return { first, second };
}

function isPointwise(layer: tf.layers.Layer): boolean {
  return kernelOf(layer)
    .shape.slice(0, -2)
    .every((size) => size === 1);
}

function isLinear(layer: tf.layers.Layer): boolean {
  const { activation } = layer as unknown as { readonly activation?: { getClassName(): string } | null };
  return activation == null || activation.getClassName() === 'linear';
}

function layerAt(graph: ModelGraph, path: string, basis: RankBasis, k: number): tf.layers.Layer {
  const layer = graph.program.steps.find(({ name }) => name === path)?.layer;
  if (layer === undefined) throw new UsageError(`The model has no layer "${path}".`);
  const name = layer.getClassName();
  if (name === 'TimeDistributed') {
    throw new UsageError(`Layer "${path}" is TimeDistributed: the kernel belongs to the layer it wraps.`, {
      hint: 'A Dense needs no TimeDistributed: it acts on the last axis of any input.',
    });
  }
  if (!FACTORABLE.has(name)) {
    throw new UsageError(`Layer "${path}" (${name}) cannot be factored: expected a Dense, Conv1D or Conv2D.`);
  }
  const shape = kernelOf(layer).shape.join(', ');
  if (basis.layer !== path || basis.kernelShape.join(', ') !== shape) {
    const found = `"${basis.layer}" [${basis.kernelShape.join(', ')}]`;
    throw new UsageError(`Layer "${path}" with a kernel of [${shape}] needs a basis of its own, not that of ${found}.`);
  }
  if (basis.form === 'spatial' && (basis.mean !== null || basis.kernelShape.length !== 4)) {
    throw new UsageError(`Layer "${path}" cannot be factored along two sides with this basis.`);
  }
  if (!Number.isInteger(k) || k < 1 || k > basis.n) {
    throw new UsageError(`The rank of "${path}" must be a whole number from 1 to ${basis.n}, not ${k}.`);
  }
  return layer;
}
