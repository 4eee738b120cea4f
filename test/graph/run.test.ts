import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { compileProgram, finalActivations, runProgram } from '../../src/graph/index.js';
import { UsageError } from '../../src/errors.js';
import { MODELS, difference, loadShared, randomInputs } from './models.js';

/** The program runs the same kernels as predict; 1e-6 of the largest output leaves room for a fused kernel's order of sums. */
const SAME_KERNELS = 1e-6;

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});

function feedsOf(model: tf.LayersModel, inputs: readonly tf.Tensor[]): Map<number, tf.Tensor> {
  const program = compileProgram(model);
  return new Map(program.inputs.map((value, i) => [value, inputs[i]]));
}

/** Largest difference from predict, relative to the largest output, and the tensors left behind. */
function compareWithPredict(model: tf.LayersModel, inputs: tf.Tensor[]): { error: number; leaked: number } {
  const expected = [model.predict(inputs.length === 1 ? inputs[0] : inputs)].flat();
  const before = tf.memory().numTensors;
  const outputs = runProgram(compileProgram(model), feedsOf(model, inputs));
  const errors = outputs
    .map((output, i) => difference(expected[i], output))
    .map(({ error, largest }) => error / largest);
  tf.dispose(outputs);
  const leaked = tf.memory().numTensors - before;
  tf.dispose([expected, inputs]);
  return { error: Math.max(...errors), leaked };
}

