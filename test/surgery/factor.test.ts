import * as tf from '@tensorflow/tfjs';
import { Matrix, SVD } from 'ml-matrix';
import { beforeAll, describe, expect, it } from 'vitest';

import { buildRankBasis, truncateKernel } from '../../src/bases/rank.js';
import { collectKernelStatistics } from '../../src/bases/kernelStatistics.js';
import { factorCost } from '../../src/bases/factorCost.js';
import { kernelsOf, type KernelInfo } from '../../src/bases/kernels.js';
import type { RankBasis, RankBasisName } from '../../src/bases/types.js';
import { UsageError } from '../../src/errors.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import { factorLayer, factorModel, foldFactorBias, sliceModel } from '../../src/surgery/index.js';
import { splitOf } from '../evaluate-helpers.js';
import { randomInputs } from '../graph/models.js';
import { scramble } from './architectures.js';
import { maskedOutputs, predict, prefix, relativeError } from './parity.js';

const { layers } = tf;

/** Two multiplications in float32 against one, relative to the largest output. */
const EXACT = 1e-4;
/** The same kernel by another route of float32 sums. */
const SAME = 2e-5;
const ROWS = 40;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Case {
  readonly title: string;
  readonly build: () => tf.LayersModel;
  /** Path of the layer that is factored. */
  readonly layer: string;
  readonly bases: readonly RankBasisName[];
}

const ALL: readonly RankBasisName[] = ['svd', 'pca', 'whitened', 'kfac'];
const IMAGE: readonly RankBasisName[] = [...ALL, 'svd-spatial'];

