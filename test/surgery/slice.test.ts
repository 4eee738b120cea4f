import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel, weightEntries, writeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { sliceModel } from '../../src/surgery/index.js';
import { randomInputs } from '../graph/models.js';
import { stockLoad } from '../model/helpers.js';
import { scramble } from './architectures.js';
import { PARITY, maskedOutputs, parity, predict, prefix, relativeError } from './parity.js';

const { layers } = tf;
type Tensor = tf.SymbolicTensor;

const folder = mkdtempSync(join(tmpdir(), 'tdc-slice-'));

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function one(layer: tf.layers.Layer, input: Tensor | Tensor[]): Tensor {
  return layer.apply(input) as Tensor;
}

function chain(...list: tf.layers.Layer[]): tf.LayersModel {
  return scramble(tf.sequential({ layers: list }), createRandom(3));
}

/** conv, BatchNormalization with a beta that is not zero, ReLU, 'same' padded conv. */
function convolutions(): tf.LayersModel {
  return chain(
    layers.conv2d({ name: 'first', filters: 6, kernelSize: 3, padding: 'same', inputShape: [5, 5, 2] }),
    layers.batchNormalization({ name: 'norm' }),
    layers.reLU({}),
    layers.conv2d({ name: 'second', filters: 3, kernelSize: 3, padding: 'same' }),
  );
}

function residual(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const stream = one(layers.dense({ name: 'entry', units: 6 }), input);
  const branch = one(
    layers.dense({ name: 'branch', units: 6 }),
    one(layers.dense({ name: 'inner', units: 3 }), stream),
  );
  const sum = one(layers.add({ name: 'sum' }), [stream, branch]);
  const output = one(layers.dense({ name: 'out', units: 2 }), sum);
  return scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
}

describe('what breaks pruners, as named in the field', () => {
  it('BatchNormalization: its beta keeps a pruned channel alive if it is masked too early; here it is not', () => {
    const model = convolutions();
    const graph = readGraph(model);
    const inputs = randomInputs(model, 2, 1);
    const keep = new Map([['first', prefix(2)]]);
    expect(parity(graph, inputs, keep).error).toBeLessThanOrEqual(PARITY);
    const early = { ...graph.groups[0].tailPoints[0], value: graph.program.steps[0].outputs[0], reader: 1 };
    const wrong = { ...graph, groups: [{ ...graph.groups[0], tailPoints: [early] }] };
    const sliced = sliceModel(graph, keep);
    tf.tidy(() => {
      const error = relativeError(maskedOutputs(wrong, inputs, keep), predict(sliced, inputs));
      expect(error).toBeGreaterThan(100 * PARITY);
    });
    tf.dispose(inputs);
    disposeModel(sliced);
    disposeModel(model);
  });

  it('coupled layers: narrowing a residual stream narrows all its writers and readers, and changes the outputs', () => {
    const model = residual();
    const graph = readGraph(model);
    const sliced = sliceModel(graph, new Map([['entry', Int32Array.of(1, 4)]]));
    const shapes = new Map(weightEntries(sliced).map(({ key, shape }) => [key, shape.join('x')]));
    expect(Object.fromEntries(shapes)).toMatchObject({
      'entry/kernel': '4x2',
      'branch/kernel': '3x2',
      'branch/bias': '2',
      'inner/kernel': '2x3',
      'out/kernel': '2x2',
    });
    const inputs = randomInputs(model, 2, 1);
    tf.tidy(() => {
      expect(relativeError(predict(model, inputs), predict(sliced, inputs))).toBeGreaterThan(0.01);
    });
    tf.dispose(inputs);
    disposeModel(sliced);
    disposeModel(model);
  });

  it('fewer parameters without fewer operations: the sliced model does the multiply-adds that its cost says', () => {
    const model = convolutions();
    const graph = readGraph(model);
    const half = new Map([['first', 3]]);
    const sliced = sliceModel(graph, new Map([['first', prefix(3)]]));
    expect(graph.cost(half).macs).toBe(25 * 9 * 2 * 3 + 25 * 9 * 3 * 3);
    expect(readGraph(sliced).cost(new Map())).toEqual(graph.cost(half));
    disposeModel(sliced);
    disposeModel(model);
  });

  it('masks do not shrink a file: the sliced model on disk has the bytes of its cost and opens in stock TensorFlow.js', async () => {
    const model = residual();
    model.setUserDefinedMetadata({ origin: 'test' });
    const graph = readGraph(model);
    const keep = new Map([
      ['entry', Int32Array.of(0, 5)],
      ['inner', Int32Array.of(2)],
    ]);
    const sliced = sliceModel(graph, keep);
    expect(sliced.getUserDefinedMetadata()).toEqual({ origin: 'test' });
    const written = await writeModel(sliced, join(folder, 'residual'));
    expect(written.bytes).toBe(
      graph.cost(
        new Map([
          ['entry', 2],
          ['inner', 1],
        ]),
      ).bytes,
    );
    const loaded = await stockLoad(written.path);
    const inputs = randomInputs(model, 2, 1);
    tf.tidy(() => {
      const outputs = predict(loaded, inputs);
      expect(relativeError(predict(sliced, inputs), outputs)).toBe(0);
      expect(relativeError(maskedOutputs(graph, inputs, keep), outputs)).toBeLessThanOrEqual(PARITY);
    });
    tf.dispose(inputs);
    for (const each of [loaded, sliced, model]) disposeModel(each);
  });

  it.each(['simpleRNN', 'gru', 'lstm'] as const)(
    'recurrent state: masking only the output of %s leaves the tail alive inside; masking the state too is slicing',
    (kind) => {
      const model = chain(layers[kind]({ name: 'rnn', units: 5, inputShape: [6, 3] }), layers.dense({ units: 2 }));
      const graph = readGraph(model);
      const inputs = randomInputs(model, 2, 1);
      const keep = new Map([['rnn', prefix(2)]]);
      expect(parity(graph, inputs, keep).error).toBeLessThanOrEqual(PARITY);
      const [group] = graph.groups;
      const outside = { ...group, tailPoints: group.tailPoints.filter(({ state }) => state !== true) };
      const sliced = sliceModel(graph, keep);
      tf.tidy(() => {
        const masked = maskedOutputs({ ...graph, groups: [outside] }, inputs, keep);
        expect(relativeError(masked, predict(sliced, inputs))).toBeGreaterThan(100 * PARITY);
      });
      tf.dispose(inputs);
      disposeModel(sliced);
      disposeModel(model);
    },
  );
});

