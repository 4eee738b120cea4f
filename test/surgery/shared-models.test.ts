import type * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { MODELS, loadShared, randomInputs } from '../graph/models.js';
import { PARITY, parity, prefix, randomKeep, someWidths } from './parity.js';

/** The others have many groups; all of theirs are tried in the long suite. */
const SMALL = new Set([
  'bilstm-nnsplit-u8',
  'cnn-mnist-hyai',
  'cvae-decoder-2in',
  'gru-embedding',
  'lstm-chargen',
  'mlp-abalone-reg',
  'mlp-bn-tlahui',
  'mlp-fashion-4tsu',
  'nested-seq-chinese',
  'rnn-click',
]);

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});

describe.skipIf(MODELS.length === 0)('sliceModel on shared models', () => {
  it.each(MODELS)(
    'masked = sliced with all groups at random units, and the cost is that of the sliced model: %s',
    async (name) => {
      const model = await loadShared(name);
      const graph = readGraph(model);
      const inputs = randomInputs(model, 2, 3);
      const keep = randomKeep(graph, createRandom(4));
      const { error, parameters, cost } = parity(graph, inputs, keep);
      expect(error).toBeLessThanOrEqual(PARITY);
      expect(cost.parameters).toBe(parameters);
      expect(graph.cost(new Map([...keep].map(([group, units]) => [group, units.length])))).toEqual(cost);
      dispose(model, inputs);
    },
  );

  it.each([...SMALL])('masked = sliced for every group alone at k = 1, n/2, n-1: %s', async (name) => {
    const model = await loadShared(name);
    const graph = readGraph(model);
    const inputs = randomInputs(model, 2, 3);
    for (const group of graph.groups) {
      for (const k of someWidths(group.n)) {
        const { error, parameters } = parity(graph, inputs, new Map([[group.name, prefix(k)]]));
        expect(error, `${group.name} at ${k}`).toBeLessThanOrEqual(PARITY);
        expect(graph.cost(new Map([[group.name, k]])).parameters, `${group.name} at ${k}`).toBe(parameters);
      }
    }
    dispose(model, inputs);
  });
});

function dispose(model: tf.LayersModel, inputs: readonly tf.Tensor[]): void {
  for (const input of inputs) input.dispose();
  disposeModel(model);
}
