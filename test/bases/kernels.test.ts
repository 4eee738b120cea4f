import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import {
  breakEvenRank,
  buildRankBasis,
  factorCost,
  foldKernel,
  kernelCost,
  kernelMatrix,
  kernelsOf,
  truncateKernel,
  type KernelInfo,
  type RankBasis,
} from '../../src/bases/index.js';
import { readGraph } from '../../src/graph/index.js';
import { maxDifference } from './linalg/oracles.js';
import { normal, sequential, take } from './models.js';

/** Two float32 convolutions in place of one. */
const FLOAT32 = 1e-4;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

type Conv = Parameters<typeof tf.layers.conv2d>[0];

/** One convolution on [8, 9, 3], named conv. */
function convolution(config: Partial<Conv>): tf.LayersModel {
  return sequential(
    tf.layers.conv2d({ name: 'conv', filters: 5, kernelSize: [3, 2], inputShape: [8, 9, 3], ...config }),
  );
}

function kernelNamed(model: tf.LayersModel, name: string): KernelInfo {
  return kernelsOf(readGraph(model)).find(({ layer }) => layer === name)!;
}

const GEOMETRIES: readonly Partial<Conv>[] = [
  {},
  { padding: 'same' },
  { strides: [2, 1], padding: 'same' },
  { strides: 2 },
  { dilationRate: [2, 1], padding: 'same' },
];

describe('kernelsOf', () => {
  it('lists Dense, Conv1D and Conv2D kernels with the group of their output units, a shared one once', () => {
    const input = tf.input({ shape: [8, 6, 2] });
    const conv = tf.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, useBias: false }).apply(input);
    const narrow = tf.layers.dense({ name: 'narrow', units: 5 }).apply(tf.layers.flatten().apply(conv));
    const shared = tf.layers.dense({ name: 'shared', units: 5 });
    const output = tf.layers.dense({ name: 'last', units: 3 }).apply(shared.apply(shared.apply(narrow)));
    const model = tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
    const kernels = kernelsOf(readGraph(model)).map(({ layer, rows, cols, calls, group, bias }) =>
      Object.values({ layer, rows, cols, calls, group, bias }),
    );
    expect(kernels).toEqual([
      ['conv', 18, 4, 1, 'conv', false],
      ['narrow', 96, 5, 1, 'narrow', true],
      // what the shared layer makes, it also reads: its units go with those of the layer before
      ['shared', 5, 5, 2, 'narrow', true],
      ['last', 5, 3, 1, null, true],
    ]);
    model.dispose();
  });

  it('unfolds a kernel [kh, kw, in, out] into [kh in, kw out], and folds it back', () => {
    const model = convolution({});
    const kernel = kernelNamed(model, 'conv');
    const plain = kernelMatrix(kernel).values;
    const spatial = kernelMatrix(kernel, 'spatial');
    expect([spatial.rows, spatial.cols]).toEqual([9, 10]);
    // kernel [y = 2, x = 1, channel 1, filter 3] stands at row (2, 1), column (1, 3)
    expect(spatial.values[(2 * 3 + 1) * 10 + 1 * 5 + 3]).toBe(plain[((2 * 2 + 1) * 3 + 1) * 5 + 3]);
    expect(maxDifference(foldKernel(kernel.kernelShape, 'spatial', spatial.values), plain)).toBe(0);
    model.dispose();
  });
});

