import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { narrowModel, reestimateBatchNorm } from '../../src/compress/index.js';
import { DataError } from '../../src/errors.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { splitOf } from '../evaluate-helpers.js';
import { normal } from '../bases/models.js';
import { scramble } from '../surgery/architectures.js';
import { partsOf } from './plans.js';

const { layers } = tf;
/** Float32 sums over a few hundred numbers. */
const SUMS = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function images(): tf.LayersModel {
  const list = [
    layers.conv2d({ name: 'first', filters: 6, kernelSize: 3, padding: 'same', inputShape: [5, 5, 2] }),
    layers.batchNormalization({ name: 'norm_1' }),
    layers.reLU({ name: 'relu' }),
    layers.conv2d({ name: 'second', filters: 4, kernelSize: 3 }),
    layers.batchNormalization({ name: 'norm_2' }),
    layers.flatten(),
    layers.dense({ name: 'last', units: 2 }),
  ];
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

/** Mean and variance of each feature (last axis) by two plain loops. */
function moments(tensor: tf.Tensor): { mean: number[]; variance: number[] } {
  const [values, size] = [tensor.dataSync(), tensor.shape.at(-1)!];
  const count = values.length / size;
  const mean = Array.from({ length: size }, () => 0);
  values.forEach((value, i) => (mean[i % size] += value / count));
  const variance = mean.map(() => 0);
  values.forEach((value, i) => (variance[i % size] += (value - mean[i % size]) ** 2 / count));
  return { mean, variance };
}

/** Largest difference for the size of the number. */
function gap(found: ArrayLike<number>, expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(value - found[i]) / (1 + Math.abs(value))));
}

describe('reestimateBatchNorm', () => {
  it('sets every layer to the moments of what it then reads, in a net whose statistics the narrowing moved', async () => {
    const before = tf.memory().numTensors;
    const model = images();
    const graph = readGraph(model);
    const plan = [{ name: 'first', n: 6, k: 2, basis: 'magnitude', kind: 'unit' }] as const;
    const narrow = narrowModel(graph, plan, partsOf(graph));
    const old = narrow.getLayer('norm_2').getWeights()[2].dataSync().slice();
    const x = normal([30, 5, 5, 2], 5, 0.7);
    const done = await reestimateBatchNorm(readGraph(narrow), { split: splitOf([x]), batchSize: 7 });
    expect(done).toEqual(['norm_1', 'norm_2']);
    tf.tidy(() => {
      const input = tf.tensor(x.values, [...x.shape]);
      for (const name of done) {
        const read = narrow.getLayer(name).input as tf.SymbolicTensor;
        const seen = tf.model({ inputs: narrow.inputs, outputs: read }).predict(input) as tf.Tensor;
        const { mean, variance } = moments(seen);
        const [, , movingMean, movingVariance] = narrow.getLayer(name).getWeights();
        expect(gap(movingMean.dataSync(), mean)).toBeLessThanOrEqual(SUMS);
        expect(gap(movingVariance.dataSync(), variance)).toBeLessThanOrEqual(SUMS);
      }
    });
    const moved = narrow.getLayer('norm_2').getWeights()[2].dataSync();
    expect(Math.max(...moved.map((value, i) => Math.abs(value - old[i])))).toBeGreaterThan(0.1);
    disposeModel(narrow);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes all calls of a shared layer together, and rows spread over the split', async () => {
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const shared = layers.batchNormalization({ name: 'norm' });
    const both = [a, b].map((input) => shared.apply(input) as tf.SymbolicTensor);
    const output = layers.dense({ units: 1 }).apply(layers.add().apply(both)) as tf.SymbolicTensor;
    const model = scramble(tf.model({ inputs: [a, b], outputs: output }), createRandom(1));
    const [x, y] = [normal([10, 3], 1), normal([10, 3], 2, 4)];
    await reestimateBatchNorm(readGraph(model), { split: splitOf([x, y]), batchSize: 3, maxRows: 5 });
    const even = [x, y].flatMap(({ values }) =>
      [0, 2, 4, 6, 8].flatMap((row) => Array.from(values.slice(3 * row, 3 * row + 3))),
    );
    const { mean, variance } = tf.tidy(() => moments(tf.tensor(even, [10, 3])) as never) as ReturnType<typeof moments>;
    const [, , movingMean, movingVariance] = model.getLayer('norm').getWeights();
    expect(gap(movingMean.dataSync(), mean)).toBeLessThanOrEqual(SUMS);
    expect(gap(movingVariance.dataSync(), variance)).toBeLessThanOrEqual(SUMS);
    disposeModel(model);
  });

  it('refuses to take them from no rows', async () => {
    const model = images();
    const none = splitOf([{ shape: [0, 5, 5, 2], values: new Float32Array(0) }]);
    await expect(reestimateBatchNorm(readGraph(model), { split: none, batchSize: 4 })).rejects.toThrow(DataError);
    disposeModel(model);
  });
});
