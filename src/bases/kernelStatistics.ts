import * as tf from '@tensorflow/tfjs';

import { DataError } from '../errors.js';
import { runProgram } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import { createRandom, deriveSeed, type Random } from '../random/index.js';
import type { SkippedLayer } from '../records/types.js';
import { kernelsOf, type KernelInfo } from './kernels.js';
import type { Matrix } from './linalg/index.js';
import type { Moments } from './moments.js';
import { chunksOf, gradientsOf, PASS_DEFAULTS, targetsFor, type Chunk, type PassOptions } from './passes.js';
import { addProducts, inputsAt, thinOut } from './positions.js';
import { withKernelTaps, type KernelTap } from './taps.js';

export interface KernelStatisticsOptions extends PassOptions {
  /** Kernels to be measured, by the layer's path; default all. */
  readonly layers?: readonly string[];
  /** Whether `kfac` is wanted, which takes a backward pass. Default true. */
  readonly gradients?: boolean;
  /** Inputs (patches of a convolution) per kernel at most; more are thinned out at random. Default 65,536. */
  readonly maxPositions?: number;
}

export const KERNEL_STATISTICS_DEFAULTS = { ...PASS_DEFAULTS, gradients: true, maxPositions: 65_536 } as const;

/** Kernels with more inputs than this have no data-aware basis: their covariance would be too large. */
export const MAX_INPUTS = 2048;

/** What a kernel is multiplied with, and how the loss depends on what it makes. */
export interface KernelStatistics {
  readonly layer: string;
  /** Examples read. */
  readonly rows: number;
  /** Inputs (patches) behind `mean` and `covariance`. */
  readonly positions: number;
  /** [in], of a convolution over patches [kh kw in]. */
  readonly mean: Float64Array;
  /** [in, in], about the mean. */
  readonly covariance: Matrix;
  /**
   * [out, out]: E[g gᵀ] of the gradient by the layer's output before its activation, over examples and positions, with labels drawn from the model's
   * own outputs (the Fisher matrix's factor). Null where it was not asked for.
   */
  readonly gradient: Matrix | null;
}

export interface KernelStatisticsResult {
  /** By the layer's path. */
  readonly kernels: ReadonlyMap<string, KernelStatistics>;
  /** Kernels that only the data-free bases suit, and why. */
  readonly skipped: readonly SkippedLayer[];
}

/**
 * One pass over some examples: what `pca`, `whitened` and `kfac` need, for all kernels at once. Products of chunks are taken by tfjs, summed
 * in float64.
 *
 * @throws DataError where there are no rows, or a number is not finite
 */
export async function collectKernelStatistics(
  graph: ModelGraph,
  options: KernelStatisticsOptions,
): Promise<KernelStatisticsResult> {
  const wanted = kernelsOf(graph).filter(({ layer }) => options.layers?.includes(layer) ?? true);
  const skipped = wanted.flatMap((kernel) => {
    const reason = refusal(kernel);
    return reason === null ? [] : [{ layer: kernel.layer, reason }];
  });
  const kernels = wanted.filter((kernel) => refusal(kernel) === null);
  const run: Run = {
    graph,
    kernels,
    inputs: new Map(),
    gradients: new Map(),
    labels: createRandom(deriveSeed(options.seed, 'kfac labels')),
    places: createRandom(deriveSeed(options.seed, 'kernel inputs')),
    share: new Map(kernels.map((kernel) => [kernel.layer, thinning(kernel, options)])),
  };
  let rows = 0;
  if (kernels.length === 0) return { kernels: new Map(), skipped };
  for await (const chunk of chunksOf(graph.program, options)) {
    rows += chunk.batch.size;
    await readChunk(run, chunk, options);
  }
  if (rows === 0) throw new DataError('Kernels can only be weighed by the data of examples, and there are none.');
  return { kernels: new Map(kernels.map(({ layer }) => [layer, statisticsOf(run, layer, rows)])), skipped };
}

