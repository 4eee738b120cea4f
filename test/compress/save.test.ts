import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { narrowModel, saveModel, storageOf } from '../../src/compress/index.js';
import type { HostArray } from '../../src/data/types.js';
import { GateError } from '../../src/errors.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel, loadModel, weightEntries, writeModel, type QuantizationType } from '../../src/model/index.js';
import { splitOf } from '../evaluate-helpers.js';
import { normal, sequential } from '../bases/models.js';
import { problemsOf } from './carried.js';
import { partsOf } from './plans.js';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');
const folder = mkdtempSync(join(tmpdir(), 'tdc-save-'));
const { layers } = tf;

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('every fixture, compressed: matches the masked one, costs what was said, and opens in plain TensorFlow.js', () => {
  it.each(['digits-mlp', 'digits-cnn', 'width-2-of-8'])('%s', async (name) => {
    expect(await problemsOf(join(FIXTURES, name), join(folder, name))).toEqual([]);
  });
});

function network(): tf.LayersModel {
  return sequential(
    layers.dense({ name: 'hidden', units: 8, activation: 'relu', inputShape: [6] }),
    layers.dense({ name: 'middle', units: 8, activation: 'relu', useBias: false }),
    layers.dense({ name: 'last', units: 3 }),
  );
}

const rows = (): ReturnType<typeof splitOf> => {
  const x: HostArray = normal([20, 6], 4);
  return splitOf([x]);
};

describe('saveModel', () => {
  const NARROW = [
    { name: 'hidden', n: 8, k: 5, basis: 'magnitude', kind: 'unit', folded: true },
    { name: 'last', layer: 'middle', n: 8, k: 2, basis: 'svd', kind: 'rank' },
  ] as const;

  it.each(['uint8', 'uint16', 'float16'] as const)(
    'keeps a %s source so, stores new biases as float32, and tells the loss that storing adds',
    async (dtype: QuantizationType) => {
      const before = tf.memory().numTensors;
      const original = network();
      const { path } = await writeModel(original, join(folder, `source-${dtype}`), { quantization: () => dtype });
      disposeModel(original);
      const source = await loadModel(path);
      const graph = readGraph(source.model, { bytesPerWeight: source.bytesPerWeight });
      const narrow = narrowModel(graph, NARROW, partsOf(graph));
      const rise = { delta: 0.25, deltaSe: 0.125, upper95: 0.5 };
      const dir = join(folder, `narrow-${dtype}`);
      const asked: number[] = [];
      const saved = await saveModel(narrow, {
        source,
        dir,
        split: rows(),
        batchSize: 8,
        measure: (stored) => {
          asked.push(stored.cost(new Map()).parameters);
          return Promise.resolve(rise);
        },
      });
      expect(asked).toEqual([saved.cost.parameters]);
      expect(saved.quantisation).toEqual({ dtype, ...rise });
      const again = await loadModel(saved.path);
      const stored = Object.fromEntries(
        weightEntries(again.model).map(({ key }) => [key, again.quantization.get(key)]),
      );
      expect(stored).toEqual({
        'hidden/kernel': dtype,
        'hidden/bias': dtype,
        'middle_factor/kernel': dtype,
        'middle/kernel': dtype,
        'middle/bias': undefined,
        'last/kernel': dtype,
        'last/bias': dtype,
      });
      expect(saved.cost.bytes).toBe(again.file.bytes);
      const files = readdirSync(dir).map((name) => statSync(join(dir, name)).size);
      expect(saved.fileBytes).toBe(files.reduce((all, size) => all + size, 0));
      for (const model of [again.model, narrow, source.model]) disposeModel(model);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('says nothing of quantising where the source is float32', async () => {
    const model = network();
    const source = { quantization: new Map(), bytesPerWeight: new Map() };
    const options = { source, dir: join(folder, 'plain'), split: rows(), batchSize: 8 };
    const saved = await saveModel(model, { ...options, measure: () => Promise.reject(new Error('asked for')) });
    expect(saved.quantisation).toBeUndefined();
    expect(saved.parity).toEqual({ maxAbsDifference: 0, maxOutput: saved.parity.maxOutput, examples: 20 });
    disposeModel(model);
  });

  it('leaves the former model, and nothing beside it, where the reloaded one differs', async () => {
    const before = tf.memory().numTensors;
    const model = network();
    const source = { quantization: new Map(), bytesPerWeight: new Map() };
    const home = join(folder, 'broken');
    const dir = join(home, 'compressed');
    await saveModel(model, { source, dir, split: rows(), batchSize: 8 });
    const former = readFileSync(join(dir, 'model.json'), 'utf8');
    // rows that are no numbers compare as different
    const x: HostArray = { shape: [2, 6], values: new Float32Array(12).fill(Number.NaN) };
    const failing = saveModel(model, { source, dir, split: splitOf([x]), batchSize: 8, generatedBy: 'another' });
    await expect(failing).rejects.toThrow(GateError);
    expect(readdirSync(home)).toEqual(['compressed']);
    expect(readFileSync(join(dir, 'model.json'), 'utf8')).toBe(former);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('finds what the halves of a factored kernel were, and lets a layer of that name be itself', () => {
    const quantization = new Map<string, QuantizationType>([
      ['a/x/kernel', 'uint8'],
      ['y/kernel', 'uint16'],
    ]);
    const bytesPerWeight = new Map([
      ['a/x/kernel', 1],
      ['y/kernel', 2],
      ['y_factor/kernel', 4],
    ]);
    const { quantization: stored, bytes } = storageOf({ quantization, bytesPerWeight });
    const keys = ['a/x/kernel', 'a/x_factor/kernel', 'y_factor/kernel', 'y_factor_2/kernel', 'a/x/bias'];
    expect(keys.map((key) => [stored(key), bytes(key)])).toEqual([
      ['uint8', 1],
      ['uint8', 1],
      [undefined, 4],
      ['uint16', 2],
      [undefined, 4],
    ]);
  });
});
