import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
  return out as Float32Array[];
}
