import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import {
  balancedFactors,
  buildRankBasis,
  collectKernelStatistics,
  kernelMatrix,
  kernelsOf,
  rankBasisRefusal,
  truncateKernel,
  type KernelInfo,
  type KernelStatistics,
  type RankBasis,
} from '../../src/bases/index.js';
import {
  matrixOf,
  multiply,
  powersOf,
  singularValues,
  timesTransposed,
  transpose,
  type Matrix,
} from '../../src/bases/linalg/index.js';
import { RIDGES } from '../../src/bases/rank.js';
import { readGraph } from '../../src/graph/index.js';
import type { HostArray } from '../../src/data/types.js';
import { createRandom } from '../../src/random/index.js';
import { maxDifference, ofRank } from './linalg/oracles.js';
import { scramble, selfTaught } from './models.js';

/** Factors are stored as float32. */
const FLOAT32 = 1e-4;
/** Covariances are summed from float32 products. */
const MEASURED = 1e-3;
const ROWS = 300;
const NAMES = ['svd', 'pca', 'whitened', 'kfac'] as const;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

interface Case {
  readonly kernel: KernelInfo;
  readonly statistics: KernelStatistics;
  /** The kernel as a matrix, and its inputs as rows. */
  readonly w: Matrix;
  readonly x: Matrix;
}

/** Inputs with few strong directions and a mean far from 0. */
function correlated(rows: number, size: number, seed: number): HostArray {
  const random = createRandom(seed);
  const mixing = Array.from({ length: size * size }, (_, at) => random.normal() / (1 + (at % size)));
  const values = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const source = Array.from({ length: size }, () => random.normal());
    for (let i = 0; i < size; i++) {
      values[row * size + i] = 1 + i / size + source.reduce((sum, s, j) => sum + s * mixing[i * size + j], 0);
    }
  }
  return { shape: [rows, size], values };
}

/** The first of two Dense layers, [inputs, units], and what it is fed. */
async function denseCase(
  inputs: number,
  units: number,
  seed: number,
  change?: (x: HostArray, w: Float32Array) => void,
): Promise<Case> {
  const model = scramble(
    tf.sequential({
      layers: [
        tf.layers.dense({ name: 'dense', units, activation: 'tanh', inputShape: [inputs] }),
        tf.layers.dense({ name: 'last', units: 3, activation: 'softmax' }),
      ],
    }),
    seed,
  );
  const x = correlated(ROWS, inputs, seed);
  const layer = model.getLayer('dense');
  const [kernel, bias] = layer.getWeights();
  const values = Float32Array.from(kernel.dataSync());
  change?.(x, values);
  const changed = tf.tensor(values, [inputs, units]);
  layer.setWeights([changed, bias]);
  changed.dispose();
  const { kernels } = await collectKernelStatistics(readGraph(model), { ...selfTaught(x, 3), seed: 0 });
  const info = kernelsOf(readGraph(model))[0];
  return {
    kernel: info,
    statistics: kernels.get('dense')!,
    w: kernelMatrix(info),
    x: matrixOf(ROWS, inputs, x.values),
  };
}

const SIZES = [
  [12, 7],
  [7, 12],
  [9, 9],
  [6, 1],
  [1, 6],
] as const;

/** Mean over rows of the squared change of the output, its bias corrected. */
function outputError({ x, w }: Case, basis: RankBasis, k: number): number {
  const { kernel, biasShift } = truncateKernel(basis, k);
  const lost = w.values.map((value, at) => value - kernel[at]);
  const change = multiply(x, { ...w, values: lost }).values;
  let square = 0;
  change.forEach((value, at) => (square += (value - (biasShift?.[at % w.cols] ?? 0)) ** 2));
  return square / x.rows;
}

/** ‖C^½ (W - W_k) G^½‖², with the ridges of K-FAC. */
function weightedError({ statistics, w }: Case, basis: RankBasis, k: number): number {
  const lost = w.values.map((value, at) => value - truncateKernel(basis, k).kernel[at]);
  const [c] = powersOf(statistics.covariance, [0.5], RIDGES.input);
  const [g] = powersOf(statistics.gradient!, [0.5], RIDGES.gradient);
  return frobenius(multiply(multiply(c.matrix, { ...w, values: lost }), g.matrix).values);
}

function frobenius(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value * value, 0);
}

/** What the values behind k promise. */
function tail({ values }: RankBasis, k: number): number {
  return frobenius(values.slice(k));
}

const ranks = ({ n }: RankBasis): number[] => Array.from({ length: n + 1 }, (_, k) => k);

