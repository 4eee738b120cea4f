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
  'acgan-2in',
  'cnn-doodlenet',
  'cnn-fashion-bn',
  'crepe-pitch',
  'minimobilenet-emotion',
  'mlp-mnist-tfjsmv',
  'mobilenet025-f32',
  'mobilenetv2-nsfwjs-u8',
  'nested-seq-chinese',
];

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'wasm' });
});
afterAll(() => backend.dispose());

describe.skipIf(SHARED === undefined)(
  'the sweep engine on other people’s larger models (skipped without shared/)',
  () => {
    it.each(MODELS)('computes what the sliced model computes: %s', async (name) => {
      const { model } = await loadModel(await locateModel(join(SHARED!, 'models', name)));
      expect(await worstDifference(readGraph(model), 2, 1)).toBeLessThan(FLOAT32);
      disposeModel(model);
    });
  },
);
