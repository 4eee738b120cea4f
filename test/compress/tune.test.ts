import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { narrowModel, planCost, shrink, tune, TUNE_DEFAULTS, tuneEpochs } from '../../src/compress/index.js';
import type { Split } from '../../src/data/types.js';
import { measureRows, summarize } from '../../src/evaluate/measure.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel, modelDigest } from '../../src/model/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import type { PlannedGroup } from '../../src/records/types.js';
import { splitOf } from '../evaluate-helpers.js';
import { normal, sequential } from '../bases/models.js';
import { randomArchitecture } from '../surgery/architectures.js';
import { partsOf, randomPlan } from './plans.js';

const { layers } = tf;
let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterEach(() => {
  const { numTensors } = tf.memory();
  if (numTensors > 0) throw new Error(`${numTensors} tensors left behind`);
});

function network(): tf.LayersModel {
  return sequential(
    layers.dense({ name: 'hidden', units: 12, activation: 'relu', inputShape: [6] }),
    layers.dense({ name: 'middle', units: 8, activation: 'tanh' }),
    layers.dense({ name: 'last', units: 2 }),
  );
}

const unit = (name: string, n: number, k: number, folded = false): PlannedGroup => ({
  name,
  n,
  k,
  basis: 'magnitude',
  kind: 'unit',
  ...(folded ? { folded } : {}),
});
const rank = (k: number): PlannedGroup => ({ name: 'middle', layer: 'middle', n: 8, k, basis: 'svd', kind: 'rank' });

async function lossOf(graph: ModelGraph, original: ModelGraph, split: Split): Promise<number> {
  const objective = inferObjective({ target: 'self', activation: 'linear', units: 2 });
  const options = { objective, split, batchSize: 50, reference: original.program };
  return summarize(await measureRows(graph.program, options)).loss;
}

describe('tune', () => {
  it('brings a narrowed model nearer to the original on rows it has not seen, and leaves the original alone', async () => {
    const model = network();
    const original = readGraph(model);
    const digest = await modelDigest(model);
    const narrow = narrowModel(original, [unit('hidden', 12, 6), rank(2)], partsOf(original));
    const graph = readGraph(narrow);
    const fresh = splitOf([normal([100, 6], 77)]);
    const before = await lossOf(graph, original, fresh);
    const { history, epochs, learningRate } = await tune(graph, {
      objective: inferObjective({ target: 'self', activation: 'linear', units: 2 }),
      train: splitOf([normal([200, 6], 3)]),
      held: splitOf([normal([50, 6], 4)]),
      original,
      batchSize: 50,
      distill: true,
      seed: 1,
      createAdam: (rate) => backend.createAdam(rate),
    });
    expect({ epochs, learningRate }).toEqual({ epochs: 30, learningRate: TUNE_DEFAULTS.learningRate });
    expect(history).toHaveLength(30);
    expect(await lossOf(graph, original, fresh)).toBeLessThan(0.7 * before);
    expect(await modelDigest(model)).toBe(digest);
    disposeModel(narrow);
    disposeModel(model);
  });

  it.each([
    [1000, 128, 30],
    [60_000, 128, 1],
    [5000, 128, 10],
    [1, 128, 30],
  ])('makes some 400 steps: %i rows by %i are %i epochs', (rows, batch, epochs) => {
    expect(tuneEpochs(rows, batch)).toBe(epochs);
  });
});

/** Every weight of a model, by name. */
function weightsOf(model: tf.LayersModel): Record<string, number[]> {
  return Object.fromEntries(
    model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]] as const),
  );
}

/** Largest difference of two models' weights for their size; infinite where their names or shapes differ. */
function weightGap(a: tf.LayersModel, b: tf.LayersModel): number {
  const [left, right] = [weightsOf(a), weightsOf(b)];
  if (Object.keys(left).join() !== Object.keys(right).join()) return Infinity;
  const gaps = Object.entries(left).map(([name, values]) => {
    if (values.length !== right[name].length) return Infinity;
    const gap = Math.max(0, ...values.map((value, i) => Math.abs(value - right[name][i])));
    return gap / (1 + Math.max(0, ...values.map(Math.abs)));
  });
  return Math.max(...gaps);
}

/** A mean that a rank corrects is that of the wider rank: no equal weights there. */
function plain({ basis }: PlannedGroup): string {
  return basis === 'whitened' ? 'svd' : basis;
}

/** Sums that are made in two steps instead of one. */
const SUMS = 1e-5;

describe('shrink', () => {
  it('of a model that was not tuned is what the narrower plan makes, where nothing is folded: 100 random plans', () => {
    const gaps: number[] = [];
    for (let seed = 0; seed < 100; seed++) {
      const model = randomArchitecture(seed);
      const graph = readGraph(model);
      const parts = partsOf(graph, seed);
      const random = createRandom(seed);
      const from = randomPlan(graph, random).map((group) => ({ ...group, basis: plain(group), folded: false }));
      const to = from.map((group) => ({ ...group, k: 1 + random.integer(group.k) }));
      const wide = narrowModel(graph, from, parts);
      const narrow = narrowModel(graph, to, parts);
      const cut = shrink(readGraph(wide), { graph, from, to, parts });
      if (cut !== null) {
        const same = JSON.stringify(readGraph(cut).cost(new Map())) === JSON.stringify(planCost(graph, to));
        gaps.push(same ? weightGap(cut, narrow) : Infinity);
        disposeModel(cut);
      }
      for (const one of [wide, narrow, model]) disposeModel(one);
    }
    expect(gaps.length).toBeGreaterThan(50);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(SUMS);
  });

  it('folds what goes with the constants of the original, through a factored kernel too', () => {
    const model = network();
    const graph = readGraph(model);
    const parts = partsOf(graph);
    const [from, to] = [9, 6].map((k) => [unit('hidden', 12, k, true), rank(2)]);
    const wide = narrowModel(graph, from, parts);
    const narrow = narrowModel(graph, to, parts);
    const cut = shrink(readGraph(wide), { graph, from, to, parts })!;
    expect(weightGap(cut, narrow)).toBeLessThanOrEqual(SUMS);
    for (const one of [cut, wide, narrow, model]) disposeModel(one);
  });

  const others: readonly (readonly [title: string, from: PlannedGroup[], to: PlannedGroup[]])[] = [
    ['a wider group', [unit('hidden', 12, 6)], [unit('hidden', 12, 7)]],
    ['a group that is whole again', [unit('hidden', 12, 6)], []],
    ['another order', [unit('hidden', 12, 6)], [{ ...unit('hidden', 12, 5), basis: 'tail' }]],
    ['another folding', [unit('hidden', 12, 6)], [unit('hidden', 12, 5, true)]],
    ['a higher rank', [rank(2)], [rank(3)]],
    ['a kernel that was whole', [unit('hidden', 12, 6)], [unit('hidden', 12, 6), rank(2)]],
    ['a kernel that is whole beside narrower groups', [rank(4)], [rank(4), unit('hidden', 12, 4)]],
  ];
  it.each(others)('refuses %s', (_, from, to) => {
    const model = network();
    const graph = readGraph(model);
    const parts = partsOf(graph);
    const wide = narrowModel(graph, from, parts);
    expect(shrink(readGraph(wide), { graph, from, to, parts })).toBeNull();
    disposeModel(wide);
    disposeModel(model);
  });
});
