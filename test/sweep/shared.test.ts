import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { SHARED } from '../shared.js';
import { worstDifference } from './engine.js';

/** float32 sums in another order, as a share of the largest output. */
const FLOAT32 = 1e-5;

const MODELS = [
  'bilstm-nnsplit-u8',
  'cnn-mnist-hyai',
  'cvae-decoder-2in',
  'gru-embedding',
  'k3-cnn-mnist-patched',
  'lstm-chargen',
  'mlp-abalone-reg',
  'mlp-bn-tlahui',
  'mlp-fashion-4tsu',
  'rnn-click',
];

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'wasm' });
});
afterAll(() => backend.dispose());

describe.skipIf(SHARED === undefined)('the sweep engine on other people’s models (skipped without shared/)', () => {
  it.each(MODELS)('computes what the sliced model computes: %s', async (name) => {
    const { model } = await loadModel(await locateModel(join(SHARED!, 'models', name)));
    expect(await worstDifference(readGraph(model), 5, 1)).toBeLessThan(FLOAT32);
    disposeModel(model);
  });
});