describe('a masked group in training', () => {
  it.each(['gru', 'lstm'] as const)(
    'gives the gradients of the sliced model to the kept units, and none to the others: %s',
    (kind) => {
      const model = chain(
        layers[kind]({ name: 'rnn', units: 4, inputShape: [5, 3] }),
        layers.dense({ name: 'out', units: 2 }),
      );
      const graph = readGraph(model);
      const keep = new Map([['rnn', prefix(2)]]);
      const sliced = sliceModel(graph, keep);
      const inputs = randomInputs(model, 2, 1);
      tf.tidy(() => {
        const masked = tf.variableGrads(() => tf.sum(tf.square(maskedOutputs(graph, inputs, keep)[0])));
        const narrow = tf.variableGrads(() => tf.sum(tf.square(sliced.apply(inputs[0]) as tf.Tensor)));
        const gates = kind === 'gru' ? 3 : 4;
        const gradient = masked.grads[model.layers[0].weights[0].name];
        const blocks = tf.reshape(gradient, [3, gates, 4]);
        const kept = tf.reshape(tf.slice(blocks, [0, 0, 0], [3, gates, 2]), [3, gates * 2]);
        expect(relativeError([narrow.grads[sliced.layers[0].weights[0].name]], [kept])).toBeLessThanOrEqual(PARITY);
        expect(tf.max(tf.abs(tf.slice(blocks, [0, 0, 2], [3, gates, 2]))).dataSync()[0]).toBe(0);
      });
      tf.dispose(inputs);
      disposeModel(sliced);
      disposeModel(model);
    },
  );
});

describe('sliceModel', () => {
  it('keeps names, calls, trainable flags and the model it was given; leaves no tensor behind', () => {
    const model = residual();
    model.layers.find(({ name }) => name === 'inner')!.trainable = false;
    const graph = readGraph(model);
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const tensors = tf.memory().numTensors;
    const sliced = sliceModel(graph, new Map([['entry', prefix(2)]]));
    expect(sliced.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    expect(sliced.name).toBe(model.name);
    expect(sliced.layers.map(({ trainable }) => trainable)).toEqual(model.layers.map(({ trainable }) => trainable));
    expect(weightEntries(sliced).map(({ key }) => key)).toEqual(weightEntries(model).map(({ key }) => key));
    disposeModel(sliced);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    disposeModel(model);
  });

  it('shares no memory with the model it was given', () => {
    const model = residual();
    const sliced = sliceModel(readGraph(model), new Map([['inner', prefix(1)]]));
    const kernels = [model, sliced].map((each) => each.getLayer('entry').weights[0].read());
    expect(kernels[0].dataId).not.toBe(kernels[1].dataId);
    disposeModel(sliced);
    disposeModel(model);
  });

  it('gives the whole model when nothing is asked', () => {
    const model = residual();
    const sliced = sliceModel(readGraph(model), new Map());
    const inputs = randomInputs(model, 2, 1);
    tf.tidy(() => {
      expect(relativeError(predict(model, inputs), predict(sliced, inputs))).toBe(0);
    });
    tf.dispose(inputs);
    disposeModel(sliced);
    disposeModel(model);
  });

  it('keeps the order of calls of a shared layer whose calls are numbered against the layers', () => {
    const input = tf.input({ shape: [4] });
    const shared = layers.dense({ name: 'shared', units: 4, activation: 'tanh' });
    const late = one(layers.dense({ name: 'late', units: 4, activation: 'tanh' }), input);
    const first = one(shared, late);
    const second = one(shared, input);
    const output = one(layers.dense({ name: 'out', units: 2 }), one(layers.concatenate({}), [second, first]));
    const model = scramble(tf.model({ inputs: input, outputs: output }), createRandom(3));
    const inputs = randomInputs(model, 2, 1);
    const { error } = parity(readGraph(model), inputs, new Map([['shared', prefix(2)]]));
    expect(error).toBeLessThanOrEqual(PARITY);
    tf.dispose(inputs);
    disposeModel(model);
  });

  it.each([
    ['no unit', 'entry', Int32Array.of()],
    ['a unit beyond n', 'entry', Int32Array.of(6)],
    ['a negative unit', 'entry', Int32Array.of(-1)],
    ['a unit named twice', 'entry', Int32Array.of(1, 1)],
    ['an unknown group', 'exit', Int32Array.of(0)],
  ])('refuses %s', (_, name, units) => {
    const model = residual();
    const graph = readGraph(model);
    const tensors = tf.memory().numTensors;
    expect(() => sliceModel(graph, new Map([[name, units]]))).toThrow(UsageError);
    expect(tf.memory().numTensors).toBe(tensors);
    disposeModel(model);
  });
});
