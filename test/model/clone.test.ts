import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { cloneModel, disposeModel, loadModel, modelDigest, weightEntries, writeModel } from '../../src/model/index.js';
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

function sequentialWithLstm(): tf.LayersModel {
  const inner = tf.sequential({
    name: 'inner',
    layers: [tf.layers.dense({ units: 3, inputShape: [4], name: 'd' }), tf.layers.batchNormalization({ name: 'bn' })],
  });
  const model = tf.sequential({
    name: 'outer',
    layers: [
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ units: 2, name: 'lstm' }),
        inputShape: [5, 3],
        mergeMode: 'concat',
        name: 'bi',
      }),
      inner,
      tf.layers.dense({ units: 2, name: 'out', kernelConstraint: tf.constraints.maxNorm({ maxValue: 0.2 }) }),
    ],
  });
  for (const [i, { variable }] of weightEntries(model).entries())
    tf.tidy(() => variable.assign(tf.randomUniform(variable.shape, 0.1, 0.9, 'float32', i)));
  return model;
}

function dense(name: string): tf.layers.Layer {
  return tf.layers.dense({ units: 3, name });
}

/** The shared layer's first call needs a long way, its second none. */
function overtaking(): tf.LayersModel {
  const input = tf.input({ shape: [3], name: 'x' });
  const shared = dense('shared');
  const late = shared.apply(dense('l2').apply(dense('l1').apply(input))) as tf.SymbolicTensor;
  const early = shared.apply(input) as tf.SymbolicTensor;
  const long = dense('s3').apply(dense('s2').apply(dense('s1').apply(early))) as tf.SymbolicTensor;
  const model = tf.model({
    inputs: input,
    outputs: [late, long, tf.layers.concatenate({ name: 'c' }).apply([late, long]) as tf.SymbolicTensor],
    name: 'm',
  });
  fillWeights(model);
  return model;
}

describe.each<[string, () => tf.LayersModel]>([
  ['a plain chain', tinyFunctional],
  ['several inputs and outputs, shared and nested layers', tangled],
  ['a Sequential with a wrapper, a nested Sequential and a constraint', sequentialWithLstm],
  ['a shared layer whose calls overtake each other', overtaking],
])('cloneModel of %s', (_, make) => {
  it('has the same layers, values and digest in variables of its own, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const model = make();
    const outputs = predictions(model, 1);
    const extra = tf.memory().numTensors;
    const clone = cloneModel(model);
    expect(tf.memory().numTensors - extra).toBe(weightEntries(model).length);
    expect(clone.layers.map((layer) => layer.name)).toEqual(model.layers.map((layer) => layer.name));
    expect(weightEntries(clone).map(({ key, shape }) => [key, shape])).toEqual(
      weightEntries(model).map(({ key, shape }) => [key, shape]),
    );
    expect(predictions(clone, 1)).toEqual(outputs);
    expect(await modelDigest(clone)).toBe(await modelDigest(model));
    for (const { variable } of weightEntries(clone)) tf.tidy(() => variable.assign(tf.zerosLike(variable)));
    expect(predictions(model, 1)).toEqual(outputs);
    expect(await modelDigest(clone)).not.toBe(await modelDigest(model));
    disposeModel(clone);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a file that lists a shared layer before what its first call reads', () => {
  it('loads as it was meant, where stock tfjs swaps the calls', async () => {
    const model = overtaking();
    const path = await writeStock(model, await temporaryFolder());
    const manifest = await readManifest(path);
    const config = manifest.modelTopology['config'] as { layers: { name: string }[] };
    config.layers.sort((a, b) => Number(b.name === 'shared') - Number(a.name === 'shared'));
    await writeFile(path, JSON.stringify(manifest));
    const { model: loaded, file } = await loadModel(path);
    expect(file.repairs).toHaveLength(1);
    expect(predictions(loaded, 1)).toEqual(predictions(model, 1));
    const stock = await stockLoad(path);
    expect(predictions(stock, 1)).not.toEqual(predictions(model, 1));
    for (const one of [stock, loaded, model]) disposeModel(one);
  });
});

describe('a file that lists a long chain backwards', () => {
  it('is put in order first, since tfjs would pass over it once per layer', async () => {
    const depth = 200;
    let tensor = tf.input({ shape: [2], name: 'x' });
    const input = tensor;
    for (let i = 0; i < depth; i += 1)
      tensor = tf.layers.activation({ activation: 'relu', name: `r${i}` }).apply(tensor) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: tensor, name: 'chain' });
    const path = await writeStock(model, await temporaryFolder());
    const manifest = await readManifest(path);
    const config = manifest.modelTopology['config'] as { layers: { name: string }[] };
    config.layers.reverse();
    await writeFile(path, JSON.stringify(manifest));
    const { model: loaded, file } = await loadModel(path);
    expect(file.repairs).toHaveLength(1);
    expect(loaded.layers).toHaveLength(depth + 1);
    expect(predictions(loaded, 1)).toEqual(predictions(model, 1));
    disposeModel(loaded);
    disposeModel(model);
  });
});

describe('cloneModel', () => {
  it('keeps which layers are frozen', () => {
    const model = tinyFunctional();
    model.getLayer('a').trainable = false;
    const clone = cloneModel(model);
    expect(clone.layers.map((layer) => layer.trainable)).toEqual(model.layers.map((layer) => layer.trainable));
    expect(clone.trainableWeights).toHaveLength(2);
    expect(predictions(clone, 1)).toEqual(predictions(model, 1));
    disposeModel(clone);
    disposeModel(model);
  });
});

describe('what getConfig of tfjs leaves out', () => {
  const { layers } = tf;
  it.each([
    [
      'the multiplier of a SeparableConv2D',
      () => layers.separableConv2d({ filters: 3, kernelSize: 3, depthMultiplier: 2, inputShape: [5, 5, 2] }),
    ],
    [
      'the regularizer of a DepthwiseConv2D',
      () =>
        layers.depthwiseConv2d({
          kernelSize: 3,
          depthwiseRegularizer: tf.regularizers.l2({ l2: 0.1 }),
          inputShape: [5, 5, 2],
        }),
    ],
  ])('is put right in a copy and on disk, nested too: %s', async (_, layer) => {
    const inner = tf.sequential({ name: 'inner', layers: [layer()] });
    const model = tf.sequential({ layers: [inner, layers.flatten(), layers.dense({ units: 2 })] });
    fillWeights(model);
    const clone = cloneModel(model);
    expect(predictions(clone, 1)).toEqual(predictions(model, 1));
    const { path } = await writeModel(model, join(await temporaryFolder(), 'model'));
    const loaded = await stockLoad(path);
    expect(predictions(loaded, 1)).toEqual(predictions(model, 1));
    for (const one of [loaded, clone, model]) disposeModel(one);
  });
});
