import { mkdir, readFile, rename, rm, symlink, truncate, writeFile, appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { ModelError } from '../../src/errors.js';
import { loadModel, locateModel } from '../../src/model/index.js';
import { readManifest, temporaryFolder, tinyFunctional, writeStock } from './helpers.js';
import type { Manifest } from './helpers.js';

interface Layer {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes: unknown[];
}

/** The tiny model on disk; it is valid, as the first test shows. */
async function tinyOnDisk(): Promise<string> {
  const model = tinyFunctional();
  const path = await writeStock(model, await temporaryFolder());
  model.dispose();
  return path;
}

const shard = (path: string): string => join(dirname(path), 'group1-shard1of1.bin');

/** Edits the manifest of a tiny model. */
async function edited(
  edit: (manifest: Manifest, config: { layers: Layer[]; [key: string]: unknown }) => void,
): Promise<string> {
  const path = await tinyOnDisk();
  const manifest = await readManifest(path);
  edit(manifest, manifest.modelTopology['config'] as { layers: Layer[] });
  await writeFile(path, JSON.stringify(manifest));
  return path;
}

/** The message with which loading is refused; a model that loads, an error of another kind and a leak fail the test. */
async function refusal(path: string): Promise<string> {
  const before = tf.memory().numTensors;
  const error: unknown = await locateModel(path)
    .then(loadModel)
    .then(
      () => new Error('it loaded'),
      (cause: unknown) => cause,
    );
  expect(tf.memory().numTensors).toBe(before);
  expect(error).toBeInstanceOf(ModelError);
  const { message } = error as ModelError;
  expect(message.length).toBeLessThan(600);
  return message;
}

describe('the tiny model that the broken ones are made of', () => {
  it('loads', async () => {
    const { model, warnings } = await loadModel(await tinyOnDisk());
    expect(model.layers.map((layer) => layer.name)).toEqual(['in', 'a', 'b']);
    expect(warnings).toEqual([]);
    model.dispose();
  });
});

describe('damaged weight files are refused by name', () => {
  it.each<[string, (path: string) => Promise<void>, RegExp]>([
    [
      '4 bytes missing',
      (path) => truncate(shard(path), 40),
      /"group1-shard1of1.bin" is too short: the manifest declares 44 bytes, found 40/,
    ],
    ['1 byte missing', (path) => truncate(shard(path), 43), /too short: the manifest declares 44 bytes, found 43/],
    ['empty', (path) => truncate(shard(path), 0), /too short/],
    [
      '4 bytes too many',
      (path) => appendFile(shard(path), Buffer.alloc(4)),
      /too long: the manifest declares 44 bytes, found 48/,
    ],
    ['missing', (path) => rm(shard(path)), /group1-shard1of1.bin is missing/],
    ['renamed', (path) => rename(shard(path), `${shard(path)}.old`), /is missing/],
    [
      'a folder',
      (path) =>
        rm(shard(path))
          .then(() => mkdir(shard(path)))
          .then(() => undefined),
      /not a regular file/,
    ],
    [
      'a Git LFS pointer',
      (path) => writeFile(shard(path), 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 44\n'),
      /Git LFS pointer/,
    ],
    [
      'a link that leaves the folder',
      async (path) => {
        const outside = join(await temporaryFolder(), 'weights.bin');
        await rename(shard(path), outside);
        await symlink(outside, shard(path));
      },
      /link that leaves/,
    ],
  ])('%s', async (_, damage, message) => {
    const path = await tinyOnDisk();
    await damage(path);
    expect(await refusal(path)).toMatch(message);
  });

  it('a link that stays inside the folder is read', async () => {
    const path = await tinyOnDisk();
    await rename(shard(path), join(dirname(path), 'real.bin'));
    await symlink('real.bin', shard(path));
    const { model } = await loadModel(path);
    expect(model.countParams()).toBe(11);
    model.dispose();
  });

  it.each([
    ['NaN', NaN],
    ['Inf', -Infinity],
  ])('%s in a weight', async (_, value) => {
    const path = await tinyOnDisk();
    const bytes = await readFile(shard(path));
    bytes.writeFloatLE(value, 24);
    await writeFile(shard(path), bytes);
    expect(await refusal(path)).toMatch(/Weight "a\/bias" holds (NaN|-Infinity) at index 0/);
  });
});

describe('manifests that lie are refused', () => {
  it.each<[string, (manifest: Manifest) => void, RegExp]>([
    ['a path with ..', (m) => (m.weightsManifest[0].paths = ['../group1-shard1of1.bin']), /outside the model's folder/],
    ['an absolute path', (m) => (m.weightsManifest[0].paths = ['/etc/hostname']), /outside/],
    ['a Windows path', (m) => (m.weightsManifest[0].paths = ['C:\\weights.bin']), /outside/],
    ['a backslash climb', (m) => (m.weightsManifest[0].paths = ['x\\..\\..\\weights.bin']), /outside/],
    ['a URL', (m) => (m.weightsManifest[0].paths = ['https://example.com/w.bin']), /outside/],
    ['the same file twice', (m) => m.weightsManifest[0].paths.push('group1-shard1of1.bin'), /same weight file twice/],
    ['no shards', (m) => (m.weightsManifest[0].paths = []), /too short/],
    ['a huge shape', (m) => (m.weightsManifest[0].weights[0].shape = [1e9, 1e9]), /impossible shape/],
    [
      'a large shape',
      (m) => (m.weightsManifest[0].weights[0].shape = [1e6, 1e6]),
      /declares 4000000000020 bytes, found 44/,
    ],
    ['a negative shape', (m) => (m.weightsManifest[0].weights[0].shape = [-1, 2]), /ill-formed/],
    ['a fractional shape', (m) => (m.weightsManifest[0].weights[0].shape = [1.5, 4]), /ill-formed/],
    [
      'a swapped shape',
      (m) => (m.weightsManifest[0].weights[0].shape = [2, 3]),
      /"a\/kernel" has shape \[2, 3\]; layer "a" takes \[3, 2\]/,
    ],
    ['float64', (m) => (m.weightsManifest[0].weights[0].dtype = 'float64'), /"float64"; float32, int32 or bool/],
    ['string', (m) => (m.weightsManifest[0].weights[0].dtype = 'string'), /"string"/],
    ['complex64', (m) => (m.weightsManifest[0].weights[0].dtype = 'complex64'), /"complex64"/],
    [
      'int32 for a kernel',
      (m) => (m.weightsManifest[0].weights[0].dtype = 'int32'),
      /is int32; layer "a" takes float32/,
    ],
    ['an unknown quantisation', (m) => (m.weightsManifest[0].weights[0].quantization = { dtype: 'uint4' }), /"uint4"/],
    [
      'a quantisation without scale',
      (m) => (m.weightsManifest[0].weights[0].quantization = { dtype: 'uint8', min: 0 }),
      /lacks a finite min and scale/,
    ],
    ['duplicate names', (m) => (m.weightsManifest[0].weights[1].name = 'a/kernel'), /two weights named "a\/kernel"/],
    [
      'a name nobody takes',
      (m) => (m.weightsManifest[0].weights[3].name = 'c/bias'),
      /no weights for "b\/bias"; the file has "c\/bias" instead/,
    ],
    ['no manifest', (m) => delete (m as Partial<Manifest>).weightsManifest, /no weightsManifest/],
    ['a manifest without weights', (m) => (m.weightsManifest = []), /no weights for "a\/kernel"/],
    ['a manifest of another shape', (m) => (m.weightsManifest = {} as Manifest['weightsManifest']), /ill-formed/],
  ])('%s', async (_, edit, message) => {
    expect(await refusal(await edited(edit))).toMatch(message);
  });
});

describe('graphs that tfjs cannot resolve are refused, where it would loop for ever', () => {
  it.each<[string, (layers: Layer[], config: Record<string, unknown>, topology: Manifest) => void, RegExp]>([
    [
      'a missing layer',
      (l) => (l[1].inbound_nodes = [[['ghost', 0, 0, {}]]]),
      /layer "a" of the model reads from "ghost", which does not exist/,
    ],
    [
      'a node index too high',
      (l) => (l[2].inbound_nodes = [[['a', 1, 0, {}]]]),
      /reads call 1 of "a", which has only 1/,
    ],
    ['a tensor index too high', (l) => (l[2].inbound_nodes = [[['a', 0, 1, {}]]]), /reads output 1 of "a"/],
    ['a cycle', (l) => (l[1].inbound_nodes = [[['b', 0, 0, {}]]]), /cycle: "a", "b"/],
    ['a layer that reads itself', (l) => (l[1].inbound_nodes = [[['a', 0, 0, {}]]]), /cycle/],
    [
      'a bad output layer',
      (_, c) => (c['output_layers'] = [['ghost', 0, 0]]),
      /output_layers of the model reads from "ghost"/,
    ],
    [
      'a bad output index',
      (_, c) => (c['output_layers'] = [['b', 7, 0]]),
      /output_layers of the model reads call 7 of "b"/,
    ],
    ['no outputs', (_, c) => (c['output_layers'] = []), /no output_layers/],
    [
      'an input that is no InputLayer',
      (_, c) => (c['input_layers'] = [['a', 0, 0]]),
      /"a", which is not an InputLayer/,
    ],
    ['a reference that is none', (l) => (l[1].inbound_nodes = [[[0, 'in']]]), /\[layer, call, output\] is expected/],
    ['a call without inputs', (l) => (l[1].inbound_nodes = [[]]), /no inputs/],
    [
      'equal layer names',
      (l) => ((l[2].name = 'a'), (l[2].config['name'] = 'a')),
      /Two layers of the model are called "a"/,
    ],
    ['two names for one layer', (l) => (l[2].name = 'c'), /"c" of the model is called "b"/],
    [
      'a name from the depths of JavaScript',
      (l) => ((l[2].name = 'constructor'), (l[2].config['name'] = 'constructor')),
      /"constructor", which cannot be used/,
    ],
    ['no layers', (_, c) => (c['layers'] = []), /no layers/],
    ['an unknown layer class', (l) => (l[1].class_name = 'FancyDense'), /"a" \(FancyDense\) is a custom layer/],
    ['an initializer as a layer', (l) => (l[1].class_name = 'Identity'), /"a" \(Identity\) is a custom layer/],
    ['a Lambda', (l) => (l[1].class_name = 'Lambda'), /"a" \(Lambda\).*Python code/],
    ['an unknown model class', (_, __, m) => (m.modelTopology['class_name'] = 'MyNet'), /"MyNet"/],
    ['an unknown activation', (l) => (l[1].config['activation'] = 'celu'), /"a" \(Dense\) has the activation "celu"/],
    [
      'an unknown regularizer',
      (l) => (l[1].config['kernel_regularizer'] = { class_name: 'Mine', config: {} }),
      /kernel regularizer "Mine"/,
    ],
    [
      'an unknown constraint',
      (l) => (l[1].config['kernel_constraint'] = { class_name: 'Mine', config: {} }),
      /constraint "Mine"/,
    ],
    ['units beyond the weights', (l) => (l[1].config['units'] = 1e9), /more than the weight files hold/],
    ['units of another number', (l) => ((l[1].config['units'] = 1), (l[2].config['units'] = 1)), /takes \[3, 1\]/],
    ['no units', (l) => delete l[1].config['units'], /Layer "a" cannot be built/],
    ['an impossible input shape', (l) => (l[0].config['batch_input_shape'] = [null, -3]), /input shape/],
    [
      'an input of Keras 3',
      (l) => ((l[0].config['batch_shape'] = [null, 3]), delete l[0].config['batch_input_shape']),
      /Keras 3 export \(seen at layer "in"\)/,
    ],
    [
      'a call of Keras 3',
      (l) => (l[1].inbound_nodes = [{ args: [], kwargs: {} }]),
      /Keras 3 export \(seen at layer "a"\)/,
    ],
    [
      'a whole other topology',
      (_, __, m) => (m.modelTopology = [] as unknown as Record<string, unknown>),
      /a list; an object is expected/,
    ],
  ])('%s', async (_, edit, message) => {
    expect(await refusal(await edited((manifest, config) => edit(config.layers, config, manifest)))).toMatch(message);
  });

  it('models nested too deep', async () => {
    expect(
      await refusal(
        await edited((manifest) => {
          let node = manifest.modelTopology;
          for (let i = 0; i < 40; i += 1)
            node = { class_name: 'Sequential', name: `m${i}`, config: { name: `m${i}`, layers: [node] } };
          manifest.modelTopology = node;
        }),
      ),
    ).toMatch(/nested deeper than 16/);
  });

  it('JSON nested so deep that recursion would end in a stack overflow', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'model.json'),
      `{"modelTopology":{"class_name":"Sequential","config":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    );
    expect(await refusal(folder)).toMatch(/nests deeper|not JSON/);
  });

  it('the same faults inside a nested model', async () => {
    expect(
      await refusal(
        await edited((manifest, config) => {
          config.layers[1].inbound_nodes = [[['b', 0, 0, {}]]];
          const inner = { ...manifest.modelTopology, name: 'tiny' };
          manifest.modelTopology = { class_name: 'Sequential', config: { name: 'outer', layers: [inner] } };
        }),
      ),
    ).toMatch(/layers of the nested model "tiny" form a cycle/);
  });
});

/** A Sequential of one layer called x, without weights. */
const one = async (
  className: string,
  config: Record<string, unknown>,
  inputShape: (number | null)[],
  version = '2.15.0',
): Promise<string> => {
  const folder = await temporaryFolder();
  const layers = [
    { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, ...inputShape] } },
    { class_name: className, config: { name: 'x', ...config } },
  ];
  const topology = {
    keras_version: version,
    model_config: { class_name: 'Sequential', config: { name: 's', layers } },
  };
  await writeFile(
    join(folder, 'model.json'),
    JSON.stringify({ modelTopology: topology, weightsManifest: [{ paths: [], weights: [] }] }),
  );
  return folder;
};

describe('layers that tfjs would get wrong are refused by name', () => {
  it.each<[string, Record<string, unknown>, (number | null)[], RegExp]>([
    ['Softmax', { axis: 1 }, [4, 4], /"x" \(Softmax\) works along axis 1/],
    ['Conv1D', { filters: 1, kernel_size: [2], padding: 'causal' }, [4, 4], /padding "causal"/],
    ['Conv2D', { filters: 2, kernel_size: [1, 1], groups: 2 }, [4, 4, 2], /groups = 2/],
    ['DepthwiseConv2D', { kernel_size: [2, 2], dilation_rate: [2, 2] }, [4, 4, 2], /dilation rate/],
    ['GRU', { units: 2, reset_after: true }, [4, 4], /reset_after/],
    ['LSTM', { units: 2, time_major: true }, [4, 4], /time_major/],
    ['ReLU', { threshold: 0.5 }, [4], /slope or threshold/],
    ['ELU', { alpha: 0.5 }, [4], /alpha = 0.5/],
    ['Resizing', { height: 2, width: 2 }, [4, 4, 1], /Resizing/],
    ['Bidirectional', { layer: { class_name: 'GRU', config: { units: 2, reset_after: true } } }, [4, 4], /reset_after/],
    ['TimeDistributed', { layer: { class_name: 'Fancy', config: {} } }, [4, 4], /Fancy/],
  ])('%s %j', async (className, config, shape, message) => {
    expect(await refusal(await one(className, config, shape))).toMatch(message);
  });

  it('batch normalisation along another axis than the last', async () => {
    const model = tf.sequential({
      layers: [tf.layers.batchNormalization({ axis: 1, inputShape: [3, 4], name: 'bn' })],
    });
    const path = await writeStock(model, await temporaryFolder());
    model.dispose();
    expect(await refusal(path)).toMatch(/"bn" \(BatchNormalization\) works along axis 1/);
  });

  it.each<[string, Record<string, unknown>, (number | null)[], string, RegExp]>([
    ['Activation', { activation: 'hard_sigmoid' }, [4], '3.10.0', /hard_sigmoid of Keras 3/],
    ['UpSampling2D', { size: [2, 2], interpolation: 'bilinear' }, [4, 4, 1], '2.15.0', /half-pixel/],
  ])('%s %j is used as tfjs computes it, with a warning', async (className, config, shape, version, message) => {
    const { model, warnings } = await loadModel(await locateModel(await one(className, config, shape, version)));
    model.dispose();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(message);
  });
});

describe('files of another format are refused by saying what they are', () => {
  it.each<[string, string, string | Buffer, RegExp]>([
    ['an empty file', 'model.json', '', /is empty/],
    ['text', 'model.json', 'hello', /is not JSON/],
    ['half a JSON', 'model.json', '{"modelTopology": {', /is not JSON/],
    ['a number', 'model.json', '3', /holds a JSON number/],
    ['null', 'model.json', 'null', /holds a JSON null/],
    ['other JSON', 'model.json', '{"labels": []}', /no modelTopology/],
    ['a bare topology', 'model.json', '{"class_name": "Sequential", "config": []}', /topology without weights/],
    ['a bare manifest', 'model.json', '[{"paths": ["w"], "weights": []}]', /bare weights manifest/],
    ['a graph model', 'model.json', '{"format": "graph-model", "modelTopology": {"node": []}}', /graph model/],
    ['a graph model without format', 'model.json', '{"modelTopology": {"node": []}}', /graph model/],
    ['a Git LFS pointer', 'model.json', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', /Git LFS pointer/],
    ['HDF5', 'model.h5', Buffer.from('\x89HDF\r\n\x1a\n0000', 'latin1'), /HDF5/],
    ['HDF5 under a false name', 'model.json', Buffer.from('\x89HDF\r\n\x1a\n0000', 'latin1'), /HDF5/],
    ['zip', 'model.keras', Buffer.from('PK\x03\x040000', 'latin1'), /\.keras/],
    ['TensorFlow Lite', 'model.tflite', Buffer.from('\x1c\0\0\0TFL30000', 'latin1'), /TensorFlow Lite/],
    ['SavedModel', 'saved_model.pb', Buffer.from('\x08\x01', 'latin1'), /SavedModel/],
  ])('%s', async (_, name, content, message) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, name), content);
    expect(await refusal(join(folder, name))).toMatch(message);
  });
});
