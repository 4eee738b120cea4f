import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { breakEvenRank, buildRankBasis, kernelsOf, RANK_BASES } from '../../src/bases/index.js';
import { collectKernelStatistics } from '../../src/bases/kernelStatistics.js';
import {
  collectMeans,
  foldable,
  formByBasis,
  formByName,
  maskedModel,
  narrowModel,
  planCost,
  resolvePlan,
} from '../../src/compress/index.js';
import { UsageError } from '../../src/errors.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import type { PlannedGroup } from '../../src/records/types.js';
import { splitOf } from '../evaluate-helpers.js';
import { normal, regression, sequential } from '../bases/models.js';
import { randomInputs } from '../graph/models.js';
import { scramble } from '../surgery/architectures.js';
import { carryOut, partsOf } from './plans.js';

const { layers } = tf;
/** Sums of the same float32 numbers in another order. */
const PARITY = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const unit = (name: string, n: number, k: number, folded = false): PlannedGroup => ({
  name,
  n,
  k,
  basis: 'magnitude',
  kind: 'unit',
  ...(folded ? { folded } : {}),
});
const rank = (layer: string, n: number, k: number, basis = 'svd'): PlannedGroup => ({
  name: layer,
  layer,
  n,
  k,
  basis,
  kind: 'rank',
});

