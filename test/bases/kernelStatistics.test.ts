import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { collectKernelStatistics, kernelsOf, type KernelStatistics } from '../../src/bases/index.js';
import { readGraph } from '../../src/graph/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { splitOf } from '../evaluate-helpers.js';
import { maxDifference } from './linalg/oracles.js';
import { normal, regression, selfTaught, sequential, take, weightsOf } from './models.js';

/** float32 products of a few dozen rows. */
const FLOAT32 = 2e-5;
const ROWS = 37;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

/** Mean and covariance of rows, the plain way. */
function naive(rows: readonly (readonly number[])[]): { mean: number[]; covariance: number[] } {
  const size = rows[0].length;
  const mean = Array.from({ length: size }, (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const covariance = mean.flatMap((a, i) =>
    mean.map((b, j) => rows.reduce((sum, row) => sum + (row[i] - a) * (row[j] - b), 0) / rows.length),
  );
  return { mean, covariance };
}

function inRows(values: readonly number[], size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** Largest error of mean and covariance, as a share of the largest covariance; Infinity when rows are missing. */
function momentsError(found: KernelStatistics, rows: number[][]): number {
  const { mean, covariance } = naive(rows);
  if (found.positions !== rows.length) return Infinity;
  const error = Math.max(maxDifference(found.mean, mean), maxDifference(found.covariance.values, covariance));
  return error / Math.max(1, ...covariance);
}

describe('collectKernelStatistics', () => {
  it('gives mean and covariance of every Dense input, whatever the chunks and however far from 0', async () => {
    const model = sequential(
      tf.layers.dense({ name: 'first', units: 6, activation: 'tanh', inputShape: [4] }),
      tf.layers.dense({ name: 'last', units: 2 }),
    );
    const x = normal([ROWS, 4], 1, 100);
    const { kernels, skipped } = await collectKernelStatistics(readGraph(model), {
      ...regression(x, 2),
      seed: 0,
      batchSize: 10,
    });
    expect(skipped).toEqual([]);
    expect(momentsError(kernels.get('first')!, inRows([...x.values], 4))).toBeLessThan(FLOAT32);
    const hidden = take(model.layers[0].apply(tf.tensor(x.values, [ROWS, 4])) as tf.Tensor);
    expect(momentsError(kernels.get('last')!, inRows(hidden, 6))).toBeLessThan(FLOAT32);
    model.dispose();
  });

  it.each([
    { kernelSize: [3, 2] as [number, number], padding: 'same' as const },
    { kernelSize: 3, strides: 2, padding: 'same' as const },
    { kernelSize: [2, 3] as [number, number], strides: [1, 2] as [number, number], padding: 'valid' as const },
    { kernelSize: 2, dilationRate: 2, padding: 'same' as const },
  ])('gives those of the patches a convolution sees: %j', async (config) => {
    const model = sequential(
      tf.layers.conv2d({ name: 'conv', filters: 3, inputShape: [6, 7, 2], activation: 'relu', ...config }),
      tf.layers.globalAveragePooling2d({}),
    );
    const x = normal([5, 6, 7, 2], 2, 1);
    const { kernels } = await collectKernelStatistics(readGraph(model), { ...regression(x, 3), seed: 0, batchSize: 2 });
    const [{ kernelShape, rows: size }] = kernelsOf(readGraph(model));
    // a convolution with the identity for its kernel lays the patches out
    const identity = tf.eye(size).reshape<tf.Tensor4D>([...kernelShape.slice(0, 3), size]);
    const { strides = 1, dilationRate = 1, padding } = config;
    const patches = tf.conv2d(tf.tensor4d(x.values, [5, 6, 7, 2]), identity, strides, padding, 'NHWC', dilationRate);
    expect(momentsError(kernels.get('conv')!, inRows(take(patches), size))).toBeLessThan(FLOAT32);
    model.dispose();
  });

  it('gives those of the stretches a Conv1D sees, and of every time step of a Dense', async () => {
    const model = sequential(
      tf.layers.conv1d({ name: 'conv', filters: 3, kernelSize: 3, strides: 2, inputShape: [9, 2] }),
      tf.layers.dense({ name: 'dense', units: 2 }),
    );
    const x = normal([4, 9, 2], 3, 1);
    const { kernels } = await collectKernelStatistics(readGraph(model), { ...selfTaught(x, 2), seed: 0 });
    const identity = tf.eye(6).reshape<tf.Tensor3D>([3, 2, 6]);
    const stretches = tf.conv1d(tf.tensor3d([...x.values], [4, 9, 2]), identity, 2, 'valid');
    expect(momentsError(kernels.get('conv')!, inRows(take(stretches), 6))).toBeLessThan(FLOAT32);
    expect(kernels.get('dense')!.positions).toBe(16);
    model.dispose();
  });

  it.each(['relu', 'tanh', 'linear'] as const)(
    'gives the second moments of the gradients before the activation (%s): those of |f - y| are ± w f′(z)',
    async (activation) => {
      const model = sequential(
        tf.layers.dense({ name: 'hidden', units: 5, activation, inputShape: [3] }),
        tf.layers.dense({ name: 'last', units: 1 }),
      );
      const x = normal([ROWS, 3], 4);
      const objective = inferObjective({ target: 'real', activation: 'linear', units: 1, loss: 'mae' });
      const { kernels } = await collectKernelStatistics(readGraph(model), {
        split: splitOf([x], normal([ROWS, 1], 5)),
        objective,
        seed: 0,
        batchSize: 8,
      });
      const [kernel, bias] = weightsOf(model, 'hidden');
      const [next] = weightsOf(model, 'last');
      const slope = { relu: (z: number) => Number(z > 0), tanh: (z: number) => 1 - Math.tanh(z) ** 2, linear: () => 1 };
      const gradients = inRows([...x.values], 3).map((row) =>
        bias.map((b, j) => next[j] * slope[activation](row.reduce((z, value, i) => z + value * kernel[i * 5 + j], b))),
      );
      const wanted = bias.flatMap((_, i) =>
        bias.map((__, j) => gradients.reduce((sum, g) => sum + g[i] * g[j], 0) / ROWS),
      );
      expect(maxDifference(kernels.get('hidden')!.gradient!.values, wanted)).toBeLessThan(FLOAT32);
      // the sign is drawn, its square is not
      expect(kernels.get('last')!.gradient!.values[0]).toBeCloseTo(1, 5);
      model.dispose();
    },
  );

  it('gives the Fisher matrix diag(p) - p pᵀ of a softmax, within the error of the draws, also for target self', async () => {
    const model = sequential(tf.layers.dense({ name: 'last', units: 3, activation: 'softmax', inputShape: [2] }));
    const rows = 6000;
    const x = normal([rows, 2], 6);
    const { kernels } = await collectKernelStatistics(readGraph(model), {
      ...selfTaught(x, 3),
      seed: 1,
      batchSize: 500,
    });
    const p = inRows(take(model.predict(tf.tensor(x.values, [rows, 2])) as tf.Tensor), 3);
    const wanted = [0, 1, 2].flatMap((i) =>
      [0, 1, 2].map((j) => p.reduce((sum, row) => sum + row[i] * (Number(i === j) - row[j]), 0) / rows),
    );
    // four standard errors of a mean of numbers below 1
    expect(maxDifference(kernels.get('last')!.gradient!.values, wanted)).toBeLessThan((4 * 0.5) / Math.sqrt(rows));
    model.dispose();
  });

  it('thins out rows and positions, and answers the same for the same seed', async () => {
    const model = sequential(
      tf.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 3, inputShape: [8, 8, 1] }),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'last', units: 2 }),
    );
    const options = {
      ...regression(normal([50, 8, 8, 1], 7), 2),
      seed: 3,
      maxRows: 20,
      maxPositions: 100,
      batchSize: 8,
    };
    const [a, b] = [
      await collectKernelStatistics(readGraph(model), options),
      await collectKernelStatistics(readGraph(model), options),
    ];
    expect(a.kernels.get('conv')!.rows).toBe(20);
    // 720 positions, thinned to 100, rounded in each of three chunks
    expect(Math.abs(a.kernels.get('conv')!.positions - 100)).toBeLessThanOrEqual(2);
    expect(a.kernels.get('last')!.positions).toBe(20);
    expect(a).toEqual(b);
    model.dispose();
  });

  it('names the kernels that are too wide, and leaves them out', async () => {
    const model = sequential(
      tf.layers.dense({ name: 'wide', units: 2, inputShape: [2049] }),
      tf.layers.dense({ name: 'last', units: 2 }),
    );
    const found = await collectKernelStatistics(readGraph(model), { ...regression(normal([3, 2049], 1), 2), seed: 0 });
    expect(found.skipped).toEqual([{ layer: 'wide', reason: expect.stringContaining('2049 inputs') as string }]);
    expect([...found.kernels.keys()]).toEqual(['last']);
    model.dispose();
  });

  it('refuses data without rows and inputs that are not finite, by name', async () => {
    const model = sequential(tf.layers.dense({ name: 'only', units: 2, inputShape: [2] }));
    const graph = readGraph(model);
    const empty = collectKernelStatistics(graph, { ...regression(normal([0, 2], 1), 2), seed: 0 });
    await expect(empty).rejects.toThrow(/there are none/);
    const x = { shape: [2, 2], values: Float32Array.of(1, 2, Infinity, 4) };
    const infinite = collectKernelStatistics(graph, { ...regression(x, 2), seed: 0 });
    await expect(infinite).rejects.toThrow(/Layer "only" has an input or a gradient that is not finite/);
    model.dispose();
  });

  it('leaves no tensors, no taps and the weights as they were', async () => {
    const model = sequential(
      tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [5, 5, 1], activation: 'relu' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 4, activation: 'softmax' }),
    );
    const graph = readGraph(model);
    const options = { ...selfTaught(normal([6, 5, 5, 1], 1), 4), seed: 0 };
    const x = tf.ones([1, 5, 5, 1]);
    const before = [take(model.predict(x) as tf.Tensor), tf.memory().numTensors] as const;
    await collectKernelStatistics(graph, options);
    expect([take(model.predict(x) as tf.Tensor), tf.memory().numTensors]).toEqual(before);
    expect(kernelsOf(graph).filter(({ target }) => Object.hasOwn(target, 'call'))).toEqual([]);
    x.dispose();
    model.dispose();
  });
});
