import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startWasm } from '../../../src/backend/wasm/index.js';
import { setSession } from '../../../src/backend/wasm/kernels/session.js';
import { compareGradient, on, relativeDifference, tensor, values } from './oracle.js';

// float32 sums of up to some hundred products of numbers below 1; the ops are linear between their maxima
const GRADIENT_TOLERANCE = 5e-3;
const STEP = 1 / 256;
// the order of a float32 sum may differ between backends
const SUM_TOLERANCE = 1e-5;

let before = 0;

beforeAll(async () => {
  await startWasm({ threads: 1 });
  // the mended stock kernels, which the own ones otherwise stand before
  setSession(undefined);
});

beforeEach(async () => {
  await tf.setBackend('wasm');
  before = tf.memory().numTensors;
});

afterEach(() => {
  if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors leaked`);
});

type Pad = 'same' | 'valid' | number;

function gradientErrors(shape: number[], op: (x: tf.Tensor) => tf.Tensor, shift = 0): string[] {
  const x = tensor(shape, 1, shift);
  const wrong = compareGradient(op, x, STEP, GRADIENT_TOLERANCE);
  x.dispose();
  return wrong;
}

describe('gradients equal central differences', () => {
  const convolutions: [string, number[], number[], number, Pad, number][] = [
    ['valid', [2, 5, 6, 3], [3, 3, 3, 4], 1, 'valid', 1],
    ['same', [2, 5, 6, 3], [3, 3, 3, 4], 1, 'same', 1],
    ['same with strides and an even filter', [2, 6, 5, 2], [2, 4, 2, 3], 2, 'same', 1],
    ['pad 2', [1, 4, 4, 2], [3, 3, 2, 2], 1, 2, 1],
    ['1x1', [3, 2, 2, 5], [1, 1, 5, 3], 1, 'valid', 1],
  ];

  it.each(convolutions)('conv2d by its filter: %s', (_, x, filter, strides, pad, dilations) => {
    expect(
      gradientErrors(filter, (f) =>
        tf.conv2d(tensor(x, 3) as tf.Tensor4D, f as tf.Tensor4D, strides, pad, 'NHWC', dilations),
      ),
    ).toEqual([]);
  });

  it.each(convolutions)('conv2d by its input: %s', (_, x, filter, strides, pad, dilations) => {
    expect(
      gradientErrors(x, (v) =>
        tf.conv2d(v as tf.Tensor4D, tensor(filter, 3) as tf.Tensor4D, strides, pad, 'NHWC', dilations),
      ),
    ).toEqual([]);
  });

  const depthwise: [string, number[], number[], number, Pad, number][] = [
    ['valid', [2, 5, 6, 3], [3, 3, 3, 1], 1, 'valid', 1],
    ['same, multiplier 2, strides 2', [2, 5, 6, 3], [3, 2, 3, 2], 2, 'same', 1],
    ['dilation 2', [1, 7, 6, 2], [3, 3, 2, 1], 1, 'same', 2],
  ];

  it.each(depthwise)('depthwiseConv2d by its filter: %s', (_, x, filter, strides, pad, dilations) => {
    expect(
      gradientErrors(filter, (f) =>
        tf.depthwiseConv2d(tensor(x, 3) as tf.Tensor4D, f as tf.Tensor4D, strides, pad, 'NHWC', dilations),
      ),
    ).toEqual([]);
  });

  it.each(depthwise)('depthwiseConv2d by its input: %s', (_, x, filter, strides, pad, dilations) => {
    expect(
      gradientErrors(x, (v) =>
        tf.depthwiseConv2d(v as tf.Tensor4D, tensor(filter, 3) as tf.Tensor4D, strides, pad, 'NHWC', dilations),
      ),
    ).toEqual([]);
  });

  const pools: [string, number[], number, number, 'same' | 'valid', number][] = [
    ['valid', [2, 4, 6, 3], 2, 2, 'valid', 0],
    ['same, the window cut at the border', [2, 3, 5, 2], 2, 2, 'same', 0],
    ['overlapping', [1, 5, 5, 2], 3, 1, 'same', 0],
    ['nothing but negative inputs', [1, 4, 4, 2], 2, 2, 'valid', -5],
  ];

  it.each(pools)('maxPool: %s', (_, x, size, strides, pad, shift) => {
    expect(gradientErrors(x, (v) => tf.maxPool(v as tf.Tensor4D, size, strides, pad), shift)).toEqual([]);
  });

  it.each(pools)('avgPool: %s', (_, x, size, strides, pad, shift) => {
    expect(gradientErrors(x, (v) => tf.avgPool(v as tf.Tensor4D, size, strides, pad), shift)).toEqual([]);
  });

  it.each(pools)('maxPool3d and avgPool3d: %s', (_, x, size, strides, pad, shift) => {
    const shape = [x[0], 3, ...x.slice(1)];
    expect(gradientErrors(shape, (v) => tf.maxPool3d(v as tf.Tensor5D, size, strides, pad), shift)).toEqual([]);
    expect(gradientErrors(shape, (v) => tf.avgPool3d(v as tf.Tensor5D, size, strides, pad), shift)).toEqual([]);
  });

  it.each([
    ['valid', 1],
    ['same', 2],
  ] as const)('conv3d by input and filter: %s, strides %d', (pad, strides) => {
    const x = [1, 4, 5, 3, 2];
    const filter = [2, 3, 2, 2, 3];
    expect(
      gradientErrors(x, (v) => tf.conv3d(v as tf.Tensor5D, tensor(filter, 3) as tf.Tensor5D, strides, pad)),
    ).toEqual([]);
    expect(
      gradientErrors(filter, (f) => tf.conv3d(tensor(x, 3) as tf.Tensor5D, f as tf.Tensor5D, strides, pad)),
    ).toEqual([]);
  });

  it('gather, the lookup of an Embedding, with repeated indices', () => {
    expect(gradientErrors([5, 3], (v) => tf.gather(v, tf.tensor2d([0, 4, 4, 2, 0, 0], [2, 3], 'int32')))).toEqual([]);
  });

  it.each([
    [false, true],
    [true, false],
    [true, true],
  ])('matMul with transposeA %s and transposeB %s', (transposeA, transposeB) => {
    const a = transposeA ? [2, 5, 3] : [2, 3, 5];
    const b = transposeB ? [2, 4, 5] : [2, 5, 4];
    expect(gradientErrors(a, (v) => tf.matMul(v, tensor(b, 3), transposeA, transposeB))).toEqual([]);
    expect(gradientErrors(b, (v) => tf.matMul(tensor(a, 3), v, transposeA, transposeB))).toEqual([]);
  });
});

const FORWARD: [string, () => tf.Tensor][] = [
  ['maxPool3d of negative values', () => tf.maxPool3d(tensor([2, 4, 4, 3, 2], 1, -3) as tf.Tensor5D, 2, 2, 'same')],
  [
    'conv3dTranspose',
    () => {
      const filter = tensor([2, 2, 3, 2, 3], 2) as tf.Tensor5D;
      return tf.conv3dTranspose(tensor([1, 2, 3, 2, 3]) as tf.Tensor5D, filter, [1, 4, 6, 4, 2], 2, 'same');
    },
  ],
  [
    'dilation2d of negative values',
    () => tf.dilation2d(tensor([1, 4, 5, 2], 1, -4) as tf.Tensor4D, tensor([2, 2, 2], 2) as tf.Tensor3D, 1, 'same'),
  ],
];

it.each(FORWARD)('stock wasm gets it wrong, here it equals cpu: %s', async (_, make) => {
  expect(relativeDifference(await on('wasm', make), await on('cpu', make))).toBeLessThan(SUM_TOLERANCE);
});

describe('startWasm', () => {
  it('leaves no global Worker and no listeners for other people’s errors behind', () => {
    expect(Object.getOwnPropertyDescriptor(globalThis, 'Worker')).toBeUndefined();
    const names = process.listeners('unhandledRejection').map(String);
    expect(names.filter((text) => text.includes('throw reason'))).toEqual([]);
  });

  it('may be called again', async () => {
    const x = tf.tensor1d(values(4));
    await startWasm({ threads: 1 });
    expect(tf.getBackend()).toBe('wasm');
    expect(x.dataSync()).toEqual(values(4));
    x.dispose();
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s threads', async (threads) => {
    await expect(startWasm({ threads })).rejects.toThrow(/positive integer/);
  });
});
