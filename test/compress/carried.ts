import * as tf from '@tensorflow/tfjs';

import { breakEvenRank, kernelsOf } from '../../src/bases/index.js';
import {
  checkParity,
  maskedModel,
  narrowModel,
  planCost,
  predictorOf,
  saveModel,
  type Parity,
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
 * Carries out each plan on a model on disk, writes it to `dir`, and opens it in a process of its own.
 * @returns what does not hold, a sentence each: parity with the masked model, the cost that was said, bytes and dtypes on disk, outputs in plain
 *   TensorFlow.js, tensors left behind
 */
export async function problemsOf(path: string, dir: string): Promise<string[]> {
  const before = tf.memory().numTensors;
  const problems: string[] = [];
  const source = await loadModel(await locateModel(path));
  try {
    for (const [title, plan] of Object.entries(PLANS)) {
      for (const problem of await checkPlan(source, plan, dir)) problems.push(`${title}: ${problem}`);
    }
  } finally {
    disposeModel(source.model);
  }
  const left = tf.memory().numTensors - before;
  return left === 0 ? problems : [...problems, `${left} tensors are left`];
}

async function checkPlan(
  source: LoadedModel,
  planOf: (graph: ModelGraph) => PlannedGroup[],
  dir: string,
): Promise<string[]> {
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
    const rows = { split, batchSize: 2, title: 'Masked and narrowed' };
    const parity = await checkParity(masked.predict, predictorOf(readGraph(narrow)), rows);
    const saved = await saveModel(narrow, { source, dir, split, batchSize: 2 });
    const [said, found] = [planCost(graph, plan), saved.cost].map((cost) => JSON.stringify(cost));
    return [
      ...above('masked and narrowed differ', parity, PARITY),
      ...above('the reloaded model differs', saved.parity, PARITY),
      ...(said === found ? [] : [`the cost is ${found}, and ${said} was said`]),
      ...(await checkFile(source, saved, inputs, dir)),
    ];
  } finally {
    tf.dispose(inputs);
    masked.dispose();
    disposeModel(narrow);
  }
}

function above(what: string, { maxAbsDifference, maxOutput }: Parity, tolerance: number): string[] {
  return maxAbsDifference <= tolerance * maxOutput ? [] : [`${what} by ${maxAbsDifference / maxOutput}`];
}

function dtypes(quantization: LoadedModel['quantization']): string {
  return [...new Set(quantization.values())].sort().join();
}

async function checkFile(
  source: LoadedModel,
  saved: Saved,
  inputs: readonly tf.Tensor[],
  dir: string,
): Promise<string[]> {
  const { model, file, quantization } = await loadModel(saved.path);
  try {
    const outputs = predictorOf(readGraph(model))(inputs);
    const own = outputs.map((output): Plain => ({ shape: output.shape, values: [...output.dataSync()] }));
    tf.dispose(outputs);
    const error = gap(own, await freshOutputs(dir, inputs));
    return [
      ...(file.bytes === saved.cost.bytes ? [] : [`${file.bytes} bytes were written, and ${saved.cost.bytes} counted`]),
      ...(dtypes(quantization) === dtypes(source.quantization) ? [] : [`stored as ${dtypes(quantization)}`]),
      ...(error <= BACKENDS ? [] : [`plain TensorFlow.js differs by ${error}`]),
    ];
  } finally {
    disposeModel(model);
  }
}

/** Largest difference over the largest output. */
function gap(a: readonly Plain[], b: readonly Plain[]): number {
  let [error, largest] = [0, 0];
  a.forEach(({ shape, values }, i) => {
    if (shape.join() !== b[i].shape.join()) throw new Error(`Shapes differ: ${shape.join()} and ${b[i].shape.join()}.`);
    values.forEach((value, at) => {
      error = Math.max(error, Math.abs(value - b[i].values[at]));
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return error / (largest || 1);
}
