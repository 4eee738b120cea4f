import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { readGraph, runProgram, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { foldConstantUnits, type Constants } from '../../src/surgery/index.js';
import { randomInputs } from '../graph/models.js';
import { scramble } from './architectures.js';
import { PARITY, feedsOf, maskedOutputs, predict, prefix, relativeError } from './parity.js';

const { layers } = tf;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function chain(...list: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

/** Some constants for every tail point of the first group. */
function constantsOf({ groups: [group] }: ModelGraph): Constants {
  const random = createRandom(9);
  const lists = group.tailPoints.map(() => Float32Array.from({ length: group.n }, () => random.normal()));
  return new Map([[group.name, lists]]);
}

/** The whole model, with units k and up of the first group replaced by their constants where they are read. */
function replacedOutputs(
  graph: ModelGraph,
  inputs: readonly tf.Tensor[],
  k: number,
  constants: Constants,
): tf.Tensor[] {
  const [group] = graph.groups;
  const tap = (value: number, reader: number, tensor: tf.Tensor): tf.Tensor => {
    const index = group.tailPoints.findIndex((point) => point.value === value && point.reader === reader);
    if (index < 0) return tensor;
    const { axis, units } = group.tailPoints[index];
    const list = constants.get(group.name)![index];
    const at = Array.from({ length: tensor.shape[axis] }, (_, i) => (units === null ? i : units[i]));
    const shape = tensor.shape.map((_, i) => (i === axis ? at.length : 1));
    const kept = tf.tensor(
      at.map((unit) => (unit < k ? 1 : 0)),
      shape,
    );
    const others = tf.tensor(
      at.map((unit) => (unit < k ? 0 : list[unit])),
      shape,
    );
    return tf.add(tf.mul(tensor, kept), others);
  };
  return runProgram(graph.program, feedsOf(graph, inputs), { tap });
}

describe('foldConstantUnits', () => {
  const exact: readonly { readonly title: string; readonly build: () => tf.LayersModel }[] = [
    {
      title: 'Dense',
      build: () =>
        chain(
          layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
          layers.dense({ units: 3, activation: 'tanh' }),
        ),
    },
    {
      title: 'Dense without a bias: it gets one',
      build: () =>
        chain(layers.dense({ units: 5, inputShape: [4] }), layers.dense({ units: 3, useBias: false }), layers.reLU({})),
    },
    {
      title: 'a valid convolution, and the BatchNormalization behind it',
      build: () =>
        chain(
          layers.conv2d({ filters: 5, kernelSize: 1, inputShape: [5, 5, 2] }),
          layers.conv2d({ filters: 3, kernelSize: 3, useBias: false }),
          layers.batchNormalization(),
        ),
    },
    {
      title: 'a valid separable convolution with a multiplier',
      build: () =>
        chain(
          layers.conv2d({ filters: 5, kernelSize: 1, inputShape: [5, 5, 2] }),
          layers.separableConv2d({ filters: 3, kernelSize: 3, depthMultiplier: 2 }),
        ),
    },
    {
      title: 'a Flatten before a Dense',
      build: () =>
        chain(
          layers.conv2d({ filters: 5, kernelSize: 2, inputShape: [3, 3, 2] }),
          layers.flatten(),
          layers.dense({ units: 3 }),
        ),
    },
    {
      title: 'an LSTM that reads',
      build: () => chain(layers.dense({ units: 5, inputShape: [4, 3] }), layers.lstm({ units: 3 })),
    },
    {
      title: 'a Bidirectional GRU without biases',
      build: () => {
        const layer = layers.gru({ units: 3, useBias: false });
        return chain(
          layers.dense({ units: 5, inputShape: [4, 3] }),
          layers.bidirectional({ layer, mergeMode: 'concat' }),
        );
      },
    },
    {
      title: 'TimeDistributed',
      build: () =>
        chain(
          layers.dense({ units: 5, inputShape: [4, 3] }),
          layers.timeDistributed({ layer: layers.dense({ units: 2, useBias: false }) }),
        ),
    },
    { title: 'a residual stream read at two depths, with constants of their own', build: residual },
  ];
  it.each(exact)('is the model with the units replaced by their constants: $title', ({ build }) => {
    const model = build();
    const graph = readGraph(model);
    const inputs = randomInputs(model, 2, 1);
    const constants = constantsOf(graph);
    const before = tf.memory().numTensors;
    const folded = foldConstantUnits(graph, new Map([[graph.groups[0].name, prefix(2)]]), constants);
    tf.tidy(() => {
      const error = relativeError(replacedOutputs(graph, inputs, 2, constants), predict(folded, inputs));
      expect(error).toBeLessThanOrEqual(PARITY);
    });
    disposeModel(folded);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(inputs);
    disposeModel(model);
  });

  it("adds the same number at every output position of a 'same' padded convolution, borders included", () => {
    const model = chain(
      layers.conv2d({ filters: 5, kernelSize: 1, inputShape: [5, 5, 2] }),
      layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same' }),
    );
    const graph = readGraph(model);
    const inputs = randomInputs(model, 1, 1);
    const constants = constantsOf(graph);
    const keep = new Map([[graph.groups[0].name, prefix(2)]]);
    const folded = foldConstantUnits(graph, keep, constants);
    tf.tidy(() => {
      const added = tf.sub(predict(folded, inputs)[0], maskedOutputs(graph, inputs, keep)[0]);
      const spread = tf.sub(tf.max(added, [1, 2]), tf.min(added, [1, 2]));
      expect(Math.max(...spread.dataSync())).toBeLessThanOrEqual(PARITY);
      const inside = tf.sub(replacedOutputs(graph, inputs, 2, constants)[0], predict(folded, inputs)[0]);
      expect(tf.max(tf.abs(tf.slice(inside, [0, 1, 1, 0], [1, 3, 3, 2]))).dataSync()[0]).toBeLessThanOrEqual(PARITY);
    });
    tf.dispose(inputs);
    disposeModel(folded);
    disposeModel(model);
  });

  const norms: readonly { readonly title: string; readonly moved: boolean; readonly build: () => tf.LayersModel }[] = [
    {
      title: 'a BatchNormalization that alone reads a linear layer',
      moved: true,
      build: () => normalized('linear', 1),
    },
    { title: 'an activation before it', moved: false, build: () => normalized('relu', 1) },
    { title: 'another reader of the layer', moved: false, build: () => normalized('linear', 2) },
  ];
  it.each(norms)('moves a mean instead of adding a bias ($moved): $title', ({ moved, build }) => {
    const model = build();
    const graph = readGraph(model);
    const inputs = randomInputs(model, 2, 1);
    const constants = constantsOf(graph);
    const keep = new Map([[graph.groups[0].name, prefix(2)]]);
    const folded = foldConstantUnits(graph, keep, constants);
    tf.tidy(() => {
      const error = relativeError(replacedOutputs(graph, inputs, 2, constants), predict(folded, inputs));
      expect(error).toBeLessThanOrEqual(PARITY);
    });
    expect(folded.getLayer('reader').weights).toHaveLength(moved ? 1 : 2);
    expect(graph.cost(new Map([['hidden', 2]]), { folded: new Set(['hidden']) }).parameters).toBe(folded.countParams());
    disposeModel(folded);
    tf.dispose(inputs);
    disposeModel(model);
  });

  const refused: readonly { readonly title: string; readonly build: () => tf.LayersModel; readonly reason: RegExp }[] =
    [
      {
        title: 'the state of a recurrent layer',
        build: () => chain(layers.gru({ units: 3, inputShape: [4, 2] }), layers.dense({ units: 2 })),
        reason: /recurrent/,
      },
      {
        title: 'a strided transposed convolution',
        build: () =>
          chain(
            layers.conv2d({ filters: 3, kernelSize: 1, inputShape: [3, 3, 2] }),
            layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 }),
          ),
        reason: /no bias that could hold/,
      },
      {
        title: 'a shared layer that would need a bias a call',
        build: () => {
          const input = tf.input({ shape: [4] });
          const shared = layers.dense({ name: 'shared', units: 4 });
          const once = shared.apply(layers.dense({ units: 4 }).apply(input)) as tf.SymbolicTensor;
          const output = layers.dense({ units: 2 }).apply(shared.apply(once)) as tf.SymbolicTensor;
          return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
        },
        reason: /several calls/,
      },
    ];
  it.each(refused)('refuses $title', ({ build, reason }) => {
    const model = build();
    const graph = readGraph(model);
    const keep = new Map([[graph.groups[0].name, prefix(1)]]);
    expect(() => foldConstantUnits(graph, keep, constantsOf(graph))).toThrow(reason);
    disposeModel(model);
  });

  it.each([
    ['too few constants', 'hidden', [Float32Array.of(1, 2)]],
    ['a constant that is not finite', 'hidden', [Float32Array.of(1, Number.NaN, 3)]],
    ['no list for a tail point', 'hidden', []],
    ['an unknown group', 'nothing', [Float32Array.of(1, 2, 3)]],
  ])('refuses %s', (_, name, lists) => {
    const model = chain(layers.dense({ name: 'hidden', units: 3, inputShape: [4] }), layers.dense({ units: 3 }));
    expect(() =>
      foldConstantUnits(readGraph(model), new Map([['hidden', prefix(1)]]), new Map([[name, lists]])),
    ).toThrow(UsageError);
    disposeModel(model);
  });
});

/** A Dense without a bias and a BatchNormalization, which is one of so many readers. */
function normalized(activation: 'linear' | 'relu', readers: number): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const hidden = layers.dense({ name: 'hidden', units: 5 }).apply(input);
  const read = layers.dense({ name: 'reader', units: 3, useBias: false, activation }).apply(hidden);
  const norm = layers.batchNormalization().apply(read) as tf.SymbolicTensor;
  const sum = readers === 1 ? norm : layers.add().apply([norm, read as tf.SymbolicTensor]);
  const output = layers.dense({ units: 2 }).apply(sum) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}

function residual(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const stream = layers.dense({ name: 'entry', units: 5 }).apply(input) as tf.SymbolicTensor;
  const branch = layers.dense({ name: 'inner', units: 3, activation: 'relu' }).apply(stream);
  const sum = layers
    .add({})
    .apply([stream, layers.dense({ name: 'back', units: 5 }).apply(branch) as tf.SymbolicTensor]);
  const output = layers.dense({ name: 'out', units: 2 }).apply(sum) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}
