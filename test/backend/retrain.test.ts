import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { readGraph } from '../../src/graph/index.js';
import { createSampler } from '../../src/layers/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import { retrain } from '../../src/retrain/retrain.js';
import { sweep, SWEEP_DEFAULTS } from '../../src/sweep/sweep.js';
import { splitOf } from '../evaluate-helpers.js';
import { AVAILABLE } from './available.js';

const ROWS = 60;
const objective = inferObjective({ target: 'classes', activation: 'softmax', units: 3 });

function network(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 1] }),
      tf.layers.batchNormalization({}),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten({}),
      tf.layers.dense({ units: 10, activation: 'relu' }),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
}

describe.each(AVAILABLE)('retraining and sweeping on $title', ({ backend: name, skip }) => {
  it.skipIf(skip)('leave no tensor behind', async () => {
    const backend = await startBackend({ backend: name });
    const random = createRandom(1);
    const x = { shape: [ROWS, 8, 8, 1], values: Float32Array.from({ length: ROWS * 64 }, () => random.uniform()) };
    const split = splitOf([x], { shape: [ROWS], values: Int32Array.from({ length: ROWS }, (_, i) => i % 3) });
    const [original, graph] = [readGraph(network()), readGraph(network())];
    const once = async (): Promise<void> => {
      await retrain(graph, {
        objective,
        train: split,
        held: split,
        original,
        groups: graph.groups.map((group) => group.name),
        sampler: () => createSampler({ name: 'uniform' }),
        schedule: { epochs: 2, stepsPerEpoch: 3, truncatedDraws: 1 },
        batchSize: 20,
        learningRate: 1e-3,
        trains: 'all',
        distill: true,
        seed: 0,
        createAdam: (rate) => backend.createAdam(rate),
      });
      await sweep({ original: graph }, { ...SWEEP_DEFAULTS, objective, split });
    };
    await once();
    const before = tf.memory().numTensors;
    await once();
    await once();
    expect(tf.memory().numTensors).toBe(before);
    original.model.dispose();
    graph.model.dispose();
    await backend.dispose();
  });
});
