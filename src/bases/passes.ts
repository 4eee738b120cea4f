import * as tf from '@tensorflow/tfjs';

import type { Batch, Split } from '../data/types.js';
import { feedsOf } from '../evaluate/forward.js';
import type { Program } from '../graph/types.js';
import { softTargets, trainingLoss } from '../objective/training.js';
import type { Objective } from '../objective/types.js';
import type { Random } from '../random/index.js';
import { sampleTargets } from './sampling.js';

/** What every streaming pass over examples needs. */
export interface PassOptions {
  readonly objective: Objective;
  /** The rows to learn from: train, or select where there is no train. */
  readonly split: Split;
  /** Rows a chunk. Default 128. */
  readonly batchSize?: number;
  /** Rows read at most, spread evenly over the split. Default 10,000. */
  readonly maxRows?: number;
  readonly seed: number;
  /** Called after each chunk: rows done of all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited between chunks; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const PASS_DEFAULTS = { batchSize: 128, maxRows: 10_000 } as const;

export interface Chunk {
  readonly batch: Batch;
  /** By value id; disposed when the next chunk is asked for. */
  readonly feeds: ReadonlyMap<number, tf.Tensor>;
}

/** Reads the split in order, chunk by chunk, thinned out evenly where it is longer than `maxRows`. */
export async function* chunksOf(program: Program, options: PassOptions): AsyncGenerator<Chunk> {
  const { split, batchSize = PASS_DEFAULTS.batchSize, maxRows = PASS_DEFAULTS.maxRows } = options;
  const total = Math.min(split.size, maxRows);
  for (let start = 0; start < total; start += batchSize) {
    await options.pause?.();
    const end = Math.min(total, start + batchSize);
    const rows = Int32Array.from({ length: end - start }, (_, i) => Math.floor(((start + i) * split.size) / total));
    const batch = await split.read(rows);
    const feeds = feedsOf(program, batch);
    try {
      yield { batch, feeds };
    } finally {
      tf.dispose([...feeds.values()]);
    }
    options.onProgress?.(end, total);
  }
}

/** What the outputs are compared with: the data's target, or a draw from the outputs themselves. One list of numbers per output. */
export async function targetsFor(
  objective: Objective,
  outputs: readonly tf.Tensor[],
  batch: Batch,
  draw: Random | null,
): Promise<Float32Array[]> {
  if (draw === null) return outputs.map(({ shape }) => softTargets(objective, shape, batch.target));
  const targets: Float32Array[] = [];
  for (const output of outputs) {
    const values = Float32Array.from(await output.data());
    targets.push(sampleTargets(objective, { values, rows: batch.size, units: output.shape.at(-1) ?? 1 }, draw));
  }
  return targets;
}

/**
 * Gradients of the SUM of the rows' losses, so that row b of an answer is the gradient of row b's own loss.
 *
 * @param probes what is differentiated by; first axis = rows
 * @param run final numbers of the program, the probes in it
 * @returns one tensor a probe, of its shape; the caller disposes them
 */
export function gradientsOf(
  objective: Objective,
  probes: readonly tf.Tensor[],
  targets: readonly Float32Array[],
  rows: number,
  run: (probes: readonly tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] {
  if (probes.length === 0) return [];
  const loss = (...inputs: tf.Tensor[]): tf.Tensor => {
    const losses = run(inputs).map((output, i) => trainingLoss(objective, output, tf.tensor(targets[i], output.shape)));
    // a probe that nothing reads still has a gradient: zero
    const idle = inputs.map((probe) => tf.mul(tf.sum(probe), 0));
    return tf.mul(tf.addN([...losses, ...idle]), rows);
  };
  return tf.tidy(() => tf.grads(loss)([...probes]));
}
