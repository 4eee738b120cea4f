import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import {
  buildRankBasis,
  collectKernelStatistics,
  kernelsOf,
  rankBasisRefusal,
  truncateKernel,
  type RankBasisName,
} from '../../src/bases/index.js';
import { outputsOf } from '../../src/evaluate/forward.js';
import { readGraph } from '../../src/graph/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import { measureRanks } from '../../src/sweep/rank.js';
import { splitOf } from '../evaluate-helpers.js';
import { answersAt, randomBatch } from './engine.js';

/** float32 sums in another order, as a share of the largest output. */
const FLOAT32 = 1e-5;
const ROWS = 40;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

function scramble<Model extends tf.LayersModel>(model: Model): Model {
  const random = createRandom(9);
  const weights = model.getWeights().map((weight) => {
    const values = Float32Array.from({ length: weight.size }, () => 0.3 * random.normal());
    return tf.tensor(values, weight.shape);
  });
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

const chain = () =>
  scramble(
    tf.sequential({
      layers: [
        tf.layers.conv2d({
          name: 'square',
          filters: 6,
          kernelSize: 3,
          padding: 'same',
          activation: 'relu',
          inputShape: [7, 6, 2],
        }),
        tf.layers.conv2d({ name: 'strided', filters: 5, kernelSize: [3, 2], strides: [2, 1], useBias: false }),
        tf.layers.flatten(),
        tf.layers.dense({ name: 'hidden', units: 8, activation: 'tanh' }),
        tf.layers.dense({ name: 'last', units: 3, activation: 'softmax' }),
      ],
    }),
  );

const text = () =>
  scramble(
    tf.sequential({
      layers: [
        tf.layers.conv1d({ name: 'line', filters: 4, kernelSize: 3, padding: 'same', inputShape: [8, 3] }),
        tf.layers.dense({ name: 'each', units: 5, activation: 'relu' }),
        tf.layers.globalAveragePooling1d({}),
        tf.layers.dense({ name: 'last', units: 3 }),
      ],
    }),
  );

/** A Dense that is called on its own output, so that its sums cannot be taken apart. */
function twice(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const shared = tf.layers.dense({ name: 'shared', units: 4, activation: 'tanh' });
  const once = shared.apply(input) as tf.SymbolicTensor;
  const again = shared.apply(once) as tf.SymbolicTensor;
  const last = tf.layers.dense({ name: 'last', units: 3 }).apply(again) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: last }));
}

const BASES: readonly RankBasisName[] = ['svd', 'svd-spatial', 'pca', 'whitened', 'kfac'];

describe('rankOutputs', () => {
  it.each([
    { title: 'convolutions and Dense', make: chain },
    { title: '1-D convolution, Dense over time', make: text },
    { title: 'a layer called on its own output', make: twice },
  ])('computes what the truncated kernel computes in the layer’s place ($title)', async ({ make }) => {
    const model = make();
    const graph = readGraph(model);
    const objective = inferObjective({ target: 'classes', activation: 'linear', units: 3 });
    const batch = randomBatch(graph.program, ROWS, createRandom(2));
    const target = { shape: [ROWS], values: Int32Array.from({ length: ROWS }, (_, i) => i % 3) };
    const split = splitOf(batch.inputs, target);
    const statistics = await collectKernelStatistics(graph, { objective, split, seed: 0 });
    const before = tf.memory().numTensors;
    let tried = 0;
    for (const kernel of kernelsOf(graph)) {
      for (const name of BASES) {
        if (rankBasisRefusal(name, kernel, statistics.kernels.get(kernel.layer)) !== null) continue;
        const basis = buildRankBasis(name, kernel, statistics.kernels.get(kernel.layer));
        if (basis.mean !== null && !kernel.bias && kernel.calls > 1) continue;
        const ks = [...new Set([0, 1, basis.n >> 1, basis.n - 1])].sort((a, b) => a - b);
        const options = { program: graph.program, ks, answers: 3 * ROWS };
        for await (const { k, values } of answersAt(await measureRanks(basis, options), batch, options)) {
          const expected = await withKernel(model, kernel.layer, truncateKernel(basis, k), () =>
            outputsOf(graph.program, batch),
          );
          if (expected === undefined) continue;
          const largest = Math.max(...expected.values.map(Math.abs));
          const apart = Math.max(...values.map((value, i) => Math.abs(value - expected.values[i])));
          expect(apart / largest, `${name} of ${kernel.layer} at ${k}`).toBeLessThan(FLOAT32);
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(10);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});

/** Runs `body` with another kernel and bias in a layer; undefined where the bias that is needed does not exist. */
async function withKernel<T>(
  model: tf.LayersModel,
  name: string,
  { kernel, biasShift }: ReturnType<typeof truncateKernel>,
  body: () => Promise<T>,
): Promise<T | undefined> {
  const layer = model.getLayer(name);
  const own = layer.getWeights().map((weight) => weight.clone());
  if (biasShift !== null && own.length === 1) {
    tf.dispose(own);
    return undefined;
  }
  const put = [
    tf.tensor(kernel, own[0].shape),
    ...own.slice(1).map((bias) => tf.tidy(() => tf.add(bias, biasShift === null ? 0 : tf.tensor1d(biasShift)))),
  ];
  layer.setWeights(put);
  try {
    return await body();
  } finally {
    layer.setWeights(own);
    tf.dispose([...own, ...put]);
  }
}