/** Ratio of two numbers that may both be next to nothing beside `scale`. */
function relative(found: number, wanted: number, scale: number): number {
  return Math.abs(found - wanted) / scale;
}

describe.each(SIZES)('bases of a kernel %i x %i', (inputs, units) => {
  it.each(NAMES)('%s is the layer itself at k = n, and its mean alone at k = 0', async (name) => {
    const each = await denseCase(inputs, units, 3);
    const basis = buildRankBasis(name, each.kernel, each.statistics);
    expect(basis).toMatchObject({ kind: 'rank', name, layer: 'dense', form: 'channel', rows: inputs, cols: units });
    expect(basis.n).toBe(name === 'pca' ? inputs : Math.min(inputs, units));
    const size = Math.max(...each.w.values.map(Math.abs));
    expect(maxDifference(truncateKernel(basis, basis.n).kernel, each.w.values) / size).toBeLessThan(FLOAT32);
    expect(new Set(truncateKernel(basis, 0).kernel)).toEqual(new Set([0]));
  });

  it('svd loses exactly the squared singular values behind k (Eckart-Young)', async () => {
    const each = await denseCase(inputs, units, 4);
    const basis = buildRankBasis('svd', each.kernel);
    expect(maxDifference(basis.values, singularValues(each.w))).toBeLessThan(FLOAT32);
    for (const k of ranks(basis)) {
      const lost = each.w.values.map((value, at) => value - truncateKernel(basis, k).kernel[at]);
      expect(relative(frobenius(lost), tail(basis, k), frobenius(each.w.values))).toBeLessThan(1e-6);
    }
  });

  it('whitened changes the output by exactly the values behind k', async () => {
    const each = await denseCase(inputs, units, 5);
    const basis = buildRankBasis('whitened', each.kernel, each.statistics);
    for (const k of ranks(basis)) {
      expect(relative(outputError(each, basis, k), tail(basis, k), tail(basis, 0))).toBeLessThan(MEASURED);
    }
  });

  it('pca loses exactly the input variance behind k', async () => {
    const each = await denseCase(inputs, units, 6);
    const basis = buildRankBasis('pca', each.kernel, each.statistics);
    for (const k of ranks(basis)) {
      // left = V: the projection of the inputs onto its first k columns
      const v: Matrix = { rows: inputs, cols: k, values: columnsOf(basis, k) };
      const centered: Matrix = {
        ...each.x,
        values: each.x.values.map((value, at) => value - basis.mean![at % inputs]),
      };
      const kept = k === 0 ? 0 : frobenius(multiply(centered, v).values) / ROWS;
      expect(relative(frobenius(centered.values) / ROWS - kept, tail(basis, k), tail(basis, 0))).toBeLessThan(MEASURED);
    }
  });

  it('whitened changes the output no more than svd, pca and kfac at any k', async () => {
    const each = await denseCase(inputs, units, 7);
    const best = buildRankBasis('whitened', each.kernel, each.statistics);
    for (const name of ['svd', 'pca', 'kfac'] as const) {
      const other = buildRankBasis(name, each.kernel, each.statistics);
      for (const k of ranks(best)) {
        const slack = MEASURED * tail(best, 0);
        expect(outputError(each, best, k), `${name} ${k}`).toBeLessThanOrEqual(outputError(each, other, k) + slack);
      }
    }
  });

  it('kfac loses exactly its values behind k in its own measure, and no other basis loses less', async () => {
    const each = await denseCase(inputs, units, 8);
    const best = buildRankBasis('kfac', each.kernel, each.statistics);
    for (const k of ranks(best)) {
      const own = weightedError(each, best, k);
      expect(relative(own, tail(best, k), tail(best, 0))).toBeLessThan(FLOAT32);
      for (const name of ['svd', 'pca', 'whitened'] as const) {
        const other = buildRankBasis(name, each.kernel, each.statistics);
        expect(own, `${name} ${k}`).toBeLessThanOrEqual(weightedError(each, other, k) + FLOAT32 * tail(best, 0));
      }
    }
  });

  it.each(['pca', 'whitened', 'kfac'] as const)('%s keeps the mean of every output at every k', async (name) => {
    const each = await denseCase(inputs, units, 9);
    const basis = buildRankBasis(name, each.kernel, each.statistics);
    const full = meanRow(multiply(each.x, each.w));
    for (const k of ranks(basis)) {
      const { kernel, biasShift } = truncateKernel(basis, k);
      const cut = meanRow(multiply(each.x, { ...each.w, values: Float64Array.from(kernel) }));
      expect(
        maxDifference(
          full,
          cut.map((value, j) => value + biasShift![j]),
        ),
      ).toBeLessThan(FLOAT32);
    }
  });
});