describe('runProgram', () => {
  it.skipIf(MODELS.length === 0).each(MODELS)('gives what predict gives: %s', async (name) => {
    const model = await loadShared(name);
    const { error, leaked } = compareWithPredict(model, randomInputs(model, 2, 1));
    expect(error).toBeLessThanOrEqual(SAME_KERNELS);
    expect(leaked).toBe(0);
    model.dispose();
  });

  const architectures: readonly { readonly title: string; readonly build: () => tf.LayersModel }[] = [
    { title: 'a shared layer called twice', build: sharedLayer },
    { title: 'a nested model called twice, with a nested Sequential inside', build: nestedTwice },
    { title: 'an LSTM with state outputs that start another LSTM', build: stateful },
    { title: 'a masked Embedding into stacked LSTMs', build: maskedStack },
    { title: 'a mask that a convolution interrupts (stock keeps the last mask)', build: interruptedMask },
    { title: 'a Sequential that begins with a Sequential', build: sequentialInSequential },
    { title: 'several inputs and outputs', build: severalOutputs },
  ];
  it.each(architectures)('gives what predict gives: $title', ({ build }) => {
    const model = build();
    const { error, leaked } = compareWithPredict(model, randomInputs(model, 3, 2, 6));
    expect(error).toBeLessThanOrEqual(SAME_KERNELS);
    expect(leaked).toBe(0);
    model.dispose();
  });

  it('starts from fed intermediate values and stops at fetched ones', () => {
    const model = nestedTwice();
    const program = compileProgram(model);
    const inputs = randomInputs(model, 2, 3);
    const middle = program.steps[1].outputs[0];
    const [whole] = runProgram(program, feedsOf(model, inputs));
    const [prefix] = runProgram(program, feedsOf(model, inputs), { fetch: [middle] });
    const ran: number[] = [];
    const feeds = new Map([...feedsOf(model, inputs), [middle, prefix] as const]);
    const [suffix] = runProgram(program, feeds, { stepHook: (step) => ran.push(step.index) });
    expect(ran).not.toContain(1);
    expect(difference(whole, suffix).error).toBe(0);
    tf.dispose([whole, prefix, suffix, inputs]);
    model.dispose();
  });

  it('says which value is missing', () => {
    const model = sharedLayer();
    expect(() => runProgram(compileProgram(model), new Map())).toThrow(UsageError);
    model.dispose();
  });

  it.each([
    ['handed on by the Embedding that is fed', maskedStack, 0],
    ['left over from an Embedding before the convolution that is fed', interruptedMask, 1],
  ])('needs the mask that the whole model would give a recurrent layer: %s', (_, build, last) => {
    const model = build();
    const program = compileProgram(model);
    const inputs = randomInputs(model, 2, 3, 6);
    const cut = program.steps[last].outputs[0];
    const masks = new Map<number, tf.Tensor>();
    const [value] = runProgram(program, feedsOf(model, inputs), { fetch: [cut], keepMasks: masks });
    expect(() => runProgram(program, new Map([[cut, value]]))).toThrow(/time mask/);
    const [suffix] = runProgram(program, new Map([[cut, value]]), { masks });
    const [whole] = runProgram(program, feedsOf(model, inputs));
    expect(difference(whole, suffix).error).toBe(0);
    tf.dispose([value, suffix, whole, inputs, [...masks.values()]]);
    model.dispose();
  });

  it('replaces what one reader reads and leaves the other readers alone', () => {
    const model = severalOutputs();
    const program = compileProgram(model);
    const inputs = randomInputs(model, 2, 3);
    const reader = program.steps.find((step) => step.name === 'second')!;
    const plain = runProgram(program, feedsOf(model, inputs));
    const tapped = runProgram(program, feedsOf(model, inputs), {
      tap: (_, step, tensor) => (step === reader.index ? tf.zerosLike(tensor) : tensor),
    });
    expect(difference(plain[0], tapped[0]).error).toBe(0);
    expect(Array.from(tapped[1].dataSync())).toEqual(Array.from({ length: 4 }, () => 0));
    tf.dispose([plain, tapped, inputs]);
    model.dispose();
  });

  it('lets a recurrent step read its state through the tap, once a time step', () => {
    const model = tf.sequential({ layers: [tf.layers.gru({ units: 3, inputShape: [5, 2] })] });
    const program = compileProgram(model);
    const inputs = randomInputs(model, 2, 3);
    const shapes: string[] = [];
    const [output] = runProgram(program, feedsOf(model, inputs), {
      tap: (value, reader, tensor) => {
        if (value === program.steps[reader].outputs[0]) shapes.push(tensor.shape.join('x'));
        return tensor;
      },
    });
    expect(shapes).toEqual(Array.from({ length: 5 }, () => '2x3'));
    tf.dispose([output, inputs]);
    model.dispose();
  });

  it('frees intermediates while it runs', () => {
    const layers = Array.from({ length: 12 }, () => tf.layers.dense({ units: 4, inputShape: [4], activation: 'tanh' }));
    const model = tf.sequential({ layers });
    const inputs = randomInputs(model, 2, 1);
    const before = tf.memory().numTensors;
    let most = 0;
    const [output] = runProgram(compileProgram(model), feedsOf(model, inputs), {
      stepHook: () => void (most = Math.max(most, tf.memory().numTensors - before)),
    });
    expect(most).toBeLessThanOrEqual(2);
    tf.dispose([output, inputs]);
    model.dispose();
  });

  it('gives the gradients that the model itself gives', () => {
    const model = sharedLayer();
    const inputs = randomInputs(model, 3, 4);
    const feeds = feedsOf(model, inputs);
    const program = compileProgram(model);
    const before = tf.memory().numTensors;
    const ours = tf.variableGrads(() => runProgram(program, feeds, { training: true })[0].square().mean<tf.Scalar>());
    const theirs = tf.variableGrads(() => (model.apply(inputs[0]) as tf.Tensor).square().mean<tf.Scalar>());
    for (const [name, gradient] of Object.entries(theirs.grads)) {
      expect(difference(gradient, ours.grads[name]).error).toBeLessThanOrEqual(SAME_KERNELS);
    }
    tf.dispose([ours.grads, theirs.grads, ours.value, theirs.value]);
    expect(tf.memory().numTensors, 'tensors that leak').toBe(before);
    tf.dispose(inputs);
    model.dispose();
  });

  it('keeps frozen BatchNormalization on its moving statistics, and drops only in training', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.batchNormalization({ inputShape: [4] }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    const inputs = randomInputs(model, 3, 4);
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const training = allButDropout;
    const [frozen] = runProgram(compileProgram(model), feedsOf(model, inputs), { training, freezeBatchNorm: true });
    const expected = model.predict(inputs) as tf.Tensor;
    expect(difference(expected, frozen).error).toBe(0);
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    tf.tidy(() => {
      const [moved] = runProgram(compileProgram(model), feedsOf(model, inputs), { training });
      expect(difference(expected, moved).error).toBeGreaterThan(0.01);
    });
    tf.dispose([frozen, expected, inputs]);
    model.dispose();
  });
});

