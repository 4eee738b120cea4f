import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { randomInputs } from '../graph/models.js';
import { scramble } from './architectures.js';
import { PARITY, parity, prefix, randomKeep, someWidths } from './parity.js';

type Layers = readonly tf.layers.Layer[];

/** A chain whose second to last layer makes the features in question; the last reads them. */
interface Family {
  readonly title: string;
  readonly layers: () => Layers;
  /** Widths of the groups, in order. */
  readonly widths: readonly number[];
  /** Multiply-adds for one example, by hand. */
  readonly macs: number;
}

const { layers } = tf;

const FAMILIES: readonly Family[] = [
  {
    title: 'Dense on a vector',
    layers: () => [layers.dense({ units: 4, inputShape: [5] }), layers.dense({ units: 2 })],
    widths: [4],
    macs: 5 * 4 + 4 * 2,
  },
  {
    title: 'Dense on a sequence',
    layers: () => [layers.dense({ units: 4, inputShape: [3, 5] }), layers.dense({ units: 2 })],
    widths: [4],
    macs: 3 * (5 * 4 + 4 * 2),
  },
  {
    title: 'TimeDistributed(Dense)',
    layers: () => [
      layers.timeDistributed({ layer: layers.dense({ units: 4, useBias: false }), inputShape: [3, 5] }),
      layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
    ],
    widths: [4],
    macs: 3 * (5 * 4 + 4 * 2),
  },
  {
    title: 'TimeDistributed(Conv2D), then Flatten',
    layers: () => [
      layers.timeDistributed({ layer: layers.conv2d({ filters: 4, kernelSize: 3 }), inputShape: [2, 5, 5, 2] }),
      layers.timeDistributed({ layer: layers.maxPooling2d({ poolSize: 2 }) }),
      layers.flatten(),
      layers.dense({ units: 3 }),
    ],
    widths: [4],
    macs: 2 * 9 * 9 * 2 * 4 + 2 * 4 * 3,
  },
  {
    title: 'Conv1D with strides, pooling and global pooling',
    layers: () => [
      layers.conv1d({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        activation: 'sigmoid',
        inputShape: [8, 2],
      }),
      layers.maxPooling1d({ poolSize: 2 }),
      layers.conv1d({ filters: 3, kernelSize: 1 }),
      layers.globalMaxPooling1d(),
      layers.dense({ units: 2 }),
    ],
    widths: [4, 3],
    macs: 4 * 3 * 2 * 4 + 2 * 4 * 3 + 3 * 2,
  },
  {
    title: 'Conv2D, valid and same, dilated',
    layers: () => [
      layers.conv2d({ filters: 4, kernelSize: [3, 2], activation: 'relu', inputShape: [6, 6, 2] }),
      layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', dilationRate: 2 }),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 2 }),
    ],
    widths: [4, 3],
    macs: 4 * 5 * 3 * 2 * 2 * 4 + 4 * 5 * 9 * 4 * 3 + 3 * 2,
  },
  {
    title: 'Conv3D and average pooling',
    layers: () => [
      layers.conv3d({ filters: 3, kernelSize: 2, inputShape: [3, 3, 3, 2] }),
      layers.averagePooling3d({ poolSize: [2, 2, 2] }),
      layers.conv3d({ filters: 2, kernelSize: 1 }),
    ],
    widths: [3],
    macs: 8 * 8 * 2 * 3 + 3 * 2,
  },
  {
    title: 'Conv2DTranspose, whose kernel is [k, k, out, in]',
    layers: () => [
      layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', inputShape: [3, 3, 2] }),
      layers.conv2dTranspose({ filters: 3, kernelSize: 2 }),
    ],
    widths: [4],
    macs: 9 * 9 * 2 * 4 + 36 * 4 * 4 * 3,
  },
  {
    title: 'Conv3DTranspose',
    layers: () => [
      layers.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, inputShape: [2, 2, 2, 2] }),
      layers.conv3dTranspose({ filters: 2, kernelSize: 1 }),
    ],
    widths: [3],
    macs: 8 * 8 * 2 * 3 + 64 * 3 * 2,
  },
  {
    title: 'DepthwiseConv2D with a multiplier: two outputs a unit',
    layers: () => [
      layers.conv2d({ filters: 4, kernelSize: 1, inputShape: [4, 4, 2] }),
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: 'relu' }),
      layers.conv2d({ filters: 3, kernelSize: 1 }),
    ],
    widths: [4],
    macs: 16 * 2 * 4 + 4 * 9 * 8 + 4 * 8 * 3,
  },
  {
    title: 'SeparableConv2D with a multiplier',
    layers: () => [
      layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, inputShape: [4, 4, 3] }),
      layers.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 3 }),
    ],
    widths: [4],
    macs: 4 * (9 * 6 + 6 * 4) + 1 * (4 * 12 + 12 * 3),
  },
  {
    title: 'BatchNormalization, PReLU per position, padding, cropping, upsampling',
    layers: () => [
      layers.conv2d({ filters: 4, kernelSize: 1, inputShape: [3, 3, 2] }),
      layers.batchNormalization(),
      layers.prelu(),
      layers.zeroPadding2d({ padding: 1 }),
      layers.cropping2D({
        cropping: [
          [1, 0],
          [0, 1],
        ],
      }),
      layers.upSampling2d({ size: [2, 2] }),
      layers.gaussianNoise({ stddev: 0.1 }),
      layers.conv2d({ filters: 2, kernelSize: 2 }),
    ],
    widths: [4],
    macs: 9 * 2 * 4 + 49 * 4 * 4 * 2,
  },
  {
    title: 'channelsFirst, flattened in its own order',
    layers: () => [
      layers.permute({ dims: [3, 1, 2], inputShape: [4, 4, 2] }),
      layers.conv2d({ filters: 4, kernelSize: 3, dataFormat: 'channelsFirst' }),
      layers.maxPooling2d({ poolSize: 2, strides: 1, dataFormat: 'channelsFirst' }),
      layers.flatten({ dataFormat: 'channelsFirst' }),
      layers.dense({ units: 3 }),
    ],
    widths: [4],
    macs: 4 * 9 * 2 * 4 + 4 * 3,
  },
  {
    title: 'Dense that a Reshape turns into an image: 4 units of 9 columns',
    layers: () => [
      layers.dense({ units: 36, inputShape: [5] }),
      layers.reshape({ targetShape: [3, 3, 4] }),
      layers.conv2d({ filters: 2, kernelSize: 2 }),
    ],
    widths: [4],
    macs: 5 * 36 + 4 * 4 * 4 * 2,
  },
  {
    title: 'features that a Permute and a Flatten scatter',
    layers: () => [
      layers.conv2d({ filters: 4, kernelSize: 1, inputShape: [2, 3, 2] }),
      layers.permute({ dims: [3, 2, 1] }),
      layers.flatten(),
      layers.dense({ units: 3 }),
    ],
    widths: [4],
    macs: 6 * 2 * 4 + 24 * 3,
  },
  {
    title: 'a Reshape that splits channels into two halves ties the halves',
    layers: () => [
      layers.conv2d({ filters: 6, kernelSize: 1, inputShape: [2, 2, 2] }),
      layers.reshape({ targetShape: [2, 2, 2, 3] }),
      layers.conv3d({ filters: 2, kernelSize: 1 }),
    ],
    widths: [3],
    macs: 4 * 2 * 6 + 8 * 3 * 2,
  },
  {
    title: 'Embedding, LSTM, RepeatVector, GRU',
    layers: () => [
      layers.embedding({ inputDim: 7, outputDim: 4, inputShape: [5] }),
      layers.lstm({ units: 3 }),
      layers.repeatVector({ n: 2 }),
      layers.gru({ units: 4, returnSequences: true }),
      layers.dense({ units: 2 }),
    ],
    widths: [4, 3, 4],
    macs: 5 * (4 * 12 + 3 * 12) + 2 * (3 * 12 + 4 * 12) + 2 * 4 * 2,
  },
  {
    title: 'Bidirectional, joined and summed',
    layers: () => [
      bidirectional(3, 'concat', [4, 2]),
      bidirectional(4, 'sum'),
      layers.simpleRNN({ units: 3 }),
      layers.dense({ units: 2 }),
    ],
    widths: [3, 4, 3],
    macs: 2 * 4 * (2 * 3 + 3 * 3) + 2 * 4 * (6 * 4 + 4 * 4) + 4 * (4 * 3 + 3 * 3) + 3 * 2,
  },
  {
    title: 'RNN around a cell of its own',
    layers: () => [layers.rnn({ cell: layers.lstmCell({ units: 3 }), inputShape: [4, 2] }), layers.dense({ units: 2 })],
    widths: [3],
    macs: 4 * (2 * 12 + 3 * 12) + 3 * 2,
  },
];

