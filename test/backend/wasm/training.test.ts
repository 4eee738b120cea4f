import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createAdam, createSgd, gemm, startWasm } from '../../../src/backend/wasm/index.js';
import { session } from '../../../src/backend/wasm/kernels/session.js';
import { on, relativeDifference, tensor, values } from './oracle.js';

beforeAll(async () => {
  await startWasm({ threads: 2 });
});

afterAll(async () => {
  await session()?.stop();
});

function smallNet(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 2] }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 16, activation: 'relu' }),
      tf.layers.dense({ units: 3 }),
    ],
  });
}

/** One training step; disposes everything but the weights. */
function step(model: tf.Sequential, optimizer: tf.Optimizer): void {
  tf.tidy(() => {
    const y = tf.oneHot(tf.tensor1d([0, 1, 2, 1], 'int32'), 3);
    const { grads } = tf.variableGrads(
      () => tf.losses.softmaxCrossEntropy(y, model.apply(tensor([4, 8, 8, 2]), { training: true }) as tf.Tensor),
      model.trainableWeights.map((weight) => weight.read() as tf.Variable),
    );
    optimizer.applyGradients(grads);
  });
}

/** The weights after some steps from seeded ones, flattened. */
async function trained(backend: 'wasm' | 'cpu', make: () => tf.Optimizer, steps: number): Promise<Float32Array> {
  await tf.setBackend(backend);
  if (backend === 'cpu') Object.assign(tf.backend(), { firstUse: false });
  const model = smallNet();
  model.setWeights(model.getWeights().map((w, i) => tf.tidy(() => tf.mul(tensor(w.shape, i + 1, 1.5), 0.2))));
  const optimizer = make();
  for (let i = 0; i < steps; i++) step(model, optimizer);
  const result = await on(backend, () => tf.concat(model.getWeights().map((w) => tf.reshape(w, [-1]))));
  model.dispose();
  optimizer.dispose();
  return result;
}

function memoryState(): number[] {
  return [tf.memory().numTensors, session()!.bufferBytes, session()!.heapBytes];
}

describe('gemm', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
  ])('multiplies host arrays, transposed %s and %s', async (transposeA, transposeB) => {
    await tf.setBackend('wasm');
    const before = tf.memory().numTensors;
    const [m, k, n] = [6, 11, 9];
    const [a, b] = [values(m * k), values(k * n, 2)];
    const expected = Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let q = 0; q < k; q++) sum += a[transposeA ? q * m + i : i * k + q] * b[transposeB ? j * k + q : q * n + j];
      return sum;
    });
    expect(relativeDifference(gemm(a, b, { m, k, n, transposeA, transposeB }), expected)).toBeLessThan(1e-6);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses arrays of another size', () => {
    expect(() => gemm(values(5), values(6), { m: 2, k: 3, n: 2 })).toThrow(/6 elements.*received 5/);
  });
});

describe('training', () => {
  const optimizers: [string, () => tf.Optimizer, () => tf.Optimizer][] = [
    ['Adam', () => createAdam({ learningRate: 0.01 }), () => tf.train.adam(0.01)],
    ['SGD', () => createSgd({ learningRate: 0.01 }), () => tf.train.sgd(0.01)],
    ['SGD with momentum', () => createSgd({ learningRate: 0.01, momentum: 0.9 }), () => tf.train.momentum(0.01, 0.9)],
  ];

  // Adam divides by the root of small second moments, which magnifies the last bits of gradients
  const WEIGHT_TOLERANCE = 1e-4;

  it.each(optimizers)('%s on wasm ends where tfjs’ own ends on cpu', async (_, own, stock) => {
    const expected = await trained('cpu', stock, 5);
    expect(relativeDifference(await trained('wasm', own, 5), expected)).toBeLessThan(WEIGHT_TOLERANCE);
    expect(relativeDifference(await trained('cpu', own, 5), expected)).toBeLessThan(WEIGHT_TOLERANCE);
  });

  it('follows a learning rate that is set between steps', async () => {
    await tf.setBackend('wasm');
    const weight = tf.variable(tf.zeros([3]));
    const optimizer = createSgd({ learningRate: 1 });
    const gradient = tf.ones([3]);
    optimizer.applyGradients({ [weight.name]: gradient });
    optimizer.learningRate = 0.5;
    optimizer.applyGradients({ [weight.name]: gradient });
    expect(Array.from(weight.dataSync())).toEqual([-1.5, -1.5, -1.5]);
    tf.dispose([weight, gradient]);
    optimizer.dispose();
  });

  it('keeps memory flat over 200 steps: tensors, heap and buffers', async () => {
    await tf.setBackend('wasm');
    const before = tf.memory().numTensors;
    const model = smallNet();
    const optimizer = createAdam({ learningRate: 0.001 });
    for (let i = 0; i < 5; i++) step(model, optimizer);
    const early = memoryState();
    for (let i = 0; i < 200; i++) step(model, optimizer);
    expect(memoryState()).toEqual(early);
    model.dispose();
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives the same weights with one thread and with two', async () => {
    const two = await trained('wasm', () => createAdam({ learningRate: 0.01 }), 3);
    await startWasm({ threads: 1 });
    expect(await trained('wasm', () => createAdam({ learningRate: 0.01 }), 3)).toEqual(two);
    await startWasm({ threads: 2 });
  });
});