const cases: readonly Case[] = [
  {
    title: 'a wide Dense that opens a Sequential model',
    build: () =>
      chain(layers.dense({ name: 'x', units: 7, activation: 'relu', inputShape: [4] }), layers.dense({ units: 3 })),
    layer: 'x',
    bases: ALL,
  },
  {
    title: 'a tall Dense without a bias, the last layer',
    build: () =>
      chain(
        layers.dense({ units: 8, activation: 'relu', inputShape: [5] }),
        layers.dense({ name: 'x', units: 3, useBias: false, activation: 'softmax' }),
      ),
    layer: 'x',
    bases: ALL,
  },
  {
    title: 'a Dense over time with constraints, regularizers and activity',
    build: () =>
      chain(
        layers.dense({
          name: 'x',
          units: 5,
          inputShape: [4, 6],
          kernelConstraint: tf.constraints.maxNorm({ maxValue: 0.1 }),
          biasConstraint: tf.constraints.nonNeg(),
          kernelRegularizer: 'l1l2',
          activation: 'tanh',
        }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ),
    layer: 'x',
    bases: ['svd', 'whitened'],
  },
  {
    title: "a strided 'same' Conv1D",
    build: () =>
      chain(
        layers.conv1d({
          name: 'x',
          filters: 5,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          activation: 'relu',
          inputShape: [9, 3],
        }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ),
    layer: 'x',
    bases: ALL,
  },
  {
    title: "a strided 'same' Conv2D of unequal sides",
    build: () =>
      chain(
        layers.conv2d({
          name: 'x',
          filters: 6,
          kernelSize: [3, 2],
          strides: [2, 1],
          padding: 'same',
          activation: 'relu',
          inputShape: [7, 6, 2],
        }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ),
    layer: 'x',
    bases: IMAGE,
  },
  {
    title: 'a dilated valid Conv2D without a bias',
    build: () =>
      chain(
        layers.conv2d({ name: 'x', filters: 4, kernelSize: 3, dilationRate: 2, useBias: false, inputShape: [7, 7, 2] }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ),
    layer: 'x',
    bases: IMAGE,
  },
  {
    title: 'a Dense in a nested model that is called twice',
    build: nestedTwice,
    layer: 'encoder/x',
    bases: ['svd', 'whitened'],
  },
  {
    title: 'a shared Dense, beside a layer that has its factor’s name',
    build: sharedDense,
    layer: 'x',
    bases: ['svd', 'whitened'],
  },
];

function chain(...list: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

function nestedTwice(): tf.LayersModel {
  const inner = tf.input({ shape: [4] });
  const hidden = layers.dense({ name: 'x', units: 6, activation: 'relu' }).apply(inner) as tf.SymbolicTensor;
  const encoder = tf.model({
    inputs: inner,
    outputs: layers.dense({ name: 'out', units: 4 }).apply(hidden) as tf.SymbolicTensor,
    name: 'encoder',
  });
  const input = tf.input({ shape: [4] });
  const twice = encoder.apply(encoder.apply(input)) as tf.SymbolicTensor;
  return scramble(
    tf.model({ inputs: input, outputs: layers.dense({ name: 'last', units: 3 }).apply(twice) as tf.SymbolicTensor }),
    createRandom(4),
  );
}

function sharedDense(): tf.LayersModel {
  const inputs = [tf.input({ shape: [5] }), tf.input({ shape: [5] })];
  const shared = layers.dense({ name: 'x', units: 6, activation: 'tanh' });
  const [a, b] = inputs.map((input) => shared.apply(input) as tf.SymbolicTensor);
  const both = layers.concatenate().apply([a, b]) as tf.SymbolicTensor;
  const other = layers.dense({ name: 'x_factor', units: 4 }).apply(both) as tf.SymbolicTensor;
  return scramble(
    tf.model({ inputs, outputs: layers.dense({ name: 'last', units: 2 }).apply(other) as tf.SymbolicTensor }),
    createRandom(5),
  );
}

function padded(): tf.LayersModel {
  return chain(
    layers.conv2d({ name: 'x', filters: 5, kernelSize: 3, padding: 'same', inputShape: [4, 4, 2] }),
    layers.leakyReLU(),
  );
}

function several(): tf.LayersModel {
  return chain(
    layers.timeDistributed({ name: 'td', layer: layers.dense({ units: 4 }), inputShape: [3, 4] }),
    layers.flatten({ name: 'flat' }),
    layers.dense({ name: 'x', units: 5 }),
    layers.dense({ name: 'y', units: 2 }),
  );
}

interface Prepared {
  readonly model: tf.LayersModel;
  readonly graph: ModelGraph;
  readonly kernel: KernelInfo;
  readonly inputs: tf.Tensor[];
  readonly basisOf: (name: RankBasisName) => RankBasis;
}

async function prepare({ build, layer }: Pick<Case, 'build' | 'layer'>): Promise<Prepared> {
  const model = build();
  const graph = readGraph(model);
  const kernel = kernelsOf(graph).find((candidate) => candidate.layer === layer)!;
  const inputs = randomInputs(model, ROWS, 1);
  const arrays = inputs.map((input) => ({ shape: input.shape, values: input.dataSync() as Float32Array }));
  const objective = inferObjective({ target: 'self', activation: 'linear', units: model.outputs[0].shape.at(-1)! });
  const { kernels } = await collectKernelStatistics(graph, { objective, split: splitOf(arrays), seed: 0 });
  return { model, graph, kernel, inputs, basisOf: (name) => buildRankBasis(name, kernel, kernels.get(layer)) };
}

function release({ model, inputs }: Prepared): void {
  tf.dispose(inputs);
  disposeModel(model);
}

const pairs = cases.flatMap(({ bases, ...rest }) => bases.map((name) => ({ ...rest, name })));

describe('factorModel', () => {
  it.each(pairs)('is the layer itself at k = n, the layer with the cut kernel below: $title, $name', async (each) => {
    const prepared = await prepare(each);
    const { model, graph, inputs, basisOf, kernel } = prepared;
    const basis = basisOf(each.name);
    const before = tf.memory().numTensors;
    const ranks = [...new Set([1, Math.ceil(basis.n / 2), basis.n - 1, basis.n])].filter((k) => k > 0);
    for (const k of ranks) {
      const factored = factorLayer(graph, basis, k);
      const outputs = predict(factored, inputs);
      const oracle = k === basis.n ? predict(model, inputs) : cutOutputs(prepared, basis, k);
      expect(relativeError(oracle, outputs)).toBeLessThanOrEqual(k === basis.n ? EXACT : SAME);
      const { parameters, macs } = factorCost(kernel, basis.form, k, basis.mean !== null);
      const others = model.countParams() - kernel.rows * kernel.cols - (kernel.bias ? kernel.cols : 0);
      expect(factored.countParams() - others).toBe(parameters);
      const cost = readGraph(factored).cost(new Map());
      expect(cost.macs - graph.cost(new Map()).macs + kernel.macs).toBe(macs);
      tf.dispose([outputs, oracle]);
      disposeModel(factored);
    }
    expect(tf.memory().numTensors).toBe(before);
    release(prepared);
  });

  it('makes the best kernel of rank k, by the SVD of another library', async () => {
    const prepared = await prepare(cases[0]);
    const { kernel, graph, inputs, basisOf } = prepared;
    const layer = kernel.target;
    const matrix = Matrix.from1DArray(kernel.rows, kernel.cols, [...layer.getWeights()[0].dataSync()]);
    const { leftSingularVectors: u, rightSingularVectors: v, diagonal: s } = new SVD(matrix, { autoTranspose: true });
    const k = 2;
    const best = u
      .subMatrix(0, kernel.rows - 1, 0, k - 1)
      .mmul(Matrix.diag(s.slice(0, k)))
      .mmul(v.subMatrix(0, kernel.cols - 1, 0, k - 1).transpose());
    const factored = factorLayer(graph, basisOf('svd'), k);
    const outputs = predict(factored, inputs);
    const kernelTensor = tf.tensor(best.to1DArray(), [kernel.rows, kernel.cols]);
    layer.setWeights([kernelTensor, layer.getWeights()[1]]);
    const oracle = predict(prepared.model, inputs);
    expect(relativeError(oracle, outputs)).toBeLessThanOrEqual(SAME);
    tf.dispose([outputs, oracle, kernelTensor]);
    disposeModel(factored);
    release(prepared);
  });

  it("keeps the mean of what a 'same' padded convolution makes, over all places with the border", async () => {
    const prepared = await prepare({ build: padded, layer: 'x' });
    const { model, graph, inputs, basisOf } = prepared;
    const means = (of: tf.LayersModel): number[] =>
      tf.tidy(() => {
        const made = tf.model({ inputs: of.inputs, outputs: of.getLayer('x').output });
        return [...tf.mean(made.predict(inputs[0]) as tf.Tensor, [0, 1, 2]).dataSync()];
      });
    const expected = means(model);
    for (const name of ['pca', 'whitened', 'kfac'] as const) {
      const factored = factorLayer(graph, basisOf(name), 1);
      means(factored).forEach((mean, i) => expect(mean).toBeCloseTo(expected[i], 5));
      disposeModel(factored);
    }
    const plain = factorLayer(graph, basisOf('svd'), 1);
    expect(Math.max(...means(plain).map((mean, i) => Math.abs(mean - expected[i])))).toBeGreaterThan(0.01);
    disposeModel(plain);
    release(prepared);
  });

  it('factors several layers at once and keeps names, metadata and the model it was given', async () => {
    const model = chain(
      layers.dense({ name: 'a', units: 6, inputShape: [5] }),
      layers.dense({ name: 'b', units: 4 }),
      layers.dense({ name: 'c', units: 3 }),
    );
    model.setUserDefinedMetadata({ classes: ['x', 'y'] });
    const config = JSON.stringify(model.getConfig());
    const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
    const graph = readGraph(model);
    const kernels = kernelsOf(graph);
    const factored = factorModel(
      graph,
      new Map(kernels.slice(0, 2).map((kernel) => [kernel.layer, { basis: buildRankBasis('svd', kernel), k: 2 }])),
    );
    expect(factored.layers.map(({ name }) => name)).toEqual(['a_factor', 'a', 'b_factor', 'b', 'c']);
    expect(factored.getUserDefinedMetadata()).toEqual({ classes: ['x', 'y'] });
    expect(JSON.stringify(model.getConfig())).toBe(config);
    expect(model.getWeights().map((weight) => [...weight.dataSync()])).toEqual(weights);
    disposeModel(factored);
    disposeModel(model);
  });

  it.each(['svd', 'svd-spatial', 'whitened'] as const)(
    'opens in stock TensorFlow.js after saving: %s',
    async (name) => {
      const prepared = await prepare(cases[4]);
      const factored = factorLayer(prepared.graph, prepared.basisOf(name), 2);
      let saved: tf.io.ModelArtifacts | undefined;
      await factored.save(
        tf.io.withSaveHandler(async (artifacts) => {
          saved = JSON.parse(JSON.stringify({ ...artifacts, weightData: undefined })) as tf.io.ModelArtifacts;
          saved.weightData = artifacts.weightData!;
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        }),
      );
      const opened = await tf.loadLayersModel(tf.io.fromMemory(saved!));
      tf.tidy(() => {
        expect(relativeError(predict(factored, prepared.inputs), predict(opened, prepared.inputs))).toBe(0);
      });
      disposeModel(opened);
      disposeModel(factored);
      release(prepared);
    },
  );

  it('factors a layer that does not train into two that do not', async () => {
    const prepared = await prepare(cases[0]);
    prepared.model.getLayer('x').trainable = false;
    const factored = factorLayer(prepared.graph, prepared.basisOf('svd'), 2);
    expect(['x_factor', 'x'].map((name) => factored.getLayer(name).trainable)).toEqual([false, false]);
    disposeModel(factored);
    release(prepared);
  });
});

describe('a centered factoring', () => {
  const titles = cases.filter(({ bases }) => bases.includes('whitened'));
  it.each(titles)('cut at k inner features is the layer factored at k: $title', async (each) => {
    const prepared = await prepare(each);
    const { graph, inputs, basisOf } = prepared;
    const basis = basisOf('whitened');
    const before = tf.memory().numTensors;
    const full = readGraph(factorLayer(graph, basis, basis.n, { centered: true }));
    const inner = full.groups.find(({ consumers }) => consumers.length === 1 && consumers[0] === each.layer)!;
    expect(inner.n).toBe(basis.n);
    for (const k of [1, 2]) {
      const keep = new Map([[inner.name, prefix(k)]]);
      const factored = factorLayer(graph, basis, k);
      const sliced = readGraph(sliceModel(full, keep));
      const folded = foldFactorBias(sliced, [each.layer]);
      expect(folded.countParams()).toBe(factored.countParams());
      tf.tidy(() => {
        const expected = predict(factored, inputs);
        expect(relativeError(expected, maskedOutputs(full, inputs, keep))).toBeLessThanOrEqual(SAME);
        expect(relativeError(expected, predict(folded, inputs))).toBeLessThanOrEqual(SAME);
      });
      [factored, sliced.model, folded].forEach(disposeModel);
    }
    disposeModel(full.model);
    expect(tf.memory().numTensors).toBe(before);
    release(prepared);
  });
});

describe('refusals', () => {
  const refused: readonly {
    readonly title: string;
    readonly change: Partial<RankBasis>;
    readonly k?: number;
    readonly says: RegExp;
  }[] = [
    { title: 'a layer that is not there', change: { layer: 'z' }, says: /no layer "z"/ },
    { title: 'TimeDistributed', change: { layer: 'td' }, says: /"td" is TimeDistributed/ },
    { title: 'a layer without a kernel', change: { layer: 'flat' }, says: /"flat" \(Flatten\) cannot be factored/ },
    { title: 'the basis of another kernel', change: { layer: 'y' }, says: /needs a basis of its own/ },
    { title: 'a spatial basis of a Dense', change: { form: 'spatial' }, says: /two sides/ },
    { title: 'rank 0', change: {}, k: 0, says: /from 1 to 5, not 0/ },
    { title: 'a rank above n', change: {}, k: 6, says: /not 6/ },
    { title: 'half a rank', change: {}, k: 1.5, says: /not 1.5/ },
  ];
  it.each(refused)('of $title', ({ change, k = 2, says }) => {
    const model = several();
    const graph = readGraph(model);
    const basis = buildRankBasis(
      'svd',
      kernelsOf(graph).find(({ layer }) => layer === 'x')!,
    );
    const before = tf.memory().numTensors;
    const attempt = (): unknown => factorLayer(graph, { ...basis, ...change }, k);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(says);
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('of folding the bias of what is no factor', () => {
    const model = chain(
      layers.dense({ name: 'x', units: 5, activation: 'relu', inputShape: [4] }),
      layers.dense({ name: 'y', units: 2 }),
    );
    const graph = readGraph(model);
    for (const layer of ['x', 'y', 'z']) expect(() => foldFactorBias(graph, [layer])).toThrow(/does not read a factor/);
    disposeModel(model);
  });
});

/** A layer's weights, which its types hide. */
interface Hidden {
  readonly kernel: Held;
  bias: Held | null;
  useBias: boolean;
}
type Held = Pick<tf.LayerVariable, 'read'> & { readonly val: tf.Variable };

/** The model with the cut kernel, and what its bias gains, put in; constraints would change what setWeights is given. */
function cutOutputs({ model, kernel: { target }, inputs }: Prepared, basis: RankBasis, k: number): tf.Tensor[] {
  const { kernel, biasShift } = truncateKernel(basis, k);
  const layer = target as unknown as Hidden;
  const { bias, useBias } = layer;
  const old = [layer.kernel, bias].map((held) => held?.read().clone() ?? null);
  return tf.tidy(() => {
    const shift = biasShift === null ? tf.scalar(0) : tf.tensor1d(biasShift);
    layer.kernel.val.assign(tf.tensor(kernel, [...basis.kernelShape]));
    if (bias === null && biasShift !== null) Object.assign(layer, { bias: { read: () => shift }, useBias: true });
    bias?.val.assign(tf.add(old[1]!, shift));
    try {
      return predict(model, inputs).map((output) => tf.keep(output));
    } finally {
      Object.assign(layer, { bias, useBias });
      layer.kernel.val.assign(old[0]!);
      bias?.val.assign(old[1]!);
      tf.dispose(old.filter((tensor) => tensor !== null));
    }
  });
}
