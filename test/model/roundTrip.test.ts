import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { OutputError } from '../../src/errors.js';
import {
  disposeModel,
  loadModel,
  modelDigest,
  readModelFile,
  weightEntries,
  writeModel,
} from '../../src/model/index.js';
import { fromFloat16, quantize, toFloat16 } from '../../src/model/values.js';
import {
  fillWeights,
  predictions,
  readManifest,
  stockLoad,
  tangled,
  temporaryFolder,
  tinyFunctional,
  writeStock,
} from './helpers.js';

const run = promisify(execFile);

/** Opens a folder with nothing but stock tfjs, in a process of its own, and prints the outputs for inputs of ones. */
const STOCK = `
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path');
const dir = process.argv[1];
const json = JSON.parse(fs.readFileSync(path.join(dir, 'model.json'), 'utf8'));
const handler = { load: async () => ({
  modelTopology: json.modelTopology, format: json.format, trainingConfig: json.trainingConfig,
  weightSpecs: json.weightsManifest.flatMap((g) => g.weights),
  weightData: new Uint8Array(Buffer.concat(json.weightsManifest.flatMap((g) => g.paths).map((p) => fs.readFileSync(path.join(dir, p))))).buffer,
}) };
tf.loadLayersModel(handler).then((model) => {
  const out = model.predict(model.inputs.map((i) => tf.ones(i.shape.map((s, k) => s ?? (k ? 8 : 2)))));
  console.log(JSON.stringify([out].flat().map((t) => [...t.dataSync()])));
});`;

async function stockInItsOwnProcess(folder: string): Promise<number[][]> {
  const { stdout } = await run(process.execPath, ['-e', STOCK, folder], { cwd: join(import.meta.dirname, '../..') });
  return JSON.parse(stdout) as number[][];
}

const rounded = (outputs: readonly ArrayLike<number>[]): number[][] =>
  outputs.map((output) => Array.from(output, Math.fround));

describe('a written model', () => {
  it('is opened by plain tfjs in a fresh process with the same outputs, nested models with equal inner names included', async () => {
    const before = tf.memory().numTensors;
    const model = tangled();
    const folder = join(await temporaryFolder(), 'out');
    await writeModel(model, folder);
    const expected = predictions(model, 1);
    const { model: again } = await loadModel(join(folder, 'model.json'));
    expect(predictions(again, 1)).toEqual(expected);
    expect(rounded(await stockInItsOwnProcess(folder))).toEqual(rounded(expected));
    disposeModel(again);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps every name where none repeats, and metadata and training configuration as data', async () => {
    const model = tinyFunctional();
    const folder = join(await temporaryFolder(), 'out');
    await writeModel(model, folder, {
      userDefinedMetadata: { ordered: true },
      trainingConfig: { loss: 'mse' },
      generatedBy: 'test 1',
    });
    model.dispose();
    const file = await readModelFile(join(folder, 'model.json'));
    expect(file.weights.map((weight) => weight.name)).toEqual(['a/kernel', 'a/bias', 'b/kernel', 'b/bias']);
    expect(file.userDefinedMetadata).toEqual({ ordered: true });
    expect(file.trainingConfig).toEqual({ loss: 'mse' });
    const manifest = await readManifest(join(folder, 'model.json'));
    expect(manifest).toMatchObject({ format: 'layers-model', generatedBy: 'test 1' });
    expect(manifest['trainingConfig']).toBeUndefined();
  });

  it('keeps the initializers of its layers, which loading does not run', async () => {
    const model = tf.sequential({
      layers: [tf.layers.lstm({ units: 2, inputShape: [4, 3], kernelInitializer: 'heUniform', name: 'lstm' })],
    });
    const source = await writeStock(model, await temporaryFolder());
    const { model: loaded } = await loadModel(source);
    const [config] = loaded.layers.map((layer) => layer.getConfig() as Record<string, { className: string }>);
    expect(config?.['recurrentInitializer']?.className).toBe('Orthogonal');
    // tfjs itself saves heUniform as the VarianceScaling it is.
    expect(config?.['kernelInitializer']?.className).toBe('VarianceScaling');
    expect(await modelDigest(loaded)).toBe(await modelDigest(model));
    disposeModel(loaded);
    disposeModel(model);
  });

  it('is cut into shards of 4 MiB', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 1024, inputShape: [1100], kernelInitializer: 'zeros' })],
    });
    const folder = join(await temporaryFolder(), 'out');
    const { bytes } = await writeModel(model, folder);
    expect(bytes).toBe(4 * (1100 * 1024 + 1024));
    expect((await readdir(folder)).sort()).toEqual(['group1-shard1of2.bin', 'group1-shard2of2.bin', 'model.json']);
    expect((await readFile(join(folder, 'group1-shard1of2.bin'))).length).toBe(4 * 1024 * 1024);
    const { model: again } = await loadModel(join(folder, 'model.json'));
    expect(await modelDigest(again)).not.toBe('');
    disposeModel(again);
    disposeModel(model);
  });

  it.each(['uint8', 'uint16', 'float16'] as const)(
    'comes back as its %s weights, as stock tfjs decodes them',
    async (scheme) => {
      const model = tinyFunctional();
      const folder = join(await temporaryFolder(), 'out');
      const { weights, bytes } = await writeModel(model, folder, {
        quantization: (key) => (key.endsWith('kernel') ? scheme : undefined),
      });
      model.dispose();
      const loaded = await loadModel(join(folder, 'model.json'));
      for (const { key, variable } of weightEntries(loaded.model))
        expect(variable.dataSync()).toEqual(weights.get(key));
      expect([...loaded.quantization]).toEqual([
        ['a/kernel', scheme],
        ['b/kernel', scheme],
      ]);
      expect(loaded.file.bytes).toBe(bytes);
      expect(bytes).toBe((scheme === 'uint8' ? 1 : 2) * 8 + 4 * 3);
      const stock = await stockLoad(join(folder, 'model.json'));
      expect(predictions(stock, 1)).toEqual(predictions(loaded.model, 1));
      stock.dispose();
      loaded.model.dispose();
    },
  );
});

