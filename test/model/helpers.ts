import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterEach } from 'vitest';

const folders: string[] = [];

/** A temporary folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tdc-model-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

export interface Manifest {
  format?: string;
  modelTopology: Record<string, unknown>;
  weightsManifest: {
    paths: string[];
    weights: { name: string; shape: number[]; dtype: string; quantization?: Record<string, unknown>; group?: string }[];
  }[];
  [key: string]: unknown;
}

export async function readManifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(path, 'utf8')) as Manifest;
}

/** What stock tfjs makes of a manifest, weights and all: the oracle. */
export async function stockLoad(path: string): Promise<tf.LayersModel> {
  const json = await readManifest(path);
  const specs = json.weightsManifest.flatMap((group) => group.weights);
  const buffers = await Promise.all(
    json.weightsManifest
      .flatMap((group) => group.paths)
      .map(async (shard) => {
        const file = join(dirname(path), shard);
        return existsSync(file) ? readFile(file) : Buffer.alloc(0);
      }),
  );
  const all = Buffer.concat(buffers);
  const weightData = new Uint8Array(all).buffer;
  return tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: specs as tf.io.WeightsManifestEntry[],
      weightData,
    }),
  );
}

/** Inputs of ones (or any constant) for every input of a model; open sizes become `open`. */
export function constantInputs(model: tf.LayersModel, value: number, batch = 2, open = 8): tf.Tensor[] {
  return model.inputs.map((input) =>
    tf.fill(
      input.shape.map((side, i) => side ?? (i === 0 ? batch : open)),
      value,
      input.dtype === 'int32' ? 'int32' : 'float32',
    ),
  );
}

/** Predictions as plain arrays, one per output; nothing is left behind. */
export function predictions(model: tf.LayersModel, value: number): Float32Array[] {
  const out = tf.tidy(() => {
    const inputs = constantInputs(model, value);
    const result = model.predict(inputs.length === 1 ? (inputs[0] ?? []) : inputs);
    return (Array.isArray(result) ? result : [result]).map((tensor) => Float32Array.from(tensor.dataSync()));
  });
  return out;
}

/** A tiny valid model on disk, written by stock tfjs: the ground on which broken inputs are built. */
export async function writeStock(model: tf.LayersModel, folder: string): Promise<string> {
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      const bytes = Buffer.from(artifacts.weightData as ArrayBuffer);
      await writeFile(join(folder, 'group1-shard1of1.bin'), bytes);
      const manifest = {
        format: 'layers-model',
        modelTopology: artifacts.modelTopology,
        weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights: artifacts.weightSpecs }],
      };
      await writeFile(join(folder, 'model.json'), JSON.stringify(manifest));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } };
    }),
  );
  return join(folder, 'model.json');
}

/** Seeded weights for every variable, so that equal outputs mean equal weights. */
export function fillWeights(model: tf.LayersModel, seed = 1): void {
  tf.tidy(() =>
    model.setWeights(
      model.getWeights().map((weight, i) => tf.randomUniform(weight.shape, 0.1, 0.9, 'float32', seed + i)),
    ),
  );
}

/** input -> a -> b, functional: 3 -> 2 -> 1. */
export function tinyFunctional(): tf.LayersModel {
  const input = tf.input({ shape: [3], name: 'in' });
  const hidden = tf.layers.dense({ units: 2, name: 'a', activation: 'relu' }).apply(input) as tf.SymbolicTensor;
  const output = tf.layers.dense({ units: 1, name: 'b' }).apply(hidden) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output, name: 'tiny' });
  fillWeights(model);
  return model;
}

function inner(name: string): tf.LayersModel {
  const input = tf.input({ shape: [4], name: 'inner_in' });
  const output = tf.layers.dense({ units: 4, name: 'dense', activation: 'tanh' }).apply(input) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output, name });
}

/** Two inputs, two outputs, a shared layer, and two nested models whose inner layers share a name. */
export function tangled(): tf.LayersModel {
  const left = tf.input({ shape: [4], name: 'left' });
  const right = tf.input({ shape: [4], name: 'right' });
  const shared = tf.layers.dense({ units: 4, name: 'shared' });
  const encoder = inner('encoder');
  const decoder = inner('decoder');
  const a = encoder.apply(shared.apply(left)) as tf.SymbolicTensor;
  const b = decoder.apply(shared.apply(right)) as tf.SymbolicTensor;
  const again = encoder.apply(b) as tf.SymbolicTensor;
  const sum = tf.layers.add({ name: 'sum' }).apply([a, again]) as tf.SymbolicTensor;
  const model = tf.model({ inputs: [left, right], outputs: [sum, b], name: 'tangled' });
  fillWeights(model);
  return model;
}
