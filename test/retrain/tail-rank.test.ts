import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { buildRankBasis, collectKernelStatistics, kernelsOf, type RankBasis } from '../../src/bases/index.js';
import type { HostArray, Split } from '../../src/data/types.js';
import { TrainingError, UsageError } from '../../src/errors.js';
import { masking } from '../../src/evaluate/masks.js';
import { measureRows } from '../../src/evaluate/measure.js';
import { readGraph } from '../../src/graph/index.js';
import type { ModelGraph } from '../../src/graph/types.js';
import { disposeModel } from '../../src/model/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { mean } from '../../src/objective/stats.js';
import { createRandom } from '../../src/random/index.js';
import { tailRank, type TailRankOptions } from '../../src/retrain/tail-rank.js';
import { factorLayer } from '../../src/surgery/index.js';
import { splitOf } from '../evaluate-helpers.js';

const ROWS = 200;
const objective = inferObjective({ target: 'classes', activation: 'linear', units: 3 });

/** Three classes that two directions of a six-dimensional input, not centred, tell apart. */
function problem(): Split {
  const generator = createRandom(3);
  const x = new Float32Array(ROWS * 6);
  const y = new Int32Array(ROWS);
  for (let row = 0; row < ROWS; row++) {
    for (let j = 0; j < 6; j++) x[row * 6 + j] = generator.normal() + 1;
    const angle = Math.atan2(x[row * 6] - 1, x[row * 6 + 1] - 1);
    y[row] = Math.min(2, Math.floor(((angle + Math.PI) / (2 * Math.PI)) * 3));
  }
  const inputs: HostArray = { shape: [ROWS, 6], values: x };
  return splitOf([inputs], { shape: [ROWS], values: y });
}

function dense(seed: number, units: number, more: object): tf.layers.Layer {
  return tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotNormal({ seed }), ...more });
}

function network(): tf.LayersModel {
  return tf.sequential({
    layers: [
      dense(1, 8, { name: 'hidden', activation: 'relu', inputShape: [6] }),
      dense(2, 5, { name: 'middle', activation: 'relu' }),
      dense(3, 3, { name: 'last' }),
    ],
  });
}

let backend: StartedBackend;
const split = problem();
let graph: ModelGraph;
let basis: RankBasis;

beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
  graph = readGraph(network());
  const { kernels } = await collectKernelStatistics(graph, { objective, split, seed: 0 });
  const kernel = kernelsOf(graph).find(({ layer }) => layer === 'middle')!;
  basis = buildRankBasis('whitened', kernel, kernels.get('middle'));
});
afterAll(async () => {
  disposeModel(graph.model);
  await backend.dispose();
});

function options(more: Partial<TailRankOptions> = {}): TailRankOptions {
  return {
    objective,
    train: split,
    held: split,
    seed: 0,
    batchSize: 20,
    learningRate: 1e-2,
    epochs: 3,
    distill: false,
    sampler: { sampler: 'uniform', p: 0.2, kMin: 1 },
    createAdam: (rate) => backend.createAdam(rate),
    ...more,
  };
}

/** Mean loss with the first k features of a group kept. */
async function lossAt(of: ModelGraph, k: number, group?: string): Promise<number> {
  const masked = group === undefined ? {} : { masked: masking(of.groups, new Map([[group, k]])) };
  const rows = await measureRows(of.program, { objective, split, batchSize: 50, reference: of.program, ...masked });
  return mean(rows.loss);
}

/** The loss of the layer factored at rank k, untrained. */
async function basisLoss(k: number): Promise<number> {
  const factored = readGraph(factorLayer(graph, basis, k));
  const loss = await lossAt(factored, k);
  disposeModel(factored.model);
  return loss;
}

function weightsOf(model: tf.LayersModel, name?: string): number[][] {
  const weights = name === undefined ? model.getWeights() : model.getLayer(name).getWeights();
  return weights.map((weight) => [...weight.dataSync()]);
}

