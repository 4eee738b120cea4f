import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { registerRepairs } from '../../../src/backend/repairs/index.js';
import { startWasm } from '../../../src/backend/wasm/index.js';
import { session } from '../../../src/backend/wasm/kernels/session.js';
import { on, relativeDifference, tensor } from './oracle.js';

// another order of a float32 sum of up to some thousand products, relative to the largest result
const TOLERANCE = 2e-6;
type Pad = 'same' | 'valid' | number;
type Maker = () => tf.Tensor;

let before = 0;

beforeAll(async () => {
  const { info, notes } = await startWasm({ threads: 2 });
  for (const name of ['wasm', 'cpu']) registerRepairs(name);
  if (info.variant === 'stock') throw new Error(notes.join(' '));
});

afterAll(async () => {
  await session()?.stop();
});

beforeEach(async () => {
  await tf.setBackend('wasm');
  before = tf.memory().numTensors;
});

afterEach(() => {
  if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors leaked`);
});

/** Both gradients of sum(weights * op(a, b)), flattened into one tensor. */
function bothGradients(a: number[], b: number[], op: (a: tf.Tensor4D, b: tf.Tensor4D) => tf.Tensor): tf.Tensor {
  const loss = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => {
    const out = op(x as tf.Tensor4D, y as tf.Tensor4D);
    return tf.sum(tf.mul(out, tensor(out.shape, 5)));
  };
  return tf.concat(
    tf
      .grads(loss)([tensor(a), tensor(b, 2)])
      .map((g) => tf.reshape(g, [-1])),
  );
}

const cases: [string, Maker][] = [];

for (const [m, k, n] of [
  [1, 1, 1],
  [3, 5, 7],
  [4, 8, 8],
  [5, 300, 9],
  [17, 257, 33],
  [130, 515, 70],
  [128, 784, 64],
  [260, 64, 10],
]) {
  for (const [ta, tb] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]) {
    const product: Maker = () => tf.matMul(tensor(ta ? [k, m] : [m, k]), tensor(tb ? [n, k] : [k, n], 2), ta, tb);
    cases.push([`matMul ${m}x${k}x${n} ${ta ? 'Aᵀ' : 'A'}${tb ? 'Bᵀ' : 'B'}`, product]);
  }
}

for (const [a, b] of [
  [
    [3, 5, 6],
    [3, 6, 7],
  ],
  [
    [2, 3, 5, 6],
    [2, 3, 6, 9],
  ],
  [
    [4, 5, 6],
    [1, 6, 7],
  ],
  [
    [1, 5, 6],
    [4, 6, 7],
  ],
]) {
  cases.push([`batched matMul ${a.join('x')} by ${b.join('x')}`, () => tf.matMul(tensor(a), tensor(b, 2))]);
}

for (const activation of ['linear', 'relu', 'relu6', 'sigmoid'] as const) {
  cases.push([
    `fused matMul with ${activation}`,
    () => tf.fused.matMul({ a: tensor([9, 20]), b: tensor([20, 11], 2), bias: tensor([11], 3), activation }),
  ]);
  cases.push([
    `fused conv2d with ${activation}`,
    () =>
      tf.fused.conv2d({
        x: tensor([2, 6, 5, 3]) as tf.Tensor4D,
        filter: tensor([3, 3, 3, 10], 2) as tf.Tensor4D,
        bias: tensor([10], 3),
        strides: 1,
        pad: 'same',
        activation,
      }),
  ]);
  cases.push([
    `fused depthwiseConv2d with ${activation}`,
    () =>
      tf.fused.depthwiseConv2d({
        x: tensor([2, 6, 5, 6]) as tf.Tensor4D,
        filter: tensor([3, 3, 6, 1], 2) as tf.Tensor4D,
        bias: tensor([6], 3),
        strides: 1,
        pad: 'same',
        activation,
      }),
  ]);
}

const convolutions: [number[], number[], number, Pad, number][] = [
  [[1, 1, 1, 1], [1, 1, 1, 1], 1, 'valid', 1],
  [[2, 7, 9, 3], [3, 3, 3, 5], 1, 'valid', 1],
  [[3, 28, 28, 1], [3, 3, 1, 32], 1, 'valid', 1],
  [[2, 13, 13, 32], [3, 3, 32, 64], 1, 'valid', 1],
  [[2, 8, 7, 5], [3, 3, 5, 8], 1, 'same', 1],
  [[2, 8, 7, 5], [3, 2, 5, 8], 2, 'same', 1],
  [[1, 9, 9, 4], [5, 5, 4, 9], 3, 'valid', 1],
  [[2, 6, 6, 3], [4, 4, 3, 7], 1, 2, 1],
  [[2, 5, 6, 17], [1, 1, 17, 12], 1, 'valid', 1],
  [[2, 6, 6, 6], [1, 1, 6, 12], 2, 'valid', 1],
  [[1, 12, 1, 8], [3, 1, 8, 16], 1, 'same', 1],
  [[20, 4, 4, 40], [3, 3, 40, 80], 1, 'same', 1],
];
const dilated: typeof convolutions = [
  [[2, 9, 8, 3], [3, 3, 3, 5], 1, 'valid', 2],
  [[2, 9, 8, 4], [3, 2, 4, 8], 1, 'same', 3],
];

for (const [x, f, strides, pad, dilation] of [...convolutions, ...dilated]) {
  const name = `${x.join('x')} by ${f.join('x')}, strides ${strides}, ${pad}, dilation ${dilation}`;
  const conv = (a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor => tf.conv2d(a, b, strides, pad, 'NHWC', dilation);
  cases.push([`conv2d ${name}`, () => conv(tensor(x) as tf.Tensor4D, tensor(f, 2) as tf.Tensor4D)]);
  cases.push([`conv2d gradients ${name}`, () => bothGradients(x, f, conv)]);
}

for (const [x, f, strides, pad, dilation] of [
  [[2, 7, 9, 3], [3, 3, 3, 1], 1, 'valid', 1],
  [[2, 7, 9, 8], [3, 3, 8, 1], 1, 'same', 1],
  [[17, 8, 7, 5], [3, 2, 5, 1], 2, 'same', 1],
  [[1, 7, 9, 6], [5, 5, 6, 1], 3, 'valid', 1],
  [[2, 7, 9, 3], [3, 3, 3, 2], 1, 'same', 1],
  [[2, 9, 9, 7], [3, 3, 7, 1], 1, 'same', 2],
] as typeof convolutions) {
  const name = `${x.join('x')} by ${f.join('x')}, strides ${strides}, ${pad}, dilation ${dilation}`;
  const conv = (a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor => tf.depthwiseConv2d(a, b, strides, pad, 'NHWC', dilation);
  cases.push([`depthwiseConv2d ${name}`, () => conv(tensor(x) as tf.Tensor4D, tensor(f, 2) as tf.Tensor4D)]);
  // on cpu a dilated one has no gradient; repairs.test.ts compares with differences
  if (dilation === 1) cases.push([`depthwiseConv2d gradients ${name}`, () => bothGradients(x, f, conv)]);
}

for (const [x, size, strides, pad, shift] of [
  [[2, 6, 6, 4], 2, 2, 'valid', 0],
  [[2, 5, 7, 3], 2, 2, 'same', 0],
  [[1, 7, 7, 9], 3, 1, 'same', 0],
  [[3, 8, 8, 5], 3, 2, 'valid', -4],
] as [number[], number, number, 'same' | 'valid', number][]) {
  const name = `${x.join('x')}, ${size}x${size} by ${strides}, ${pad}, shifted by ${shift}`;
  for (const pool of [tf.maxPool, tf.avgPool]) {
    const run = (v: tf.Tensor): tf.Tensor => pool(v as tf.Tensor4D, size, strides, pad);
    cases.push([`${pool === tf.maxPool ? 'maxPool' : 'avgPool'} ${name}`, () => run(tensor(x, 1, shift))]);
    const loss = (v: tf.Tensor): tf.Tensor => {
      const y = run(v);
      return tf.sum(tf.mul(y, tensor(y.shape, 5)));
    };
    cases.push([
      `${pool === tf.maxPool ? 'maxPool' : 'avgPool'} gradient ${name}`,
      () => tf.grad(loss)(tensor(x, 1, shift)),
    ]);
  }
}

for (const shape of [
  [7, 3],
  [300, 130],
  [5, 4, 6],
  [2000, 33],
]) {
  cases.push([
    `sum over the first axes of ${shape.join('x')}`,
    () => tf.sum(tensor(shape), shape.length > 2 ? [0, 1] : 0),
  ]);
  cases.push([`mean over the first axis of ${shape.join('x')}`, () => tf.mean(tensor(shape), 0, true)]);
  cases.push([`sum over the last axis of ${shape.join('x')}`, () => tf.sum(tensor(shape), -1)]);
  cases.push([`adding a row to ${shape.join('x')}`, () => tf.add(tensor(shape), tensor([shape.at(-1)!], 3))]);
  cases.push([
    `the gradient of relu over ${shape.join('x')}`,
    () => tf.grad((x) => tf.sum(tf.mul(tf.relu(x), tensor(shape, 4))))(tensor(shape)),
  ]);
}

/** Output, both weights' gradients and the input's, and the moved statistics of a BatchNormalization layer. */
function batchNorm(
  shape: number[],
  options: Parameters<typeof tf.layers.batchNormalization>[0],
  training: boolean,
): tf.Tensor {
  const layer = tf.layers.batchNormalization({ ...options, momentum: 0.7 });
  const channels = shape.at(-1)!;
  const x = tensor(shape, 1, 0.5);
  layer.apply(x);
  layer.setWeights(layer.getWeights().map((_, i) => tensor([channels], 10 + i, 1.5)));
  const variables = layer.trainableWeights.map((w) => w.read());
  const loss = (input: tf.Tensor, ..._weights: tf.Tensor[]): tf.Tensor => {
    const y = layer.apply(input, { training }) as tf.Tensor;
    return tf.sum(tf.mul(y, tensor(shape, 5)));
  };
  const y = layer.apply(x, { training: false }) as tf.Tensor;
  const gradients = tf.grads(loss)([x, ...variables]);
  const all = tf.concat([y, ...gradients, ...layer.getWeights()].map((t) => tf.reshape(t, [-1])));
  layer.dispose();
  return all;
}

for (const shape of [
  [40, 7],
  [4, 5, 6, 12],
  [3, 200, 33],
]) {
  for (const [name, options, training] of [
    ['in training', {}, true],
    ['in training without scale', { scale: false }, true],
    ['in training without center', { center: false }, true],
    ['outside of training', {}, false],
    ['frozen, in training', { trainable: false }, true],
  ] as const) {
    cases.push([`batch normalization of ${shape.join('x')} ${name}`, () => batchNorm(shape, options, training)]);
  }
}

describe('own kernels equal the cpu backend', () => {
  it.each(cases)('%s', async (_, make) => {
    const expected = await on('cpu', make);
    expect(relativeDifference(await on('wasm', make), expected)).toBeLessThan(TOLERANCE);
  });
});

describe('variants and threads', () => {
  afterAll(async () => {
    await startWasm({ threads: 2 });
  });

  it('give the same bytes with 1, 2 and 3 threads', async () => {
    await startWasm({ threads: 1 });
    const alone: Float32Array[] = [];
    for (const [, make] of cases) alone.push(await on('wasm', make));
    for (const threads of [2, 3]) {
      expect((await startWasm({ threads })).info.threads).toBe(threads);
      for (const [i, [name, make]] of cases.entries()) expect([name, await on('wasm', make)]).toEqual([name, alone[i]]);
    }
  });

  it('plain SIMD equals the cpu backend too', async () => {
    const { info } = await startWasm({ threads: 2, relaxedSimd: false });
    expect(info.variant).toBe('simd');
    for (const [name, make] of cases) {
      const difference = relativeDifference(await on('wasm', make), await on('cpu', make));
      expect([name, difference < TOLERANCE]).toEqual([name, true]);
    }
  });
});

it('a NaN in the data comes out of max pooling, products and relu as NaN', async () => {
  const x = [Number.NaN, 1, 2, 3];
  const found = tf.tidy(() => [
    tf.maxPool(tf.tensor4d(x, [1, 2, 2, 1]), 2, 2, 'valid').dataSync()[0],
    tf.matMul(tf.tensor2d(x, [2, 2]), tf.ones([2, 2])).dataSync()[0],
    tf.fused
      .matMul({ a: tf.tensor2d(x, [2, 2]), b: tf.ones([2, 2]), bias: tf.zeros([2]), activation: 'relu' })
      .dataSync()[0],
  ]);
  expect(found).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});
