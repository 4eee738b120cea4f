import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { createRandom } from '../../src/random/index.js';
import { SHARED } from '../shared.js';

/** Names of the shared models that load. */
export const MODELS: readonly string[] =
  SHARED === undefined ? [] : readdirSync(join(SHARED, 'models')).filter((name) => !/^neg-|\./.test(name));

interface Manifest {
  readonly modelTopology: object;
  readonly weightsManifest: { readonly paths: string[]; readonly weights: tf.io.WeightsManifestEntry[] }[];
}

/** A shared model by stock TensorFlow.js, from memory: an oracle that shares nothing with the project's own reader. */
export async function loadShared(name: string): Promise<tf.LayersModel> {
  const folder = join(SHARED!, 'models', name);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.json'))!;
  const manifest = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Manifest;
  const shards = manifest.weightsManifest.flatMap((group) =>
    group.paths.map((path) => readFileSync(join(folder, path))),
  );
  const weightData = new Uint8Array(Buffer.concat(shards)).buffer;
  const weightSpecs = manifest.weightsManifest.flatMap((group) => group.weights);
  return tf.loadLayersModel({ load: async () => ({ modelTopology: manifest.modelTopology, weightSpecs, weightData }) });
}

/** Random inputs that fit a model: integers below the vocabulary for an Embedding; open sizes become `open`. */
export function randomInputs(model: tf.LayersModel, batch: number, seed: number, open = 12): tf.Tensor[] {
  const random = createRandom(seed);
  return model.inputs.map((input) => {
    const shape = input.shape.map((size, i) => (i === 0 ? batch : (size ?? open)));
    const vocabulary = vocabularyOf(model, input);
    const size = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from({ length: size }, () =>
      vocabulary === undefined ? random.uniform() : random.integer(vocabulary),
    );
    return tf.tensor(values, shape, 'float32');
  });
}

function vocabularyOf(model: tf.LayersModel, input: tf.SymbolicTensor): number | undefined {
  for (const layer of model.layers) {
    const reads = layer.inboundNodes.some((node) => node.inputTensors.includes(input));
    if (reads && layer.getClassName() === 'Embedding') return (layer as unknown as { inputDim: number }).inputDim;
  }
  return undefined;
}

/** Largest absolute difference, and the largest absolute value of the first. */
export function difference(a: tf.Tensor, b: tf.Tensor): { error: number; largest: number } {
  expectSameShape(a, b);
  const [x, y] = [a.dataSync(), b.dataSync()];
  let [error, largest] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const gap = Math.abs(x[i] - y[i]);
    if (!(gap <= error)) error = gap;
    largest = Math.max(largest, Math.abs(x[i]));
  }
  return { error, largest };
}

function expectSameShape(a: tf.Tensor, b: tf.Tensor): void {
  if (a.shape.join() !== b.shape.join()) throw new Error(`Shapes differ: [${a.shape.join()}] and [${b.shape.join()}].`);
}
