import * as tf from '@tensorflow/tfjs';

import type { Batch } from '../../src/data/types.js';
import { feedsOf, outputsOf } from '../../src/evaluate/forward.js';
import { compileProgram, runProgram } from '../../src/graph/index.js';
import type { ModelGraph, Program } from '../../src/graph/types.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom, type Random } from '../../src/random/index.js';
import { sliceModel } from '../../src/surgery/index.js';
import type { Measuring, WidthOptions } from '../../src/sweep/growth.js';
import { measureWidths } from '../../src/sweep/widths.js';

/** Rows that fit a program's inputs: indices below the vocabulary for an Embedding, else numbers in 0..1. */
export function randomBatch(program: Program, rows: number, random: Random, open = 12): Batch {
  const inputs = program.inputs.map((value) => {
    const shape = [rows, ...program.values[value].shape.slice(1).map((size) => size ?? open)];
    const reader = program.steps.find(
      (step) => step.inputs.includes(value) && step.layer.getClassName() === 'Embedding',
    );
    const below = (reader?.layer as { readonly inputDim?: number } | undefined)?.inputDim;
    const length = shape.reduce((product, size) => product * size, 1);
    const draw = (): number => (below === undefined ? random.uniform() : random.integer(below));
    return { shape, values: Float32Array.from({ length }, draw) };
  });
  return { size: rows, inputs };
}

/** What every row of a batch answers at every width, one width after the other; disposes what measures. */
export async function* answersAt(
  measuring: Measuring,
  batch: Batch,
  { program }: Pick<WidthOptions, 'program'>,
): AsyncGenerator<{ readonly k: number; readonly values: Float32Array }> {
  const feeds = feedsOf(program, batch);
  const masks = new Map<number, tf.Tensor>();
  const cut = runProgram(program, feeds, { fetch: measuring.reads, keepMasks: masks });
  const values = new Map(measuring.reads.map((value, i) => [value, cut[i]]));
  const answers = new Map<number, Float32Array[]>();
  try {
    for await (const { ks, from, to, widths, rows, outputs } of measuring.outputs({ values, masks }, batch.size)) {
      const size = outputs.values.length / outputs.rows;
      for (const [b, k] of ks.entries()) {
        const own = answers.get(k) ?? Array.from<Float32Array>({ length: batch.size });
        const before = answers.get([...answers.keys()].filter((other) => other < k).at(-1)!);
        for (let row = from; row < to; row++) own[row] = before?.[row] ?? own[row];
        rows.forEach((row, i) => {
          if (widths[i] === b) own[row] = outputs.values.slice(i * size, (i + 1) * size);
        });
        answers.set(k, own);
      }
    }
  } finally {
    tf.dispose([...cut, ...masks.values(), ...feeds.values()]);
    measuring.dispose();
  }
  for (const [k, own] of answers) yield { k, values: Float32Array.from(own.flatMap((row) => [...row])) };
}

/**
 * Largest difference between what the sweep engine computes for a width and what the sliced model does, as a share of the largest
 * output, over every group, in a random order of its units.
 */
export async function worstDifference(graph: ModelGraph, rows: number, seed: number): Promise<number> {
  const random = createRandom(seed);
  const batch = randomBatch(graph.program, rows, random);
  let worst = 0;
  for (const group of graph.groups) {
    const order = random.permutation(group.n);
    const ks = [...new Set([1, group.n >> 1, group.n - 1])];
    const options = { program: graph.program, ks, answers: 2 * rows };
    for await (const { k, values } of answersAt(
      await measureWidths({ graph, group, order }, options),
      batch,
      options,
    )) {
      const sliced = sliceModel(graph, new Map([[group.name, order.slice(0, k).sort()]]));
      const expected = await outputsOf(compileProgram(sliced), batch);
      disposeModel(sliced);
      worst = Math.max(worst, difference(values, expected.values));
    }
  }
  return worst;
}

function difference(a: Float32Array, b: Float32Array): number {
  let [apart, largest] = [0, 0];
  a.forEach((value, i) => {
    apart = Math.max(apart, Math.abs(value - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  });
  return apart / Math.max(largest, Number.MIN_VALUE);
}