describe('a place that is taken', () => {
  it('is left as it is unless told otherwise, and never half replaced', async () => {
    const model = tinyFunctional();
    const parent = await temporaryFolder();
    const folder = join(parent, 'out');
    await mkdir(folder);
    await writeModel(model, folder);
    const first = await readFile(join(folder, 'group1-shard1of1.bin'));
    await expect(writeModel(model, folder)).rejects.toThrow(OutputError);
    fillWeights(model, 100);
    await writeModel(model, folder, { force: true });
    expect(await readFile(join(folder, 'group1-shard1of1.bin'))).not.toEqual(first);
    expect(await readdir(parent)).toEqual([basename(folder)]);
    model.dispose();
  });

  it('keeps a folder that holds other files, a file, and everything when a weight is not finite', async () => {
    const model = tinyFunctional();
    const parent = await temporaryFolder();
    const folder = join(parent, 'home');
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.tex'), 'precious');
    await expect(writeModel(model, folder, { force: true })).rejects.toThrow(/other files \(thesis.tex\)/);
    await expect(writeModel(model, join(folder, 'thesis.tex'), { force: true })).rejects.toThrow(/is a file/);
    weightEntries(model)[0]?.variable.assign(tf.mul(tf.ones([3, 2]), NaN));
    await expect(writeModel(model, join(parent, 'new'))).rejects.toThrow(/"a\/kernel" holds NaN or Inf/);
    expect(await readdir(parent)).toEqual(['home']);
    expect(await readdir(folder)).toEqual(['thesis.tex']);
    model.dispose();
  });
});