interface Run {
  readonly graph: ModelGraph;
  readonly kernels: readonly KernelInfo[];
  readonly inputs: Map<string, Moments>;
  readonly gradients: Map<string, Moments>;
  readonly labels: Random;
  readonly places: Random;
  /** Per layer: of how many inputs one is taken. */
  readonly share: ReadonlyMap<string, number>;
}

function refusal({ rows, window }: KernelInfo): string | null {
  if (rows > MAX_INPUTS)
    return `it has ${rows} inputs a filter, more than ${MAX_INPUTS}, for a basis that looks at data`;
  if (window === null) return null;
  if (window.channelsFirst) return 'bases that look at data do not support channels first';
  return window.padding === 'causal' ? 'bases that look at data do not support causal padding' : null;
}

/** At least 1; a kernel is met at macs / (rows cols) positions an example. */
function thinning({ rows, cols, macs }: KernelInfo, options: KernelStatisticsOptions): number {
  const { maxRows = PASS_DEFAULTS.maxRows, maxPositions = KERNEL_STATISTICS_DEFAULTS.maxPositions } = options;
  const positions = (macs / (rows * cols)) * Math.min(options.split.size, maxRows);
  return Math.max(1, positions / maxPositions);
}

function statisticsOf({ inputs, gradients }: Run, layer: string, rows: number): KernelStatistics {
  const moments = inputs.get(layer)!;
  const { mean, covariance, count: positions } = moments;
  const gradient = gradients.get(layer)?.second ?? null;
  if (![mean, covariance.values, gradient?.values ?? []].every((list) => list.every(Number.isFinite))) {
    throw new DataError(`Layer "${layer}" has an input or a gradient that is not finite.`, {
      hint: 'Check the scale of the data with --scale.',
    });
  }
  return { layer, rows, positions, mean, covariance, gradient };
}

async function readChunk(run: Run, chunk: Chunk, options: KernelStatisticsOptions): Promise<void> {
  const { graph, kernels } = run;
  const met: { kernel: KernelInfo; input: tf.Tensor; shape: number[] }[] = [];
  const tap: KernelTap = (kernel, input, output) => {
    met.push({ kernel, input: tf.keep(input.clone()), shape: output.shape });
    return output;
  };
  let outputs: tf.Tensor[] = [];
  try {
    outputs = withKernelTaps(kernels, tap, () => runProgram(graph.program, chunk.feeds, { logits: true }));
    for (const { kernel, input, shape } of met) await addInputs(run, kernel, input, shape);
    if (options.gradients ?? KERNEL_STATISTICS_DEFAULTS.gradients)
      await addGradients(run, chunk, outputs, met, options);
  } finally {
    tf.dispose([...outputs, ...met.map(({ input }) => input)]);
  }
}

async function addInputs(run: Run, kernel: KernelInfo, input: tf.Tensor, output: readonly number[]): Promise<void> {
  const count = output.reduce((all, size) => all * size, 1) / kernel.cols;
  const chosen = thinOut(count, run.share.get(kernel.layer)!, run.places);
  if (chosen.length === 0) return;
  const rows = inputsAt(kernel, await input.data(), input.shape, output, chosen);
  await addProducts(run.inputs, kernel.layer, rows, kernel.rows, true);
}

async function addGradients(
  { graph, kernels, gradients, labels }: Run,
  { batch, feeds }: Chunk,
  outputs: readonly tf.Tensor[],
  met: readonly { kernel: KernelInfo; shape: number[] }[],
  { objective }: KernelStatisticsOptions,
): Promise<void> {
  const targets = await targetsFor(objective, outputs, batch, labels);
  const probes = met.map(({ shape }) => tf.zeros(shape));
  const found = gradientsOf(objective, probes, targets, batch.size, (added) => {
    let at = 0;
    const tap: KernelTap = (_, __, output) => tf.add(output, added[at++]);
    return withKernelTaps(kernels, tap, () => runProgram(graph.program, feeds, { logits: true }));
  });
  try {
    for (let i = 0; i < met.length; i++) {
      const { kernel } = met[i];
      await addProducts(gradients, kernel.layer, Float32Array.from(await found[i].data()), kernel.cols, false);
    }
  } finally {
    tf.dispose([...probes, ...found]);
  }
}
