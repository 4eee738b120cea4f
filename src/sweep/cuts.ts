import * as tf from '@tensorflow/tfjs';

import type { Batch, HostArray, Split } from '../data/types.js';
import { chunks, feedsOf, finish, outputsOf } from '../evaluate/forward.js';
import { RowLosses } from '../evaluate/measure.js';
import { runProgram } from '../graph/index.js';
import type { ModelGraph, Program } from '../graph/types.js';
import { judge } from '../objective/judge.js';
import type { Objective, Outputs } from '../objective/types.js';
import { bytesOf, rowsOf, type MemoryOptions } from './chunk-size.js';
import type { Cut } from './growth.js';

/** Rows of a split as some curve of a model reads them. */
export interface Chunk {
  readonly start: number;
  readonly size: number;
  readonly target: HostArray | undefined;
  /** What the original model answers; for target `self` only. */
  readonly truth: Outputs | undefined;
  readonly cut: Cut;
}

export interface CutOptions extends MemoryOptions {
  readonly objective: Objective;
  readonly split: Split;
  readonly original: ModelGraph;
  /** Awaited between chunks; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/** Chunks of the split by model; values that many curves read are kept, as far as the memory goes. */
export class Cuts {
  readonly #options: CutOptions;
  readonly #kept = new Map<ModelGraph, readonly Chunk[]>();
  #left: number;

  constructor(options: CutOptions) {
    this.#options = options;
    this.#left = options.memory / 4;
  }

  /**
   * Losses of every row at full width. On the way the values that curves will read are kept, the smallest first.
   *
   * @param wanted by curve, the values that it reads
   */
  async measure(graph: ModelGraph, wanted: readonly (readonly number[])[]): Promise<RowLosses> {
    const { objective, split, original, pause } = this.#options;
    const { program } = graph;
    const reads = this.#choose(program, wanted);
    const rows = new RowLosses(objective, split.size);
    const kept: Chunk[] = [];
    // at once, so that what is there is freed should a chunk fail
    if (reads.length > 0) this.#kept.set(graph, kept);
    const size = rowsOf(program, this.#options);
    for await (const { start, batch } of chunks(split, size)) {
      await pause?.();
      const cut = cutAt(program, batch, reads);
      const outputs = await fullOutputs(program, cut, batch);
      const isAnother = objective.self && graph !== original;
      const truth = isAnother ? await outputsOf(original.program, batch) : objective.self ? outputs : undefined;
      // to the bit what anyone else gets for the whole model
      rows.put(start, judge(objective, outputs, batch.target, truth));
      if (reads.length > 0) kept.push({ start, size: batch.size, target: batch.target, truth, cut });
    }
    return rows;
  }

  /** The split chunk by chunk, with the values that a curve reads. */
  async *chunks(graph: ModelGraph, reads: readonly number[]): AsyncGenerator<Chunk> {
    const kept = this.#kept.get(graph);
    if (kept !== undefined && reads.every((value) => kept.every(({ cut }) => cut.values.has(value)))) {
      yield* kept;
      return;
    }
    const { objective, original, split } = this.#options;
    for await (const { start, batch } of chunks(split, rowsOf(graph.program, this.#options))) {
      const truth = objective.self ? await outputsOf(original.program, batch) : undefined;
      const cut = cutAt(graph.program, batch, reads);
      try {
        yield { start, size: batch.size, target: batch.target, truth, cut };
      } finally {
        disposeCut(cut);
      }
    }
  }

  dispose(): void {
    for (const list of this.#kept.values()) for (const { cut } of list) disposeCut(cut);
    this.#kept.clear();
  }

  /** The values to be kept of a model: all that a curve reads or none of it. */
  #choose(program: Program, wanted: readonly (readonly number[])[]): readonly number[] {
    const { split, objective } = this.#options;
    const chosen = new Set<number>();
    const bySize = wanted
      .map((values) => ({ values, bytes: bytesOf(program, values) }))
      .sort((a, b) => a.bytes - b.bytes);
    for (const { values } of bySize) {
      const more = values.filter((value) => !chosen.has(value));
      const truth = objective.self && chosen.size === 0 ? program.outputs : [];
      const bytes = split.size * bytesOf(program, [...more, ...truth]);
      if (bytes > this.#left) continue;
      this.#left -= bytes;
      for (const value of values) chosen.add(value);
    }
    return [...chosen].sort((a, b) => a - b);
  }
}

/** Runs a program as far as the values that are read. */
function cutAt(program: Program, batch: Batch, reads: readonly number[]): Cut {
  if (reads.length === 0) return { values: new Map(), masks: new Map() };
  const feeds = feedsOf(program, batch);
  const masks = new Map<number, tf.Tensor>();
  try {
    const values = runProgram(program, feeds, { fetch: reads, keepMasks: masks });
    return { values: new Map(reads.map((value, i) => [value, values[i]])), masks };
  } finally {
    tf.dispose([...feeds.values()]);
  }
}

/** What the whole program answers, as far as possible from what is computed already. */
async function fullOutputs(program: Program, { values, masks }: Cut, batch: Batch): Promise<Outputs> {
  const feeds = feedsOf(program, batch);
  try {
    return await finish(program, new Map([...feeds, ...values]), batch.size, { masks });
  } finally {
    tf.dispose([...feeds.values()]);
  }
}

function disposeCut({ values, masks }: Cut): void {
  tf.dispose([...values.values(), ...masks.values()]);
}
