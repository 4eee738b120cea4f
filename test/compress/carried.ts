import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

import { breakEvenRank, kernelsOf } from '../../src/bases/index.js';
import {
  checkParity,
  maskedModel,
  narrowModel,
  planCost,
  predictorOf,
  saveModel,
  type Saved,
} from '../../src/compress/index.js';
import type { HostArray } from '../../src/data/types.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../../src/model/index.js';
import type { PlannedGroup } from '../../src/records/types.js';
import { splitOf } from '../evaluate-helpers.js';
import { randomInputs } from '../graph/models.js';
import { freshOutputs, type Plain } from './fresh.js';
import { halfRank, halfWidths, partsOf } from './plans.js';

/** Sums of the same float32 numbers in another order. */
const PARITY = 1e-5;
/** The plain kernels of a fresh process against those of this one: up to 5.5e-5 where a softmax magnifies large scores (lstm-chargen). */
const BACKENDS = 1e-4;

const PLANS: Readonly<Record<string, (graph: ModelGraph) => PlannedGroup[]>> = {
  'every group at half width': (graph) => halfWidths(graph),
  'kernels at half the break-even rank': ranks,
  'both, with the means folded': (graph) => [...halfWidths(graph, true), ...ranks(graph)],
};

function ranks(graph: ModelGraph): PlannedGroup[] {
  return kernelsOf(graph)
    .filter((kernel) => breakEvenRank(kernel, 'channel') > 0)
    .map(halfRank);
}

/**
 * Carries out each plan on a model on disk, writes it to `dir`, and opens it in a process of its own: claims what must hold of each, and that no
 * tensor is left.
 */
export async function checkModel(path: string, dir: string): Promise<void> {
  const before = tf.memory().numTensors;
  const source = await loadModel(await locateModel(path));
  try {
    for (const [title, plan] of Object.entries(PLANS)) await checkPlan(source, title, plan, dir);
  } finally {
    disposeModel(source.model);
  }
  expect(tf.memory().numTensors).toBe(before);
}

async function checkPlan(
  source: LoadedModel,
  title: string,
  planOf: (graph: ModelGraph) => PlannedGroup[],
  dir: string,
): Promise<void> {
  const graph = readGraph(source.model, { bytesPerWeight: source.bytesPerWeight });
  const plan = planOf(graph);
  const parts = partsOf(graph);
  const inputs = randomInputs(source.model, 2, 3);
  const split = splitOf(
    inputs.map((input): HostArray => ({ shape: input.shape, values: input.dataSync<'float32'>() })),
  );
  const narrow = narrowModel(graph, plan, parts);
  const masked = maskedModel(graph, plan, parts);
  try {
    const rows = { split, batchSize: 2, title };
    const { maxAbsDifference, maxOutput } = await checkParity(masked.predict, predictorOf(readGraph(narrow)), rows);
    expect(maxAbsDifference / maxOutput, `${title}`).toBeLessThanOrEqual(PARITY);
    const saved = await saveModel(narrow, { source, dir, split, batchSize: 2 });
    expect(saved.parity.maxAbsDifference / saved.parity.maxOutput, `${title}`).toBeLessThanOrEqual(PARITY);
    expect(saved.cost, `${title}`).toEqual(planCost(graph, plan));
    await checkFile(source, saved, title, inputs, dir);
  } finally {
    tf.dispose(inputs);
    masked.dispose();
    disposeModel(narrow);
  }
}

async function checkFile(
  source: LoadedModel,
  saved: Saved,
  title: string,
  inputs: readonly tf.Tensor[],
  dir: string,
): Promise<void> {
  const { model, file, quantization } = await loadModel(saved.path);
  try {
    expect(file.bytes, `${title}`).toBe(saved.cost.bytes);
    expect(new Set(quantization.values()), `${title}`).toEqual(new Set(source.quantization.values()));
    const outputs = predictorOf(readGraph(model))(inputs);
    const own = outputs.map((output): Plain => ({ shape: output.shape, values: [...output.dataSync()] }));
    tf.dispose(outputs);
    expect(gap(own, await freshOutputs(dir, inputs)), `${title}`).toBeLessThanOrEqual(BACKENDS);
  } finally {
    disposeModel(model);
  }
}

/** Largest difference over the largest output. */
function gap(a: readonly Plain[], b: readonly Plain[]): number {
  expect(b.map(({ shape }) => shape)).toEqual(a.map(({ shape }) => shape));
  let [error, largest] = [0, 0];
  a.forEach(({ values }, i) => {
    values.forEach((value, at) => {
      error = Math.max(error, Math.abs(value - b[i].values[at]));
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return error / (largest || 1);
}
