import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { UsageError } from '../../src/errors.js';
import { outputsOf } from '../../src/evaluate/forward.js';
import { compileProgram, readGraph } from '../../src/graph/index.js';
import type { ModelGraph, WidthGroup } from '../../src/graph/types.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { foldConstantUnits } from '../../src/surgery/index.js';
import { consumersOf } from '../../src/sweep/features.js';
import { measureWidths } from '../../src/sweep/widths.js';
import { scramble } from '../surgery/architectures.js';
import { answersAt, randomBatch } from './engine.js';

/** float32 sums in another order, as a share of the largest output. */
const FLOAT32 = 1e-5;
/** At k = n the same numbers are summed, grouped otherwise. */
const WHOLE = 1e-6;
const ROWS = 5;
const { layers } = tf;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'wasm' });
});
afterAll(() => backend.dispose());

function chain(...list: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

const image = (units = 5) =>
  layers.conv2d({ filters: units, kernelSize: 3, activation: 'relu', inputShape: [7, 8, 2] });

/** One value, read by two layers. */
function forked(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const hidden = layers.dense({ units: 6, activation: 'relu' }).apply(input) as tf.SymbolicTensor;
  const sides = [3, 3].map((units) => layers.dense({ units, activation: 'tanh' }).apply(hidden) as tf.SymbolicTensor);
  const output = layers.dense({ units: 2 }).apply(layers.add({}).apply(sides)) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}

/** A stream of channels that its own readers feed, so that widths are measured by plain evaluation. */
function stream(useBias: boolean): tf.LayersModel {
  const input = tf.input({ shape: [6, 5, 2] });
  const args = { kernelSize: 3, padding: 'same', useBias } as const;
  const entry = layers.conv2d({ filters: 5, ...args }).apply(input) as tf.SymbolicTensor;
  const inner = layers.conv2d({ filters: 3, activation: 'relu', ...args }).apply(entry);
  const sum = layers.add({}).apply([entry, layers.conv2d({ filters: 5, ...args }).apply(inner) as tf.SymbolicTensor]);
  const output = layers.dense({ units: 2 }).apply(layers.flatten().apply(sum)) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}

interface Case {
  readonly title: string;
  readonly make: () => tf.LayersModel;
  readonly isSummed: boolean;
}

const CASES: readonly Case[] = [
  {
    title: 'Dense',
    isSummed: true,
    make: () =>
      chain(
        layers.dense({ units: 7, activation: 'relu', inputShape: [4] }),
        layers.dense({ units: 3, activation: 'tanh' }),
        layers.dense({ units: 2, activation: 'softmax' }),
      ),
  },
  {
    title: 'a Dense without a bias over time',
    isSummed: true,
    make: () => chain(layers.dense({ units: 5, inputShape: [3, 4] }), layers.dense({ units: 3, useBias: false })),
  },
  {
    title: 'Conv1D, strided',
    isSummed: true,
    make: () =>
      chain(
        layers.conv1d({ filters: 5, kernelSize: 1, inputShape: [9, 2] }),
        layers.conv1d({ filters: 3, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
        layers.globalAveragePooling1d({}),
        layers.dense({ units: 2 }),
      ),
  },
  {
    title: 'Conv2D, valid, and BatchNormalization behind it',
    isSummed: true,
    make: () =>
      chain(
        image(),
        layers.conv2d({ filters: 3, kernelSize: 3, useBias: false }),
        layers.batchNormalization(),
        layers.reLU({}),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ),
  },
  {
    title: 'Conv2D, same and strided, behind a pooling',
    isSummed: true,
    make: () =>
      chain(
        image(6),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 3, kernelSize: 2, strides: 2, padding: 'same', activation: 'relu' }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ),
  },
  {
    title: 'a Flatten before a Dense',
    isSummed: true,
    make: () => chain(image(), layers.flatten(), layers.dense({ units: 3, activation: 'softmax' })),
  },
  {
    title: 'a depthwise convolution before a 1 x 1',
    isSummed: true,
    make: () =>
      chain(
        image(),
        layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
        layers.conv2d({ filters: 3, kernelSize: 1, activation: 'relu' }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ),
  },
  { title: 'two readers of one value', isSummed: true, make: forked },
  {
    title: 'a separable convolution',
    isSummed: false,
    make: () =>
      chain(
        image(),
        layers.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same', depthMultiplier: 2, activation: 'relu' }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ),
  },
  {
    title: 'a separable convolution without a bias',
    isSummed: false,
    make: () => chain(image(), layers.separableConv2d({ filters: 3, kernelSize: 3, useBias: false }), layers.flatten()),
  },
  {
    title: 'a transposed convolution',
    isSummed: false,
    make: () =>
      chain(image(), layers.conv2dTranspose({ filters: 3, kernelSize: 3, padding: 'same' }), layers.flatten()),
  },
  { title: 'a residual stream of convolutions', isSummed: false, make: () => stream(true) },
  { title: 'a residual stream without biases', isSummed: false, make: () => stream(false) },
  {
    title: 'a Bidirectional GRU',
    isSummed: false,
    make: () =>
      chain(
        layers.dense({ units: 5, inputShape: [4, 3] }),
        layers.bidirectional({ layer: layers.gru({ units: 3 }), mergeMode: 'concat' }),
        layers.dense({ units: 2 }),
      ),
  },
];

function constantsOf({ n, tailPoints }: WidthGroup, seed = 9): Float32Array[] {
  const random = createRandom(seed);
  const own = Float32Array.from({ length: n }, () => random.normal());
  return tailPoints.map(() => own);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  return a.reduce((top, value, i) => Math.max(top, Math.abs(value - b[i])), 0) / largest;
}

async function differences(graph: ModelGraph, ks: (n: number) => number[]): Promise<[number, number][]> {
  const [group] = graph.groups;
  const constants = constantsOf(group);
  const order = createRandom(4).permutation(group.n);
  const batch = randomBatch(graph.program, ROWS, createRandom(1));
  const found: [number, number][] = [];
  const basis = { graph, group, order, constants };
  const options = { program: graph.program, ks: ks(group.n), answers: 3 * ROWS };
  for await (const { k, values } of answersAt(await measureWidths(basis, options), batch, options)) {
    const keep = new Map([[group.name, order.slice(0, k).sort()]]);
    const folded = k === group.n ? graph.model : foldConstantUnits(graph, keep, new Map([[group.name, constants]]));
    const expected = await outputsOf(compileProgram(folded), batch);
    if (k < group.n) disposeModel(folded);
    found.push([k, largestDifference(values, expected.values)]);
  }
  return found;
}

describe('a sweep with constants in the place of the units that go', () => {
  it.each(CASES)('computes what the folded model computes, at every k: $title', async ({ make, isSummed }) => {
    const model = make();
    const graph = readGraph(model);
    expect(consumersOf(graph.program, graph.groups[0]) !== undefined).toBe(isSummed);
    const before = tf.memory().numTensors;
    const found = await differences(graph, (n) => Array.from({ length: n }, (_, k) => k + 1));
    for (const [k, apart] of found) expect(apart, `at ${k}`).toBeLessThan(k === graph.groups[0].n ? WHOLE : FLOAT32);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it.each(CASES.slice(0, 2))('lets every unit stand for a constant at k = 0: $title', async ({ make }) => {
    const model = make();
    const graph = readGraph(model);
    const [group] = graph.groups;
    const constants = constantsOf(group);
    const batch = randomBatch(graph.program, ROWS, createRandom(1));
    const basis = { graph, group, order: Int32Array.from({ length: group.n }, (_, i) => i), constants };
    const results = [];
    const options = { program: graph.program, ks: [0], answers: 1 };
    for await (const { values } of answersAt(await measureWidths(basis, options), batch, options)) {
      results.push(values);
    }
    const expected = tf.tidy(() => {
      const [first, ...rest] = model.layers;
      const shape = [ROWS, ...(first.outputShape as number[]).slice(1)];
      const read = tf.mul(tf.ones(shape), tf.tensor1d(constants[0]));
      const last = rest.reduce<tf.Tensor>((value, layer) => layer.apply(value) as tf.Tensor, read);
      const scores = rest.at(-1)!.getConfig()['activation'] === 'softmax' ? tf.log(last) : last;
      return Float32Array.from(scores.dataSync());
    });
    // of logits only the differences are known
    const size = results[0].length / ROWS;
    const [a, b] = [results[0], expected].map((values) => values.map((value, i) => value - values[i - (i % size)]));
    expect(largestDifference(a, b)).toBeLessThan(FLOAT32);
    disposeModel(model);
  });

  it('leaves the biases as they were, and none where there was none', async () => {
    const model = stream(false);
    const graph = readGraph(model);
    const own = model.layers.map((layer) => (layer as unknown as { bias?: unknown }).bias);
    await differences(graph, (n) => [1, n - 1]);
    expect(model.layers.map((layer) => (layer as unknown as { bias?: unknown }).bias)).toEqual(own);
    expect(model.layers.some((layer) => (layer as unknown as { useBias?: boolean }).useBias === true)).toBe(true);
    disposeModel(model);
  });

  const refused: readonly [string, () => tf.LayersModel, (group: WidthGroup) => Float32Array[], RegExp][] = [
    ['too few constants', CASES[0].make, () => [new Float32Array(2)], /needs 7 finite constants/],
    ['no list for a tail point', CASES[0].make, () => [], /1 tail points/],
    ['a constant that is no number', CASES[0].make, ({ n }) => [new Float32Array(n).fill(Number.NaN)], /finite/],
    [
      'the state of a recurrent layer',
      () => chain(layers.gru({ units: 3, inputShape: [4, 2] }), layers.dense({ units: 2 })),
      (group) => constantsOf(group),
      /recurrent/,
    ],
    [
      'a strided transposed convolution',
      () => chain(image(), layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 })),
      (group) => constantsOf(group),
      /no bias that could hold/,
    ],
  ];
  it.each(refused)('refuses %s', async (_, make, constants, reason) => {
    const model = make();
    const graph = readGraph(model);
    const [group] = graph.groups;
    const order = Int32Array.from({ length: group.n }, (_, i) => i);
    const basis = { graph, group, order, constants: constants(group) };
    const sweeping = measureWidths(basis, { program: graph.program, ks: [1], answers: 1 });
    const error = await sweeping.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(reason);
    disposeModel(model);
  });
});