const RANKS = [1, 2, 3, 4, 5];
const average = (values: readonly number[]): number => mean(Float64Array.from(values));

describe('tailRank', () => {
  it('starts from the curve of the basis, at every rank', async () => {
    // steps of this size leave the weights as they are, to float32
    const made = await tailRank(graph, basis, options({ learningRate: 1e-12, epochs: 1 }));
    for (const k of RANKS) expect(await lossAt(made.graph, k, made.group)).toBeCloseTo(await basisLoss(k), 5);
    disposeModel(made.graph.model);
  });

  it.each(['all', 'selected'] as const)(
    'brings the loss over the ranks below that of the basis, training %s',
    async (trains) => {
      const made = await tailRank(graph, basis, options({ trains, epochs: 20 }));
      const trained = await Promise.all(RANKS.map((k) => lossAt(made.graph, k, made.group)));
      const start = await Promise.all(RANKS.map(basisLoss));
      expect(average(trained)).toBeLessThan(0.9 * average(start));
      expect(made.history).toHaveLength(20);
      disposeModel(made.graph.model);
    },
  );

  it('keeps the start where every epoch is worse than it', async () => {
    const made = await tailRank(graph, basis, options({ learningRate: 10, epochs: 2, trains: 'selected' }));
    expect(Math.min(...made.history.map(({ expectedLoss }) => expectedLoss))).toBeGreaterThan(2);
    for (const k of RANKS) expect(await lossAt(made.graph, k, made.group)).toBeCloseTo(await basisLoss(k), 5);
    disposeModel(made.graph.model);
  });

  it('trains the two halves alone when the selected layers train, the others to the bit as they were', async () => {
    const made = await tailRank(graph, basis, options({ trains: 'selected' }));
    for (const name of ['hidden', 'last'])
      expect(weightsOf(made.graph.model, name)).toEqual(weightsOf(graph.model, name));
    const untrained = factorLayer(graph, basis, basis.n, { centered: true });
    for (const name of ['middle_factor', 'middle']) {
      expect(weightsOf(made.graph.model, name)).not.toEqual(weightsOf(untrained, name));
    }
    disposeModel(untrained);
    disposeModel(made.graph.model);
  });

  it('gives the same bytes for the same seed, leaves the model as it was, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const original = weightsOf(graph.model);
    const bytes = async (seed: number): Promise<number[][]> => {
      const made = await tailRank(graph, basis, options({ seed, distill: true }));
      const values = weightsOf(made.graph.model);
      disposeModel(made.graph.model);
      return values;
    };
    const first = await bytes(0);
    expect(await bytes(0)).toEqual(first);
    expect(await bytes(1)).not.toEqual(first);
    expect(weightsOf(graph.model)).toEqual(original);
    expect(tf.memory().numTensors).toBe(before);
  });

  const refused: readonly {
    readonly title: string;
    readonly change: Partial<RankBasis>;
    readonly more?: Partial<TailRankOptions>;
    readonly says: RegExp;
  }[] = [
    { title: 'a kernel of one direction', change: { n: 1 }, says: /one direction only/ },
    {
      title: 'a law that does not exist at this rank',
      change: {},
      more: { sampler: { sampler: 'geometric', p: 0.9, kMin: 1 } },
      says: /middle_factor of 5/,
    },
    {
      title: 'an unknown sampler',
      change: {},
      more: { sampler: { sampler: 'none', p: 0.2, kMin: 1 } },
      says: /"none"/,
    },
  ];
  it.each(refused)('refuses $title', async ({ change, more, says }) => {
    const before = tf.memory().numTensors;
    const attempt = tailRank(graph, { ...basis, ...change }, options(more));
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(says);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops with a word where the loss is no number, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const broken = splitOf([{ shape: [20, 6], values: new Float32Array(120).fill(Infinity) }], {
      shape: [20],
      values: new Int32Array(20),
    });
    await expect(tailRank(graph, basis, options({ train: broken }))).rejects.toThrow(TrainingError);
    expect(tf.memory().numTensors).toBe(before);
  });
});
