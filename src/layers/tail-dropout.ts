import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { deriveSeed } from '../random/index.js';
import { keepFirst, keepPrefixes } from './keep-prefixes.js';
import { PrefixDraw } from './prefix-draw.js';
import { resolveAxis } from './prefix-mask.js';
import { createSampler, samplerTakes } from './sampler.js';
import type { SamplerName, SamplerSpec } from './sampler.js';

type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

export interface TailDropoutArgs extends LayerArgs {
  /** Mean fraction of the features that training drops, 0..1, for the samplers that take it. Default .5. */
  p?: number;
  /** Axis or axes along which each entry gets a prefix of its own; `[0, 1]`: per time step too. Default 0. */
  batchDim?: number | number[];
  /** Axis of the features. Default -1. */
  dropoutDim?: number;
  /** How k is drawn: a name, or a description with all its arguments. Default `geometric`. */
  sampler?: SamplerName | SamplerSpec;
  /** The smallest k drawn, for the samplers that take it. Default 1. */
  kMin?: number;
  /**
   * Seed of the draws, a safe integer. Each training call draws anew; layers of equal seed draw alike, call by call. Default: one
   * that no other layer of this process has.
   */
  seed?: number;
  /** A draw read by several layers, instead of `sampler`, `p`, `kMin` and `seed`; see `sharedDraw`. */
  draw?: PrefixDraw;
  /** Start with `setK(k)`. Default null: random while training. */
  k?: number | null;
}

export const TAIL_DROPOUT_DEFAULTS = { p: 0.5, batchDim: 0, dropoutDim: -1, sampler: 'geometric' } as const;

/**
 * Nested dropout (Rippel, Gelbart & Adams 2014, arXiv 1402.0915): while training, each example keeps a random number k of its
 * first features, and the tail behind them is zero. Features so come to stand in the order of their use, as principal components do.
 *
 * The mask is constant over every axis but `batchDim` and `dropoutDim`: whole channels of an image, whole sequences. Inference
 * is the identity, and nothing is ever rescaled. `setK(k)` keeps the first k features in both modes.
 *
 * Input and output: the same shape, rank 2 or more.
 */
export class TailDropout extends tf.layers.Layer {
  /** @nocollapse */
  static readonly className: string = 'TailDropout';
  readonly #batchDim: number | readonly number[];
  readonly #dropoutDim: number;
  readonly #draw: PrefixDraw;
  #k: number | null = null;
  #n: number | null = null;

  /** @throws UsageError for an argument outside its range */
  constructor(args: TailDropoutArgs = {}) {
    super(args);
    this.#batchDim = requireDims(args.batchDim ?? TAIL_DROPOUT_DEFAULTS.batchDim);
    this.#dropoutDim = requireDim('dropoutDim', args.dropoutDim ?? TAIL_DROPOUT_DEFAULTS.dropoutDim);
    this.#draw = resolveDraw(args);
    this.supportsMasking = true;
    this.setK(args.k ?? null);
  }

  /** What `setK` was given, or null. */
  get k(): number | null {
    return this.#k;
  }

  /** The source of the kept widths; layers that share one read the same widths. */
  get draw(): PrefixDraw {
    return this.#draw;
  }

  /**
   * Keeps the first k features from now on, in training and inference alike; a NaN or Inf behind them becomes 0. `setK(null)`
   * goes back: random while training, all at inference. Training and inference do not reset it.
   *
   * @param k a whole number within 0..n, both included
   * @throws UsageError outside that range; where n is not known yet, when it becomes known
   */
  setK(k: number | null): void {
    requireK(k, this.#n);
    this.#k = k;
  }

  /** @throws UsageError when an axis is outside the shape, or no law of the sampler exists for this many features */
  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape);
    const { dropoutDim } = this.#dims(shape.length);
    const n = shape[dropoutDim] ?? null;
    if (n !== null) this.#requireWidth(n);
    this.#n = n;
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      const { dropoutDim } = this.#dims(x.rank);
      if (this.#k !== null) {
        requireK(this.#k, x.shape[dropoutDim]);
        return keepFirst(x, this.#k, dropoutDim);
      }
      return kwargs['training'] ? this.#drop(x) : x;
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      batchDim: typeof this.#batchDim === 'number' ? this.#batchDim : [...this.#batchDim],
      dropoutDim: this.#dropoutDim,
      sampler: { ...this.#draw.sampler.spec } as tf.serialization.ConfigDict,
      seed: this.#draw.seed,
      k: this.#k,
    };
  }

  /** One prefix per entry of the batch axes, the same along every other axis. */
  #drop(x: tf.Tensor): tf.Tensor {
    const { batchDims, dropoutDim } = this.#dims(x.rank);
    const entries = batchDims.reduce((size, dim) => size * x.shape[dim], 1);
    const ks = this.#draw.read(this, x.shape[dropoutDim], entries);
    return keepPrefixes(x, ks, { axis: dropoutDim, batchAxes: batchDims });
  }