describe('odd but honest files load', () => {
  it('what stock tfjs saves of nested models with equal inner names, which it cannot load itself', async () => {
    const model = tangled();
    const path = await writeStock(model, await temporaryFolder());
    await expect(stockLoad(path)).rejects.toThrow(/Duplicate weight name/);
    const { model: loaded } = await loadModel(path);
    expect(predictions(loaded, 1)).toEqual(predictions(model, 1));
    disposeModel(loaded);
    disposeModel(model);
  });

  it('several groups and shards, weights in another order, optimiser weights, and a longer prefix', async () => {
    const model = tinyFunctional();
    const path = await writeStock(model, await temporaryFolder());
    const manifest = await readManifest(path);
    const bytes = await readFile(join(dirname(path), 'group1-shard1of1.bin'));
    const [ak, ab, bk, bb] = manifest.weightsManifest[0]?.weights ?? [];
    if (ak === undefined || ab === undefined || bk === undefined || bb === undefined)
      throw new Error('four weights are expected');
    for (const weight of [ak, ab, bk, bb]) weight.name = `tiny/${weight.name}`;
    manifest.weightsManifest = [
      { paths: ['sub/one', 'sub/two'], weights: [bk, bb] },
      { paths: ['three'], weights: [ak, ab, { name: 'm/a/kernel', shape: [], dtype: 'int32', group: 'optimizer' }] },
    ];
    await mkdir(join(dirname(path), 'sub'));
    await writeFile(join(dirname(path), 'sub/one'), bytes.subarray(32, 35));
    await writeFile(join(dirname(path), 'sub/two'), bytes.subarray(35, 44));
    await writeFile(join(dirname(path), 'three'), Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(4)]));
    await writeFile(path, JSON.stringify(manifest));
    const loaded = await loadModel(path);
    expect(loaded.file.ignored).toEqual(['m/a/kernel']);
    expect(predictions(loaded.model, 1)).toEqual(predictions(model, 1));
    loaded.model.dispose();
    model.dispose();
  });

  it.each<[string, string, boolean]>([
    ['names that say nothing: by order, with a warning', 'w', true],
    ['names with the cell of TensorFlow 2.2', 'cell', false],
  ])('%s', async (_, kind, warns) => {
    const model = tf.sequential({ layers: [tf.layers.gru({ units: 2, inputShape: [4, 3], name: 'gru' })] });
    fillWeights(model);
    const path = await writeStock(model, await temporaryFolder());
    const manifest = await readManifest(path);
    for (const [i, weight] of (manifest.weightsManifest[0]?.weights ?? []).entries())
      weight.name = kind === 'w' ? `w${i}` : weight.name.replace('gru/', 'gru/gru_cell/');
    await writeFile(path, JSON.stringify(manifest));
    const loaded = await loadModel(path);
    expect(loaded.warnings.length > 0).toBe(warns);
    expect(predictions(loaded.model, 1)).toEqual(predictions(model, 1));
    disposeModel(loaded.model);
    disposeModel(model);
  });

  it('model_config as a string, Sequential as a bare array, regularizer L2, activation silu, a training configuration that would not compile', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'd', activation: 'swish' })],
    });
    fillWeights(model);
    const path = await writeStock(model, await temporaryFolder());
    const manifest = await readManifest(path);
    const layers = (manifest.modelTopology['config'] as { layers: { config: Record<string, unknown> }[] }).layers;
    Object.assign(layers[0]?.config ?? {}, {
      activation: 'silu',
      kernel_regularizer: { class_name: 'L2', config: { l2: 0.1 } },
    });
    manifest.modelTopology = {
      keras_version: '2.2.2',
      model_config: JSON.stringify({ class_name: 'Sequential', config: layers }),
    };
    manifest['trainingConfig'] = { loss: 'myLoss', optimizer_config: { class_name: 'Mine', config: {} } };
    await writeFile(path, JSON.stringify(manifest));
    const { model: loaded, file } = await loadModel(path);
    expect(file.repairs).toHaveLength(2);
    expect(file.trainingConfig).toMatchObject({ loss: 'myLoss' });
    expect(loaded.name).toBe('sequential');
    expect(predictions(loaded, 1)).toEqual(predictions(model, 1));
    loaded.dispose();
    model.dispose();
  });

  it('bool and int32 weights are decoded, quantised ones included', async () => {
    const folder = await temporaryFolder();
    const weights = [
      { name: 'flag', shape: [3], dtype: 'bool' },
      { name: 'index', shape: [2], dtype: 'int32' },
      { name: 'coded', shape: [2], dtype: 'int32', quantization: { dtype: 'uint8', min: -2, scale: 1.5 } },
    ];
    await writeFile(
      join(folder, 'w'),
      Buffer.concat([Buffer.from([1, 0, 1]), Buffer.from(new Int32Array([-7, 70000]).buffer), Buffer.from([0, 3])]),
    );
    const layers = [{ class_name: 'Flatten', config: { name: 'f', batch_input_shape: [null, 2, 2] } }];
    const modelTopology = { class_name: 'Sequential', config: { name: 's', layers } };
    await writeFile(
      join(folder, 'model.json'),
      JSON.stringify({ modelTopology, weightsManifest: [{ paths: ['w'], weights }] }),
    );
    const file = await readModelFile(join(folder, 'model.json'));
    expect(file.weights.map((weight) => [...weight.values])).toEqual([
      [1, 0, 1],
      [-7, 70000],
      [-2, 3],
    ]);
  });
});

describe('quantisation', () => {
  it.each(['uint8', 'uint16'] as const)(
    '%s is off by at most one step, keeps zero exact, and constants too',
    (scheme) => {
      const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 3 - 1);
      values[17] = 0;
      const { values: back, quantization } = quantize('w', values, scheme);
      expect(back[17]).toBe(0);
      // Half a step of rounding, and at the ends half a step more where the offset was moved to make zero exact.
      for (const [i, value] of values.entries())
        expect(Math.abs(value - (back[i] ?? NaN))).toBeLessThanOrEqual((quantization.scale ?? 0) * 1.0001);
      expect(quantize('w', new Float32Array([0.3, 0.3]), scheme).values).toEqual(new Float32Array([0.3, 0.3]));
      expect(quantize('w', new Float32Array(0), scheme).values).toHaveLength(0);
    },
  );

  it('float16 codes survive the way out and back, all 63,488 finite ones', () => {
    const finite = Array.from({ length: 0x10000 }, (_, code) => code).filter((code) => (code & 0x7c00) !== 0x7c00);
    expect(finite).toHaveLength(63_488);
    expect(finite.filter((code) => toFloat16(fromFloat16(code)) !== code)).toEqual([]);
  });

  it.each([
    [65519, 65504],
    [65520, Infinity],
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [2 ** -25, 0],
    [1.5 * 2 ** -24, 2 ** -23],
    [2047.5, 2048],
  ])('float16 of %d is %d: to nearest, ties to even', (value, expected) => {
    expect(fromFloat16(toFloat16(value))).toBe(expected);
  });

  it('float16 refuses what it cannot hold', () => {
    expect(() => quantize('w', new Float32Array([1e6]), 'float16')).toThrow(/beyond ±65504/);
  });
});