/** A relu convolution whose output, pooled and not, is summed with weights; the gradients by its weights. */
function pooledGradients(size: number, strides: number, alsoUnpooled: boolean): tf.Tensor {
  const layer = tf.layers.conv2d({ filters: 5, kernelSize: 2, activation: 'relu' });
  const x = tensor([2, 7, 7, 3]) as tf.Tensor4D;
  layer.apply(x);
  // a bias that leaves whole windows without a positive value
  layer.setWeights([tensor([2, 2, 3, 5], 3), tensor([5], 4, -0.6)]);
  const weights = layer.trainableWeights.map((weight) => weight.read());
  const loss = (input: tf.Tensor, ..._weights: tf.Tensor[]): tf.Tensor => {
    const y = layer.apply(input, { training: true }) as tf.Tensor4D;
    const pooled = tf.maxPool(y, size, strides, 'same');
    const sum = tf.sum(tf.mul(pooled, tensor(pooled.shape, 5)));
    return alsoUnpooled ? tf.add(sum, tf.sum(tf.mul(y, tensor(y.shape, 6)))) : sum;
  };
  const gradients = tf
    .grads(loss)([x, ...weights])
    .map((g) => tf.reshape(g, [-1]));
  layer.dispose();
  return tf.concat(gradients);
}

function sumOfMaxima(x: tf.Tensor): tf.Tensor {
  return tf.sum(tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'));
}

describe('max pooling behind a fused relu', () => {
  it.each([
    [2, 2, false],
    [3, 2, false],
    [2, 3, true],
  ])('of size %d by %d, y read elsewhere too: %s', async (size, strides, alsoUnpooled) => {
    const make = (): tf.Tensor => pooledGradients(size, strides, alsoUnpooled);
    expect(relativeDifference(await on('wasm', make), await on('cpu', make))).toBeLessThan(1e-5);
  });

  it('has the plain gradient of a maximum by y itself', async () => {
    await tf.setBackend('wasm');
    const found = tf.tidy(() => {
      const layer = tf.layers.conv2d({ filters: 4, kernelSize: 1, activation: 'relu', biasInitializer: 'zeros' });
      const y = layer.apply(tf.zeros([1, 2, 2, 1])) as tf.Tensor4D;
      return Array.from(tf.grad(sumOfMaxima)(y).dataSync());
    });
    expect(found).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('a process that used threads', () => {
  const script = `
    import { existsSync } from 'node:fs';
    const built = new URL('./dist/backend/wasm/index.js', 'file://' + process.cwd() + '/');
    if (!existsSync(built)) { console.log('not built'); }
    else {
      const { startWasm } = await import(built);
      const tf = await import('@tensorflow/tfjs');
      const { info } = await startWasm({ threads: 3 });
      const x = tf.ones([300, 300]);
      console.log(info.threads, tf.matMul(x, x).dataSync()[0]);
    }
  `;

  it('ends by itself, without dispose and without a word on stderr', async ({ skip }) => {
    const arguments_ = ['--input-type=module', '--eval', script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, arguments_, { timeout: 120_000 });
    if (stdout.trim() === 'not built') skip('needs npm run build');
    expect([stdout.trim(), stderr]).toEqual(['3 300', '']);
  });
});
