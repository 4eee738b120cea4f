import * as tf from '@tensorflow/tfjs';

import type { Batch, HostArray, Split } from '../data/types.js';
import { runProgram, type RunOptions } from '../graph/index.js';
import type { Program } from '../graph/types.js';
import type { Outputs } from '../objective/types.js';
import type { Masking } from './masks.js';

/** Tensors of a batch by value id, to be fed to a program. The caller disposes them. */
export function feedsOf(program: Program, batch: Batch): Map<number, tf.Tensor> {
  const feeds = new Map<number, tf.Tensor>();
  program.inputs.forEach((value, i) => feeds.set(value, toTensor(batch.inputs[i])));
  return feeds;
}

function toTensor({ values, shape }: HostArray): tf.Tensor {
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}

/**
 * Whether a program's final numbers are fetched without their last softmax or sigmoid: of a single output, whose loss can be taken
 * from logits. Several outputs are compared as they stand.
 */
export function fetchesLogits(program: Program): boolean {
  return program.outputs.length === 1;
}

/** Final numbers of a program for a batch, on the host; see {@link fetchesLogits}. */
export async function outputsOf(program: Program, batch: Batch, masked?: Masking): Promise<Outputs> {
  const feeds = feedsOf(program, batch);
  try {
    return await finish(program, feeds, batch.size, masked);
  } finally {
    tf.dispose([...feeds.values()]);
  }
}

/** Runs the rest of a program from `feeds` and brings its final numbers to the host. The feeds are kept. */
export async function finish(
  program: Program,
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  options: Pick<RunOptions, 'tap' | 'masks'> = {},
): Promise<Outputs> {
  const finals = runProgram(program, feeds, { ...options, logits: fetchesLogits(program) });
  try {
    const parts = await Promise.all(finals.map(async (final) => (await final.data()) as Float32Array));
    return join(
      parts,
      rows,
      finals.map((final) => final.shape.at(-1) ?? 1),
    );
  } finally {
    tf.dispose(finals);
  }
}

/** Several outputs become one row of units; they are only ever judged against themselves. */
function join(parts: readonly Float32Array[], rows: number, units: readonly number[]): Outputs {
  if (parts.length === 1) return { values: parts[0], rows, units: units[0] };
  const widths = parts.map((part) => part.length / rows);
  const width = widths.reduce((total, size) => total + size, 0);
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let at = row * width;
    parts.forEach((part, i) => {
      values.set(part.subarray(row * widths[i], (row + 1) * widths[i]), at);
      at += widths[i];
    });
  }
  return { values, rows, units: width };
}

/** Reads a split in order, `size` rows at a time. */
export async function* chunks(
  split: Split,
  size: number,
): AsyncGenerator<{ readonly start: number; readonly batch: Batch }> {
  for (let start = 0; start < split.size; start += size) {
    const rows = Int32Array.from({ length: Math.min(size, split.size - start) }, (_, i) => start + i);
    yield { start, batch: await split.read(rows) };
  }
}