function meanRow({ rows, cols, values }: Matrix): number[] {
  const sums = Array.from({ length: cols }, () => 0);
  values.forEach((value, at) => (sums[at % cols] += value / rows));
  return sums;
}

function columnsOf({ rows, n, left }: RankBasis, k: number): Float64Array {
  return Float64Array.from({ length: rows * k }, (_, at) => left[Math.floor(at / k) * n + (at % k)]);
}

describe('bases of ill kernels and inputs', () => {
  const changes: Readonly<Record<string, (x: HostArray, w: Float32Array) => void>> = {
    'a zero kernel': (_, w) => w.fill(0),
    'a kernel of rank 2': (_, w) => w.set(Float32Array.from(ofRank(2, 10, w.length / 10).values)),
    'dead inputs': ({ values }) => values.forEach((_, at) => (values[at] = at % 10 < 6 ? 0 : values[at])),
    'constant inputs': ({ values }) => void values.fill(3),
    'dead outputs': (_, w) => w.forEach((_, at) => (w[at] = at % (w.length / 10) < 2 ? 0 : w[at])),
  };

  it.each(
    Object.keys(changes).flatMap((title) => NAMES.flatMap((name) => [4, 25].map((units) => ({ title, name, units })))),
  )('$name of $title, $units units: finite, falling, the layer itself at k = n', async ({ title, name, units }) => {
    const each = await denseCase(10, units, 13, changes[title]);
    const basis = buildRankBasis(name, each.kernel, each.statistics);
    expect([...basis.left, ...basis.right, ...basis.values].every(Number.isFinite)).toBe(true);
    expect(basis.values.every((value, i) => value >= 0 && (i === 0 || value <= basis.values[i - 1]))).toBe(true);
    const { kernel } = truncateKernel(basis, basis.n);
    expect(maxDifference(kernel, each.w.values)).toBeLessThan(FLOAT32 * Math.max(1, ...each.w.values.map(Math.abs)));
  });

  it('of rank 2 need no third direction', async () => {
    const each = await denseCase(10, 8, 14, changes['a kernel of rank 2']);
    for (const name of ['svd', 'whitened', 'kfac'] as const) {
      const { kernel } = truncateKernel(buildRankBasis(name, each.kernel, each.statistics), 2);
      const size = Math.max(...each.w.values.map(Math.abs));
      expect(maxDifference(kernel, each.w.values) / size).toBeLessThan(FLOAT32);
    }
  });
});

describe('balancedFactors', () => {
  it('share each direction evenly, and multiply to the same kernel', async () => {
    const each = await denseCase(8, 5, 2);
    const basis = buildRankBasis('kfac', each.kernel, each.statistics);
    const { left, right } = balancedFactors(basis, 3);
    const [a, b] = [matrixOf(8, 3, left), matrixOf(3, 5, right)];
    expect(maxDifference(multiply(a, b).values, truncateKernel(basis, 3).kernel)).toBeLessThan(FLOAT32);
    const [before, behind] = [timesTransposed(transpose(a), transpose(a)).values, timesTransposed(b, b).values];
    for (const d of [0, 4, 8]) expect(before[d]).toBeCloseTo(behind[d], 4);
  });
});

describe('what cannot be had', () => {
  it('is refused with a reason', async () => {
    const { kernel, statistics } = await denseCase(4, 3, 1);
    expect(rankBasisRefusal('svd', kernel)).toBeNull();
    expect(rankBasisRefusal('kfac', kernel, statistics)).toBeNull();
    expect(() => buildRankBasis('whitened', kernel)).toThrow(/"dense" has no basis "whitened": the statistics/);
    expect(() => buildRankBasis('kfac', kernel, { ...statistics, gradient: null })).toThrow(/gradients of its outputs/);
    expect(() => buildRankBasis('svd-spatial', kernel)).toThrow(/no two spatial sides/);
    expect(() => buildRankBasis('pca', { ...kernel, rows: 5000 }, statistics)).toThrow(/5000 inputs, more than 1536/);
    expect(() => buildRankBasis('best' as 'svd', kernel, statistics)).toThrow(/no rank basis "best"/);
    const basis = buildRankBasis('svd', kernel);
    for (const k of [-1, 4, 1.5]) expect(() => truncateKernel(basis, k)).toThrow(/from 0 to 3, not/);
  });
});