describe('a factored layer', () => {
  it.each(GEOMETRIES)('of two convolutions by channels equals the truncated one: %j', (config) => {
    const model = convolution(config);
    const basis = buildRankBasis('svd', kernelNamed(model, 'conv'));
    for (const k of [1, 3, 5]) expect(factoredError(model, config, basis, k)).toBeLessThan(FLOAT32);
    model.dispose();
  });

  it.each(GEOMETRIES)('of a column and a row equals the truncated one: %j', (config) => {
    const model = convolution(config);
    const basis = buildRankBasis('svd-spatial', kernelNamed(model, 'conv'));
    expect(basis.n).toBe(9);
    for (const k of [1, 4, 9]) expect(factoredError(model, config, basis, k)).toBeLessThan(FLOAT32);
    model.dispose();
  });

  it.each(GEOMETRIES)('costs what the two layers cost when they are built: %j', (config) => {
    const model = convolution(config);
    const kernel = kernelNamed(model, 'conv');
    for (const name of ['svd', 'svd-spatial'] as const) {
      const basis = buildRankBasis(name, kernel);
      for (const k of [1, 2, 5]) {
        const built = twoLayers(config, basis, k);
        const { layers } = readGraph(built);
        expect(factorCost(kernel, basis.form, k)).toEqual({
          parameters: layers.reduce((sum, { parameters }) => sum + parameters, 0),
          macs: layers.reduce((sum, { macs }) => sum + macs, 0),
        });
        built.dispose();
      }
    }
    model.dispose();
  });

  it.each([
    [784, 256],
    [4, 4],
    [1, 9],
    [9, 1],
    [3, 2],
  ])('of a Dense %i x %i is no larger than the original up to the break-even rank, and larger above', (rows, cols) => {
    const model = sequential(tf.layers.dense({ name: 'dense', units: cols, inputShape: [rows] }));
    const kernel = kernelNamed(model, 'dense');
    const k = breakEvenRank(kernel, 'channel');
    const { parameters } = kernelCost(kernel);
    expect(parameters).toBe(model.countParams());
    expect(factorCost(kernel, 'channel', k).parameters).toBeLessThanOrEqual(parameters);
    expect(factorCost(kernel, 'channel', k + 1).parameters).toBeGreaterThan(parameters);
    model.dispose();
  });

  it('counts the bias that a mean correction adds to a layer without one', () => {
    const model = sequential(tf.layers.dense({ name: 'dense', units: 6, useBias: false, inputShape: [8] }));
    const kernel = kernelNamed(model, 'dense');
    expect(kernelCost(kernel)).toEqual({ parameters: 48, macs: 48 });
    expect(factorCost(kernel, 'channel', 2)).toEqual({ parameters: 28, macs: 28 });
    expect(factorCost(kernel, 'channel', 2, true)).toEqual({ parameters: 34, macs: 28 });
    model.dispose();
  });
});

/** The layer as two real ones, as the factors say. */
function twoLayers(config: Partial<Conv>, basis: RankBasis, k: number): tf.LayersModel {
  const [strides, dilationRate] = [pair(config.strides ?? 1), pair((config.dilationRate as number | number[]) ?? 1)];
  const padding = config.padding ?? 'valid';
  const spatial = basis.form === 'spatial';
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: k,
        kernelSize: spatial ? [3, 1] : [3, 2],
        strides: spatial ? [strides[0], 1] : strides,
        dilationRate: spatial ? [dilationRate[0], 1] : dilationRate,
        padding,
        useBias: false,
        inputShape: [8, 9, 3],
      }),
      tf.layers.conv2d({
        filters: 5,
        kernelSize: spatial ? [1, 2] : 1,
        strides: spatial ? [1, strides[1]] : 1,
        dilationRate: spatial ? [1, dilationRate[1]] : 1,
        padding,
      }),
    ],
  });
  const left = Float32Array.from(
    { length: basis.rows * k },
    (_, at) => basis.left[Math.floor(at / k) * basis.n + (at % k)],
  );
  const right = basis.right.slice(0, k * basis.cols);
  // row (y, channel) of the column, column (x, filter) of the row
  const before = spatial ? [3, 1, 3, k] : [3, 2, 3, k];
  const behind = spatial
    ? tf.tidy(() => tf.transpose(tf.tensor(right, [k, 2, 5]), [1, 0, 2]).reshape([1, 2, k, 5]))
    : tf.tensor(right, [1, 1, k, 5]);
  const weights = [tf.tensor(left, before), behind, tf.zeros([5])];
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

function pair(size: number | number[]): [number, number] {
  return Array.isArray(size) ? [size[0], size[1]] : [size, size];
}

/** Largest difference between the two layers and the one of rank k. */
function factoredError(model: tf.LayersModel, config: Partial<Conv>, basis: RankBasis, k: number): number {
  const layer = model.getLayer('conv');
  const [before, bias] = layer.getWeights().map((weight) => weight.clone());
  const truncated = tf.tensor(truncateKernel(basis, k).kernel, before.shape);
  layer.setWeights([truncated, tf.zerosLike(bias)]);
  const x = tf.tensor(normal([4, 8, 9, 3], 3).values, [4, 8, 9, 3]);
  const factored = twoLayers(config, basis, k);
  const error = maxDifference(take(model.predict(x) as tf.Tensor), take(factored.predict(x) as tf.Tensor));
  factored.dispose();
  layer.setWeights([before, bias]);
  tf.dispose([before, bias, truncated, x]);
  return error;
}
