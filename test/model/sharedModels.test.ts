import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { version_wasm as wasmVersion } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';

import {
  cloneModel,
  disposeModel,
  loadModel,
  locateModel,
  modelDigest,
  weightEntries,
  writeModel,
} from '../../src/model/index.js';
import { SHARED } from '../shared.js';
import { predictions, stockLoad, temporaryFolder } from './helpers.js';

const models = SHARED === undefined ? '' : join(SHARED, 'models');
const folders =
  SHARED === undefined
    ? []
    : readdirSync(models, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => e.name);
const positive = folders.filter((name) => !name.startsWith('neg-'));

const same = (a: readonly Float32Array[], b: readonly Float32Array[]): boolean =>
  a.every((values, i) => values.every((value, k) => Object.is(value, b[i]?.[k])));

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

  // Without the one whose forward pass takes seconds.
  it.each(positive.filter((name) => name !== 'acgan-2in'))(
    '%s is copied exactly, and what is written of it, quantised as its source is, opens in stock tfjs',
    async (name) => {
      const before = tf.memory().numTensors;
      const { model, quantization, file } = await loadModel(await locateModel(join(models, name)));
      const outputs = predictions(model, 1);
      const clone = cloneModel(model);
      expect(predictions(clone, 1)).toEqual(outputs);
      disposeModel(clone);
      const folder = join(await temporaryFolder(), 'out');
      const written = await writeModel(model, folder, { quantization: (key) => quantization.get(key) });
      expect(written.bytes).toBe(file.bytes);
      for (const { key, variable } of weightEntries(model))
        tf.tidy(() => variable.assign(tf.tensor(written.weights.get(key) ?? [], variable.shape)));
      const expected = predictions(model, 1);
      expect(quantization.size > 0 || same(expected, outputs)).toBe(true);
      const digest = await modelDigest(model);
      disposeModel(model);
      const { model: again } = await loadModel(written.path);
      expect(await modelDigest(again)).toBe(digest);
      disposeModel(again);
      const stock = await stockLoad(written.path);
      expect(predictions(stock, 1)).toEqual(expected);
      disposeModel(stock);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

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
