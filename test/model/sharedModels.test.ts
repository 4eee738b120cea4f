import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { version_wasm as wasmVersion } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';

import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { SHARED } from '../shared.js';
import { predictions, stockLoad } from './helpers.js';

const models = SHARED === undefined ? '' : join(SHARED, 'models');
const folders =
  SHARED === undefined
    ? []
    : readdirSync(models, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => e.name);
const positive = folders.filter((name) => !name.startsWith('neg-'));

describe.skipIf(SHARED === undefined)('models that other people published (shared folder absent: skipped)', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });

  it('has them all, and one version of tfjs to run them', () => {
    expect(wasmVersion).toBe(tf.version_core);
    expect(positive).toHaveLength(21);
  });

  it.each(positive)('%s loads, computes exactly what stock tfjs computes, and leaves nothing behind', async (name) => {
    const path = await locateModel(join(models, name));
    const before = tf.memory().numTensors;
    const { model } = await loadModel(path);
    const zeros = predictions(model, 0);
    const ones = predictions(model, 1);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
    for (const output of [...zeros, ...ones]) expect(output.every(Number.isFinite)).toBe(true);
    const stock = await stockLoad(path);
    expect(predictions(stock, 0)).toEqual(zeros);
    expect(predictions(stock, 1)).toEqual(ones);
    disposeModel(stock);
  });

  it.each([
    ['neg-graph-lenet', /graph model/],
    ['neg-graph-prefetch', /graph model/],
    ['neg-manifest-only', /bare weights manifest/],
    ['neg-shard-too-long', /too long: the manifest declares \d+ bytes, found \d+/],
  ])('%s is refused by saying what it is', async (name, message) => {
    const refused = loadModel(await locateModel(join(models, name)));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: 'model', exitCode: 3, hint: expect.any(String) as string });
  });
});