describe('finalActivations', () => {
  const heads: readonly {
    readonly title: string;
    readonly layers: () => tf.layers.Layer[];
    readonly activation: string | null;
  }[] = [
    { title: 'softmax inside a Dense', layers: () => [dense(3, 'softmax')], activation: 'softmax' },
    { title: 'sigmoid inside a Dense', layers: () => [dense(1, 'sigmoid')], activation: 'sigmoid' },
    {
      title: 'an Activation layer',
      layers: () => [dense(3), tf.layers.activation({ activation: 'softmax' })],
      activation: 'softmax',
    },
    { title: 'a Softmax layer', layers: () => [dense(3), tf.layers.softmax()], activation: 'softmax' },
    {
      title: 'softmax, then a Reshape that keeps its rows',
      layers: () => [dense(3, 'softmax'), tf.layers.reshape({ targetShape: [1, 3] })],
      activation: 'softmax',
    },
    {
      title: 'none where a Reshape cuts the rows of the softmax',
      layers: () => [dense(4, 'softmax'), tf.layers.reshape({ targetShape: [2, 2] })],
      activation: null,
    },
    { title: 'none for a linear output', layers: () => [dense(3)], activation: null },
  ];
  it.each(heads)('finds $title, and its activation of the fetched logits is the output', ({ layers, activation }) => {
    const model = tf.sequential({ layers: layers() });
    const program = compileProgram(model);
    expect(finalActivations(program)[0]?.activation ?? null).toBe(activation);
    const inputs = randomInputs(model, 3, 5);
    tf.tidy(() => {
      const [logits] = runProgram(program, feedsOf(model, inputs), { logits: true });
      const [output] = runProgram(program, feedsOf(model, inputs));
      const again =
        activation === 'softmax' ? tf.softmax(logits) : activation === 'sigmoid' ? tf.sigmoid(logits) : logits;
      expect(difference(output, again).error).toBeLessThanOrEqual(SAME_KERNELS);
    });
    tf.dispose(inputs);
    model.dispose();
  });
});

function dense(units: number, activation?: 'softmax' | 'sigmoid'): tf.layers.Layer {
  return tf.layers.dense({ units, inputShape: [5], ...(activation === undefined ? {} : { activation }) });
}

function sharedLayer(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const shared = tf.layers.dense({ units: 4, activation: 'tanh' });
  const twice = shared.apply(shared.apply(input)) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 2 }).apply(twice) as tf.SymbolicTensor });
}

function nestedTwice(): tf.LayersModel {
  const inner = tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [5], activation: 'relu' })] });
  const entry = tf.input({ shape: [5] });
  const body = inner.apply(entry) as tf.SymbolicTensor;
  const middle = tf.model({ inputs: entry, outputs: tf.layers.dense({ units: 5 }).apply(body) as tf.SymbolicTensor });
  const input = tf.input({ shape: [5] });
  const once = middle.apply(input) as tf.SymbolicTensor;
  const twice = middle.apply(once) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: tf.layers.add().apply([once, twice]) as tf.SymbolicTensor });
}

function stateful(): tf.LayersModel {
  const input = tf.input({ shape: [6, 3] });
  const [, h, c] = tf.layers.lstm({ units: 4, returnState: true }).apply(input) as tf.SymbolicTensor[];
  const decoder = tf.layers.lstm({ units: 4, returnSequences: true });
  return tf.model({ inputs: input, outputs: decoder.apply([input, h, c]) as tf.SymbolicTensor });
}

function maskedStack(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: 3, outputDim: 4, maskZero: true, inputShape: [6] }),
      tf.layers.lstm({ units: 3, returnSequences: true }),
      tf.layers.lstm({ units: 3 }),
      tf.layers.dense({ units: 2 }),
    ],
  });
}

function interruptedMask(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: 3, outputDim: 4, maskZero: true, inputShape: [6] }),
      tf.layers.conv1d({ filters: 4, kernelSize: 3, padding: 'same' }),
      tf.layers.simpleRNN({ units: 3 }),
    ],
  });
}

function sequentialInSequential(): tf.LayersModel {
  const inner = tf.sequential({ layers: [dense(6), tf.layers.reLU()] });
  return tf.sequential({ layers: [inner, tf.layers.dense({ units: 3 })] });
}

function severalOutputs(): tf.LayersModel {
  const a = tf.input({ shape: [4] });
  const b = tf.input({ shape: [3] });
  const joined = tf.layers.concatenate().apply([a, b]) as tf.SymbolicTensor;
  const hidden = tf.layers.dense({ units: 5, activation: 'relu' }).apply(joined) as tf.SymbolicTensor;
  const first = tf.layers.dense({ units: 1, name: 'first' }).apply(hidden) as tf.SymbolicTensor;
  const second = tf.layers.dense({ units: 2, name: 'second', useBias: false }).apply(hidden) as tf.SymbolicTensor;
  return tf.model({ inputs: [a, b], outputs: [first, second] });
}

function allButDropout(step: { readonly name: string }): boolean {
  return !step.name.startsWith('dropout');
}
