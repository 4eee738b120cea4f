import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import type { HostArray, Split } from '../../src/data/types.js';
import { TrainingError } from '../../src/errors.js';
import { readGraph } from '../../src/graph/index.js';
import type { ModelGraph } from '../../src/graph/types.js';
import { createSampler } from '../../src/layers/index.js';
import { cloneModel } from '../../src/model/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import { expectedLoss } from '../../src/retrain/held.js';
import { retrain, type RetrainOptions } from '../../src/retrain/retrain.js';
import { splitOf } from '../evaluate-helpers.js';

const ROWS = 200;
const objective = inferObjective({ target: 'classes', activation: 'linear', units: 3 });

/** Three classes that two directions of a six-dimensional input tell apart. */
function problem(): Split {
  const generator = createRandom(3);
  const x = new Float32Array(ROWS * 6);
  const y = new Int32Array(ROWS);
  for (let row = 0; row < ROWS; row++) {
    for (let j = 0; j < 6; j++) x[row * 6 + j] = generator.normal();
    const angle = Math.atan2(x[row * 6], x[row * 6 + 1]);
    y[row] = Math.min(2, Math.floor(((angle + Math.PI) / (2 * Math.PI)) * 3));
  }
  const inputs: HostArray = { shape: [ROWS, 6], values: x };
  return splitOf([inputs], { shape: [ROWS], values: y });
}

function network(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', units: 8, inputShape: [6] }),
      tf.layers.batchNormalization({ name: 'norm' }),
      tf.layers.activation({ name: 'relu', activation: 'relu' }),
      tf.layers.dense({ name: 'middle', units: 5, activation: 'relu' }),
      tf.layers.dense({ name: 'last', units: 3 }),
    ],
  });
  const generator = createRandom(11);
  const weights = model.weights.map((weight) => {
    const values = Float32Array.from(
      { length: weight.shape.reduce((a: number, b) => a * b!, 1) },
      () => 0.5 * generator.normal(),
    );
    return tf.tensor(
      /variance|gamma/.test(weight.name) ? values.map((value) => 0.5 + value ** 2) : values,
      weight.shape as number[],
    );
  });
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

function optionsFor(original: ModelGraph, split: Split, more: Partial<RetrainOptions> = {}): RetrainOptions {
  return {
    objective,
    train: split,
    held: split,
    original,
    groups: original.groups.map(({ name }) => name),
    sampler: () => createSampler({ name: 'uniform' }),
    schedule: { epochs: 6, stepsPerEpoch: 10, truncatedDraws: 1 },
    batchSize: 20,
    learningRate: 1e-2,
    trains: 'all',
    distill: false,
    seed: 0,
    createAdam: (rate) => backend.createAdam(rate),
    ...more,
  };
}

function weightsOf(model: tf.LayersModel, layer?: string): number[] {
  const owner = layer === undefined ? model : model.getLayer(layer);
  return owner.getWeights().flatMap((weight) => [...weight.dataSync()]);
}

/** Moving mean and variance. */
function statistics(model: tf.LayersModel): number[] {
  const [, , ...moving] = model.getLayer('norm').getWeights();
  return moving.flatMap((weight) => [...weight.dataSync()]);
}

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

/** Retrains a clone and hands it over with the original. */
async function run(more: Partial<RetrainOptions> = {}) {
  const split = problem();
  const original = readGraph(network());
  const graph = readGraph(cloneModel(original.model));
  const history = await retrain(graph, optionsFor(original, split, more));
  return { original, graph, history, split };
}

describe('retrain', () => {
  it('brings the expected loss over random widths below the control’s', async () => {
    const { original, graph, split, history } = await run({
      schedule: { epochs: 25, stepsPerEpoch: 10, truncatedDraws: 1 },
    });
    const control = readGraph(cloneModel(original.model));
    const { sampler: _, ...bare } = optionsFor(original, split, {
      schedule: { epochs: 25, stepsPerEpoch: 10, truncatedDraws: 1 },
    });
    await retrain(control, bare);
    const expected = (of: ModelGraph): Promise<number> => expectedLoss(of, of.groups, optionsFor(original, split));
    expect(await expected(graph)).toBeLessThan(0.9 * (await expected(control)));
    expect(history.at(-1)!.expectedLoss).toBeLessThan(history[0].expectedLoss);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [one, two, other] = [await run(), await run(), await run({ seed: 1 })];
    expect(weightsOf(two.graph.model)).toEqual(weightsOf(one.graph.model));
    expect(weightsOf(other.graph.model)).not.toEqual(weightsOf(one.graph.model));
  });

  it('neither touches the original nor moves the statistics of BatchNormalization', async () => {
    const fresh = weightsOf(network());
    const { original, graph } = await run();
    expect(weightsOf(original.model)).toEqual(fresh);
    expect(statistics(graph.model)).toEqual(statistics(original.model));
    expect(weightsOf(graph.model, 'norm').slice(0, 16)).not.toEqual(weightsOf(original.model, 'norm').slice(0, 16));
  });

  it('with trains "selected" moves only the selected layers and what reads them', async () => {
    const { original, graph } = await run({ groups: ['middle'], trains: 'selected' });
    expect(weightsOf(graph.model, 'hidden')).toEqual(weightsOf(original.model, 'hidden'));
    expect(weightsOf(graph.model, 'norm')).toEqual(weightsOf(original.model, 'norm'));
    expect(weightsOf(graph.model, 'middle')).not.toEqual(weightsOf(original.model, 'middle'));
    expect(weightsOf(graph.model, 'last')).not.toEqual(weightsOf(original.model, 'last'));
  });

  it('keeps the start where training only harms', async () => {
    const { original, graph } = await run({
      learningRate: 5,
      schedule: { epochs: 2, stepsPerEpoch: 10, truncatedDraws: 1 },
    });
    expect(weightsOf(graph.model)).toEqual(weightsOf(original.model));
  });

  it('stops with advice when the loss is no longer a number, at the best weights so far', async () => {
    const split = problem();
    const original = readGraph(network());
    const graph = readGraph(cloneModel(original.model));
    const attempt = retrain(graph, optionsFor(original, split, { learningRate: 1e38 }));
    await expect(attempt).rejects.toThrow(TrainingError);
    await expect(attempt).rejects.toMatchObject({ hint: expect.stringContaining('--learning-rate') as string });
    expect(weightsOf(graph.model)).toEqual(weightsOf(original.model));
  });

  it('with distillation alone for a target stays where the original is', async () => {
    const split = problem();
    const original = readGraph(network());
    const graph = readGraph(cloneModel(original.model));
    const self = inferObjective({ target: 'self', activation: 'softmax', units: 3 });
    const { sampler: _, ...bare } = optionsFor(original, split, { objective: self, distill: true });
    const history = await retrain(graph, bare);
    // the divergence of a model from itself is 0: the vacuous control that science warns of
    expect(history[0].expectedLoss).toBeLessThan(1e-3);
  });

  it('leaves no tensor behind', async () => {
    const split = problem();
    const original = readGraph(network());
    const graph = readGraph(cloneModel(original.model));
    await retrain(graph, optionsFor(original, split));
    const before = tf.memory().numTensors;
    await retrain(graph, optionsFor(original, split, { distill: true }));
    expect(tf.memory().numTensors).toBe(before);
  });
});
