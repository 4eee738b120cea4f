import * as tf from '@tensorflow/tfjs';

import { UnitMoments } from '../bases/moments.js';
import { subSplit } from '../data/split.js';
import type { Split } from '../data/types.js';
import { DataError } from '../errors.js';
import { chunks, feedsOf } from '../evaluate/forward.js';
import { runProgram, type ModelGraph, type Step } from '../graph/index.js';

export interface BatchNormOptions {
  /** Rows that the statistics are taken from: train rows. */
  readonly split: Split;
  readonly batchSize: number;
  /** Rows read at most, spread evenly over the split. */
  readonly maxRows?: number;
  /** After each layer: layers done of all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited between chunks; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const BATCH_NORM_DEFAULTS = { maxRows: 2000 } as const;

/**
 * Sets the moving mean and variance of every BatchNormalization to the moments of what it reads, over rows and places, of a shared one over all its
 * calls. Narrowing changes what is read behind it. Layer after layer, in the order of the program, one pass each: what a layer reads depends on
 * the statistics of those before it, and in one pass for all each would be measured behind the old ones.
 *
 * @param graph the model to be changed, in place
 * @returns paths of the layers, in that order
 * @throws DataError where there are no rows, or a layer reads a number that is not finite
 */
export async function reestimateBatchNorm(graph: ModelGraph, options: BatchNormOptions): Promise<string[]> {
  const { split, maxRows = BATCH_NORM_DEFAULTS.maxRows } = options;
  const layers = new Map<string, Step[]>();
  for (const step of graph.program.steps) {
    if (normalizer(step.layer) !== null) layers.set(step.name, [...(layers.get(step.name) ?? []), step]);
  }
  if (layers.size > 0 && split.size === 0) {
    throw new DataError('BatchNormalization is re-estimated from train rows, and there are none.');
  }
  const size = Math.min(split.size, maxRows);
  const rows = subSplit(
    split,
    Int32Array.from({ length: size }, (_, i) => Math.floor((i * split.size) / size)),
  );
  let done = 0;
  for (const [name, steps] of layers) {
    await reestimate(graph, name, steps, { ...options, split: rows });
    options.onProgress?.(++done, layers.size);
  }
  return [...layers.keys()];
}

/** Fields of tfjs layers that its typings hide. */
interface Normalizer {
  readonly axis?: number | readonly number[];
  readonly movingMean: tf.LayerVariable;
  readonly movingVariance: tf.LayerVariable;
}

/** A BatchNormalization, or the one that a TimeDistributed wraps; null for all others. */
function normalizer(layer: tf.layers.Layer): Normalizer | null {
  const { layer: wrapped } = layer as unknown as { readonly layer?: tf.layers.Layer };
  const own = wrapped ?? layer;
  return own.getClassName() === 'BatchNormalization' ? (own as unknown as Normalizer) : null;
}

async function reestimate(
  { program }: ModelGraph,
  name: string,
  steps: readonly Step[],
  { split, batchSize, pause }: BatchNormOptions,
): Promise<void> {
  const { movingMean, movingVariance, axis = -1 } = normalizer(steps[0].layer)!;
  const moments = new UnitMoments(movingMean.shape[0]!);
  const isWrapped = steps[0].layer.getClassName() !== 'BatchNormalization';
  // Keras writes [3] for 3
  const [along = -1] = [axis].flat();
  for await (const { batch } of chunks(split, batchSize)) {
    await pause?.();
    const feeds = feedsOf(program, batch);
    const read = runProgram(program, feeds, { fetch: steps.map(({ inputs }) => inputs[0]) });
    tf.dispose([...feeds.values()]);
    for (const tensor of read)
      addMoments(moments, tensor, along < 0 ? along + tensor.rank : along + (isWrapped ? 1 : 0));
  }
  const { mean, variance } = moments;
  if (!mean.every(Number.isFinite) || !variance.every(Number.isFinite)) {
    throw new DataError(`The layer "${name}" reads numbers that are not finite.`);
  }
  tf.tidy(() => {
    movingMean.write(tf.tensor1d(Float32Array.from(mean)));
    movingVariance.write(tf.tensor1d(Float32Array.from(variance)));
  });
}

/** Adds a tensor's features by their mean and squared distances from it; the tensor is disposed. */
function addMoments(moments: UnitMoments, tensor: tf.Tensor, axis: number): void {
  const size = tensor.shape[axis];
  const [means, squares] = tf.tidy(() => {
    const others = tensor.shape.map((_, i) => i).filter((i) => i !== axis);
    const center = tf.mean(tensor, others, true);
    return [center.dataSync(), tf.sum(tf.square(tf.sub(tensor, center)), others).dataSync()];
  });
  const count = tensor.size / size;
  tensor.dispose();
  for (let unit = 0; unit < size; unit++) moments.add(unit, count, means[unit], squares[unit]);
}