function bidirectional(units: number, mergeMode: 'concat' | 'sum', inputShape?: number[]): tf.layers.Layer {
  const layer = layers.simpleRNN({ units, returnSequences: true });
  return layers.bidirectional({ layer, mergeMode, ...(inputShape === undefined ? {} : { inputShape }) });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function build(family: Family): tf.LayersModel {
  return scramble(tf.sequential({ layers: [...family.layers()] }), createRandom(7));
}

describe('layer families', () => {
  it.each(FAMILIES)('groups and multiply-adds as by hand: $title', (family) => {
    const model = build(family);
    const graph = readGraph(model);
    expect(graph.groups.map(({ n }) => n)).toEqual(family.widths);
    expect(graph.cost(new Map()).macs).toBe(family.macs);
    expect(graph.layers.reduce((sum, layer) => sum + layer.macs, 0)).toBe(family.macs);
    expect(graph.layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(model.countParams());
    disposeModel(model);
  });

  it.each(FAMILIES)('masked = sliced at k = 1, n/2, n-1 and at random units: $title', (family) => {
    const model = build(family);
    const graph = readGraph(model);
    const inputs = randomInputs(model, 2, 3);
    const random = createRandom(8);
    const single = graph.groups.flatMap(({ name, n }) => someWidths(n).map((k) => new Map([[name, prefix(k)]])));
    for (const keep of [...single, randomKeep(graph, random), randomKeep(graph, random)]) {
      const widths = new Map([...keep].map(([name, units]) => [name, units.length]));
      const { error, cost } = parity(graph, inputs, keep);
      expect(error).toBeLessThanOrEqual(PARITY);
      expect(cost).toEqual(graph.cost(widths));
    }
    tf.dispose(inputs);
    disposeModel(model);
  });
});