function chain(...list: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

/** x + second(first(x)), read by a head; with a concatenation of both beside it. */
function residual(): tf.LayersModel {
  const input = tf.input({ shape: [6, 6, 3] });
  const conv = (name: string, filters: number, x: tf.SymbolicTensor): tf.SymbolicTensor =>
    layers.conv2d({ name, filters, kernelSize: 3, padding: 'same', activation: 'relu' }).apply(x) as tf.SymbolicTensor;
  const stream = conv('entry', 8, input);
  const sum = layers.add().apply([stream, conv('back', 8, conv('inner', 10, stream))]) as tf.SymbolicTensor;
  const both = layers.concatenate().apply([sum, conv('side', 6, sum)]) as tf.SymbolicTensor;
  const flat = layers.flatten().apply(both);
  const output = layers.dense({ name: 'out', units: 3, activation: 'softmax' }).apply(flat) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}

const cases: readonly { title: string; build: () => tf.LayersModel; plan: readonly PlannedGroup[]; halves: number }[] =
  [
    {
      title: 'a group whose producer and consumer are both factored',
      build: () =>
        chain(
          layers.dense({ name: 'a', units: 12, activation: 'relu', inputShape: [10] }),
          layers.dense({ name: 'b', units: 11, activation: 'tanh', useBias: false }),
          layers.dense({ name: 'c', units: 4 }),
        ),
      plan: [unit('a', 12, 9, true), unit('b', 11, 8, true), rank('a', 10, 2), rank('b', 11, 3, 'whitened')],
      halves: 2,
    },
    {
      title: 'a convolution, Flatten and a factored Dense',
      build: () =>
        chain(
          layers.conv2d({ name: 'a', filters: 6, kernelSize: 3, padding: 'same', inputShape: [5, 5, 4] }),
          layers.flatten(),
          layers.dense({ name: 'b', units: 9 }),
          layers.dense({ name: 'c', units: 3 }),
        ),
      plan: [unit('a', 6, 4, true), unit('b', 9, 8), rank('a', 6, 2, 'svd-spatial'), rank('b', 9, 3)],
      halves: 2,
    },
    {
      title: "a 'same' padded convolution factored along two sides that reads a folded group",
      build: () =>
        chain(
          layers.conv2d({ name: 'a', filters: 6, kernelSize: 1, inputShape: [7, 5, 4] }),
          layers.conv2d({ name: 'b', filters: 8, kernelSize: [3, 5], strides: 2, padding: 'same', useBias: false }),
          layers.batchNormalization({ name: 'norm' }),
          layers.conv2d({ name: 'c', filters: 3, kernelSize: 2 }),
        ),
      plan: [unit('a', 6, 5, true), unit('b', 8, 7, true), rank('b', 18, 3, 'svd-spatial')],
      halves: 1,
    },
    {
      title: 'a residual stream, a concatenation and factored writers and readers of both',
      build: residual,
      plan: [
        unit('entry', 8, 6, true),
        unit('inner', 10, 7, true),
        unit('side', 6, 5),
        rank('inner', 10, 3, 'whitened'),
        rank('back', 8, 3),
        rank('side', 6, 2, 'svd-spatial'),
        rank('out', 3, 1),
      ],
      halves: 4,
    },
    {
      title: 'a depthwise convolution between factored ones',
      build: () =>
        chain(
          layers.conv2d({ name: 'a', filters: 8, kernelSize: 3, useBias: false, inputShape: [8, 8, 3] }),
          layers.batchNormalization({ name: 'norm' }),
          layers.depthwiseConv2d({ name: 'd', kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
          layers.reLU({ name: 'relu' }),
          layers.conv2d({ name: 'b', filters: 10, kernelSize: 1, useBias: false }),
          layers.globalAveragePooling2d({ name: 'pool' }),
          layers.dense({ name: 'c', units: 3 }),
        ),
      plan: [unit('a', 8, 7, true), unit('b', 10, 9, true), rank('a', 8, 3), rank('b', 10, 4, 'whitened')],
      halves: 2,
    },
    {
      title: 'a recurrent group that a factored Dense reads',
      build: () =>
        chain(
          layers.gru({ name: 'a', units: 8, returnSequences: true, inputShape: [5, 3] }),
          layers.dense({ name: 'b', units: 9, activation: 'relu' }),
          layers.lstm({ name: 'c', units: 6, recurrentInitializer: 'glorotUniform' }),
          layers.dense({ name: 'd', units: 5 }),
        ),
      plan: [unit('a', 8, 6), unit('b', 9, 7, true), unit('c', 6, 5), rank('b', 8, 2), rank('d', 5, 1, 'whitened')],
      halves: 2,
    },
    {
      title: 'a shared Dense, factored once for its calls',
      build: () => {
        const [left, right] = [tf.input({ shape: [9] }), tf.input({ shape: [9] })];
        const shared = layers.dense({ name: 'shared', units: 10, activation: 'tanh' });
        const made = [left, right].map((input) => shared.apply(input) as tf.SymbolicTensor);
        const output = layers
          .dense({ name: 'out', units: 2 })
          .apply(layers.multiply().apply(made)) as tf.SymbolicTensor;
        return scramble(tf.model({ inputs: [left, right], outputs: output }), createRandom(4));
      },
      plan: [unit('shared', 10, 8, true), rank('shared', 9, 3, 'whitened')],
      halves: 1,
    },
  ];

describe('narrowModel', () => {
  it.each(cases)('computes what the masked model does and costs what was said: $title', ({ build, plan, halves }) => {
    const before = tf.memory().numTensors;
    const model = build();
    const graph = readGraph(model);
    const inputs = randomInputs(model, 3, 2);
    const { error, said, found, factored } = carryOut(graph, plan, partsOf(graph), inputs);
    expect(error).toBeLessThanOrEqual(PARITY);
    expect(found).toBe(said);
    expect(factored).toBe(halves);
    tf.dispose(inputs);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves the masked reference something to find: another order, other constants or another rank differ', () => {
    const { build, plan } = cases[0];
    const model = build();
    const graph = readGraph(model);
    const inputs = randomInputs(model, 3, 2);
    const parts = partsOf(graph);
    const others = [
      { plan, parts: { ...parts, unitBasis: partsOf(graph, 2).unitBasis } },
      { plan, parts: { ...parts, constants: partsOf(graph, 2).constants } },
      { plan: plan.map((choice) => (choice.kind === 'rank' ? { ...choice, k: 1 } : choice)), parts },
    ];
    const masked = maskedModel(graph, plan, parts);
    const gaps = others.map((other) => {
      const narrow = narrowModel(graph, other.plan, other.parts);
      const gap = tf.tidy(() => {
        const [a, b] = [masked.predict(inputs)[0], narrow.predict(inputs) as tf.Tensor];
        return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];
      });
      disposeModel(narrow);
      return gap;
    });
    expect(Math.min(...gaps)).toBeGreaterThan(1e-2);
    masked.dispose();
    tf.dispose(inputs);
    disposeModel(model);
  });

  it('leaves a model whole where nothing is cut, in weights of its own', () => {
    const model = cases[0].build();
    const graph = readGraph(model);
    const narrow = narrowModel(graph, [unit('a', 12, 12, true), rank('b', 11, 11)], partsOf(graph));
    expect(narrow.getWeights().map((weight) => [...weight.dataSync()])).toEqual(
      model.getWeights().map((weight) => [...weight.dataSync()]),
    );
    expect(narrow.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    disposeModel(narrow);
    disposeModel(model);
  });
});

/** 12 inputs, 10 and 8 units, 3 outputs. */
function wide(): ModelGraph {
  return readGraph(
    sequential(
      layers.dense({ name: 'a', units: 10, inputShape: [12] }),
      layers.dense({ name: 'b', units: 8, useBias: false }),
      layers.dense({ name: 'c', units: 3 }),
    ),
  );
}

describe('resolvePlan', () => {
  it('lets a kernel be whole where as two it has no fewer weights beside the widths of its neighbours', () => {
    const graph = wide();
    const ranks = (plan: readonly PlannedGroup[]): string[] => [...resolvePlan(graph, plan, formByName).ranks.keys()];
    // 4 (10 + 8) = 72 < 80, and 4 (8 + 8) = 64 = 8 x 8
    expect(ranks([rank('b', 8, 4)])).toEqual(['b']);
    expect(ranks([rank('b', 8, 4), unit('a', 10, 9)])).toEqual(['b']);
    expect(ranks([rank('b', 8, 4), unit('a', 10, 8)])).toEqual([]);
    // 72 and 8 numbers of a bias that it did not have
    expect(ranks([rank('b', 8, 4, 'whitened')])).toEqual([]);
    expect(ranks([rank('b', 8, 4, 'whitened'), unit('a', 10, 9, true)])).toEqual(['b']);
    expect(planCost(graph, [rank('b', 8, 4), unit('a', 10, 8)])).toEqual(graph.cost(new Map([['a', 8]])));
    disposeModel(graph.model);
  });

  it.each([
    ['an unknown group', [unit('z', 10, 4)], /none of that name/],
    ['a group of another width', [unit('a', 11, 4)], /has one of 10/],
    ['a width of 0', [unit('a', 10, 0)], /from 1 to 10/],
    ['a width that is not whole', [unit('a', 10, 2.5)], /from 1 to 10/],
    ['a group twice', [unit('a', 10, 4), unit('a', 10, 5)], /chooses twice/],
    ['a kernel twice', [rank('b', 8, 2), rank('b', 8, 3)], /chooses twice/],
    ['a rank of no layer', [{ ...unit('a', 10, 4), kind: 'rank' as const }], /names no layer/],
    ['a kernel that is none', [rank('z', 8, 2)], /no kernel of a layer "z"/],
  ])('refuses %s', (_, plan, reason) => {
    const graph = wide();
    expect(() => planCost(graph, plan)).toThrow(UsageError);
    expect(() => planCost(graph, plan)).toThrow(reason);
    disposeModel(graph.model);
  });
});

describe('formByName', () => {
  it('says of every rank basis what its factors say', async () => {
    const model = chain(
      layers.conv2d({ name: 'x', filters: 5, kernelSize: 3, inputShape: [6, 6, 3] }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    );
    const graph = readGraph(model);
    const { split, objective } = regression(normal([20, 6, 6, 3], 2), 2);
    const { kernels } = await collectKernelStatistics(graph, { split, objective, seed: 0, layers: ['x'] });
    const kernel = kernelsOf(graph).find(({ layer }) => layer === 'x')!;
    for (const name of RANK_BASES) {
      const basis = buildRankBasis(name, kernel, kernels.get('x'));
      expect(formByName('x', name)).toEqual(formByBasis(() => basis)('x', name));
    }
    disposeModel(model);
  });
});

describe('planCost', () => {
  it('is what one kernel alone at its break-even rank costs, and the whole model above it', () => {
    const graph = wide();
    const kernel = kernelsOf(graph).find(({ layer }) => layer === 'a')!;
    const most = breakEvenRank(kernel, 'channel');
    const full = graph.cost(new Map());
    const at = (k: number): number => planCost(graph, [rank('a', 10, k)]).parameters - full.parameters;
    expect(most).toBe(5);
    expect([1, 2, 5, 6, 9, 10].map(at)).toEqual([22 - 120, 44 - 120, 110 - 120, 0, 0, 0]);
    disposeModel(graph.model);
  });
});

describe('collectMeans', () => {
  it('gives the mean of every unit where it is read, over rows and places', async () => {
    const model = chain(
      layers.conv2d({ name: 'a', filters: 3, kernelSize: 2, activation: 'relu', inputShape: [4, 4, 2] }),
      layers.flatten(),
      layers.dense({ name: 'b', units: 2 }),
    );
    const graph = readGraph(model);
    const before = tf.memory().numTensors;
    const x = normal([11, 4, 4, 2], 6);
    const means = await collectMeans(graph, { split: splitOf([x]), batchSize: 4, groups: ['a'] });
    expect([...means.keys()]).toEqual(['a']);
    const expected = tf.tidy(() => {
      const made = (model.layers[0].apply(tf.tensor(x.values, [...x.shape])) as tf.Tensor).dataSync<'float32'>();
      return [0, 1, 2].map((unit) => made.reduce((sum, value, i) => sum + (i % 3 === unit ? value : 0), 0) / (11 * 9));
    });
    means.get('a')![0].forEach((mean, i) => expect(mean).toBeCloseTo(expected[i], 5));
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
});

function image(): tf.layers.Layer {
  return layers.conv2d({ name: 'x', filters: 4, kernelSize: 1, inputShape: [4, 4, 2] });
}

/** Constants of a group of 4, a number a tail point. */
function lists(values: readonly number[]): Float32Array[] {
  return values.map((value) => new Float32Array(4).fill(value));
}

describe('foldable', () => {
  it.each([
    ['of a chain', true, () => chain(image(), layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same' }))],
    ['before a Flatten', true, () => chain(image(), layers.flatten(), layers.dense({ units: 2 }))],
    [
      'with a ReLU between where it is masked and where it is read',
      false,
      () => chain(image(), layers.flatten(), layers.reLU(), layers.dense({ units: 2 })),
    ],
    [
      'that a strided transposed convolution reads',
      false,
      () => chain(image(), layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 })),
    ],
    [
      'that a transposed convolution reads place by place',
      true,
      () => chain(image(), layers.conv2dTranspose({ filters: 2, kernelSize: 3 })),
    ],
    [
      'of a recurrent layer',
      false,
      () => chain(layers.gru({ name: 'x', units: 4, inputShape: [3, 2] }), layers.dense({ units: 2 })),
    ],
  ])('is a group %s: %s', (_, expected, build) => {
    const model = build();
    const graph = readGraph(model);
    expect(
      foldable(
        graph,
        graph.groups.find(({ name }) => name === 'x')!,
      ),
    ).toBe(expected);
    disposeModel(model);
  });

  it('is a group that a shared layer reads twice only with the same constants', () => {
    const input = tf.input({ shape: [4] });
    const shared = layers.dense({ name: 'shared', units: 4 });
    const once = shared.apply(layers.dense({ name: 'x', units: 4 }).apply(input)) as tf.SymbolicTensor;
    const output = layers.dense({ units: 2 }).apply(shared.apply(once)) as tf.SymbolicTensor;
    const model = scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
    const graph = readGraph(model);
    const [group] = graph.groups;
    expect(foldable(graph, group)).toBe(false);
    expect(foldable(graph, group, lists([1, 1, 2]))).toBe(true);
    expect(foldable(graph, group, lists([1, 2, 1]))).toBe(false);
    disposeModel(model);
  });
});