  #dims(rank: number): { batchDims: number[]; dropoutDim: number } {
    const dropoutDim = resolveAxis('dropoutDim', this.#dropoutDim, rank);
    const batchDims = [this.#batchDim].flat().map((dim) => resolveAxis('batchDim', dim, rank));
    if (new Set([...batchDims, dropoutDim]).size < batchDims.length + 1) {
      throw new UsageError(
        `The axes in batchDim and dropoutDim must differ, received batchDim ${JSON.stringify(this.#batchDim)} and dropoutDim ${this.#dropoutDim} for rank ${rank}.`,
      );
    }
    return { batchDims, dropoutDim };
  }

  #requireWidth(n: number): void {
    requireK(this.#k, n);
    this.#draw.sampler.probabilities(n);
  }
}

tf.serialization.registerClass(TailDropout);

/** A TailDropout layer, made as `tf.layers.dropout` is: `tailDropout({ p: 0.2 })`. */
export function tailDropout(args: TailDropoutArgs = {}): TailDropout {
  return new TailDropout(args);
}

let layersMade = 0;

function resolveDraw(args: TailDropoutArgs): PrefixDraw {
  if (args.draw !== undefined) {
    const twice = (['sampler', 'p', 'kMin', 'seed'] as const).find((name) => args[name] !== undefined);
    if (twice !== undefined) throw new UsageError(`${twice} belongs to the draw; received both ${twice} and draw.`);
    return args.draw;
  }
  const seed = args.seed ?? deriveSeed(0, 'TailDropout', layersMade++);
  deriveSeed(seed);
  return new PrefixDraw(seed, createSampler(resolveSpec(args)));
}

function resolveSpec({ sampler = TAIL_DROPOUT_DEFAULTS.sampler, p, kMin }: TailDropoutArgs): SamplerSpec {
  if (typeof sampler !== 'string') {
    if (p === undefined && kMin === undefined) return sampler;
    throw new UsageError('p and kMin stand inside the sampler where it is an object; received them beside it too.');
  }
  const given = {
    name: sampler,
    ...(p !== undefined && { p }),
    ...(kMin !== undefined && { kMin }),
  } as SamplerSpec;
  return samplerTakes(sampler, 'p') && p === undefined
    ? ({ ...given, p: TAIL_DROPOUT_DEFAULTS.p } as SamplerSpec)
    : given;
}

function requireDims(dims: number | number[]): number | readonly number[] {
  if (!Array.isArray(dims)) return requireDim('batchDim', dims);
  if (dims.length === 0) throw new UsageError('batchDim must name at least one axis, received [].');
  return dims.map((dim) => requireDim('batchDim', dim));
}

function requireDim(name: string, dim: number): number {
  if (Number.isSafeInteger(dim)) return dim;
  throw new UsageError(`${name} must be a whole number, an axis, received ${String(dim)}.`);
}

function requireK(k: number | null, n: number | null): void {
  if (k === null || (Number.isSafeInteger(k) && k >= 0 && (n === null || k <= n))) return;
  throw new UsageError(
    `k must be a whole number within 0..${n ?? 'n, the number of features'}, received ${String(k)}.`,
  );
}

function oneShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
  return Array.isArray(shape[0]) ? (shape as tf.Shape[])[0] : (shape as tf.Shape);
}
