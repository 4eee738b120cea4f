import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel, loadModel, locateModel, writeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { sliceModel, type Keep } from '../../src/surgery/index.js';
import { MODELS, loadShared, randomInputs } from '../graph/models.js';
import { stockLoad } from '../model/helpers.js';
import { PARITY, maskedOutputs, predict, prefix, randomKeep, relativeError, someWidths } from './parity.js';

const FIXTURES = ['digits-mlp', 'digits-cnn', 'width-2-of-8'];
const folder = mkdtempSync(join(tmpdir(), 'tdc-slice-'));

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Masked against sliced, written, and loaded again by stock TensorFlow.js. */
async function reloadedError(graph: ModelGraph, inputs: readonly tf.Tensor[], keep: Keep): Promise<number> {
  const sliced = sliceModel(graph, keep);
  const { path } = await writeModel(sliced, join(folder, 'sliced'), { force: true });
  disposeModel(sliced);
  const loaded = await stockLoad(path);
  const error = tf.tidy(() => relativeError(maskedOutputs(graph, inputs, keep), predict(loaded, inputs)));
  disposeModel(loaded);
  return error;
}

/** The widths at which masked and sliced differ, and by how much. */
async function differences(model: tf.LayersModel): Promise<string[]> {
  const found: string[] = [];
  const graph = readGraph(model);
  const inputs = randomInputs(model, 2, 3);
  const random = createRandom(5);
  const single = graph.groups.flatMap(({ name, n }) => someWidths(n).map((k) => new Map([[name, prefix(k)]])));
  const all = [1, 2, 3].map(() => randomKeep(graph, random));
  for (const keep of [...single, ...all]) {
    const title = [...keep].map(([name, units]) => `${name} at ${units.length}`).join(', ');
    const error = await reloadedError(graph, inputs, keep);
    if (!(error <= PARITY)) found.push(`${title}: ${error}`);
  }
  tf.dispose(inputs);
  disposeModel(model);
  return found;
}

describe('masked = sliced, reloaded from disk in plain TensorFlow.js, for every group at k = 1, n/2, n-1 and for all at once', () => {
  it.skipIf(MODELS.length === 0).each(MODELS)(
    'shared model %s',
    async (name) => {
      expect(await differences(await loadShared(name))).toEqual([]);
    },
    900_000,
  );

  it.each(FIXTURES)(
    'fixture %s',
    async (name) => {
      const { model } = await loadModel(await locateModel(join(import.meta.dirname, '../../fixtures', name)));
      expect(await differences(model)).toEqual([]);
    },
    900_000,
  );
});
