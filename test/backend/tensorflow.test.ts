import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { AVAILABLE } from './available.js';
import { relativeDifference, tensor } from './wasm/oracle.js';

/** Another order of float32 sums of some hundred terms. */
const TOLERANCE = 1e-5;

const { skip, title } = AVAILABLE.find(({ backend }) => backend === 'tensorflow')!;

describe.skipIf(skip)(`training on ${title}`, () => {
  let started: StartedBackend;
  beforeAll(async () => {
    started = await startBackend({ backend: 'tensorflow' });
  });

  it('changes a weight in place, and not what somebody kept of it', () => {
    const before = tf.memory().numTensors;
    const weight = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
    const adam = started.createAdam(0.1);
    const step = (): void => {
      adam.minimize(() => tf.sum(tf.square(weight)), false, [weight]);
    };
    step();
    const kept = tf.clone(weight);
    const values = Array.from(weight.dataSync());
    step();
    step();
    expect(Array.from(kept.dataSync())).toEqual(values);
    expect(Array.from(weight.dataSync())).not.toEqual(values);
    const after = Array.from(weight.dataSync());
    kept.dispose();
    step();
    expect(Array.from(weight.dataSync(), Math.abs).every((value, i) => value < Math.abs(after[i]))).toBe(true);
    adam.dispose();
    weight.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: true },
  ])('multiplies matrices as a naive loop does, $transposeA $transposeB', ({ transposeA, transposeB }) => {
    const [m, k, n] = [5, 7, 3];
    const a = Array.from({ length: m * k }, (_, i) => ((i * 7) % 11) - 5);
    const b = Array.from({ length: k * n }, (_, i) => ((i * 5) % 13) - 6);
    const expected: number[] = [];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let q = 0; q < k; q++) {
          sum += a[transposeA ? q * m + i : i * k + q] * b[transposeB ? j * k + q : q * n + j];
        }
        expected.push(sum);
      }
    }
    const product = tf.tidy(() => {
      const [left, right] = [
        tf.tensor2d(a, transposeA ? [k, m] : [m, k]),
        tf.tensor2d(b, transposeB ? [n, k] : [k, n]),
      ];
      return Array.from(tf.matMul(left, right, transposeA, transposeB).dataSync());
    });
    expect(product).toEqual(expected);
  });

  describe('a relu convolution that is computed when it is read', () => {
    it.each([
      { size: 2, strides: 2, pad: 'valid' as const, unpooled: false, relu: true },
      { size: 3, strides: 2, pad: 'same' as const, unpooled: false, relu: true },
      { size: 2, strides: 3, pad: 'valid' as const, unpooled: true, relu: true },
      { size: 2, strides: 2, pad: 'same' as const, unpooled: false, relu: false },
    ])(
      'has the values and gradients of cpu behind max pooling: $size by $strides, $pad, $unpooled, $relu',
      async (layout) => {
        await tf.setBackend('tensorflow');
        const before = [tf.memory().numTensors, handles()];
        const ours = tf.tidy(() => pooledGradients(layout).dataSync());
        expect([tf.memory().numTensors, handles()]).toEqual(before);
        await tf.setBackend('cpu');
        const expected = tf.tidy(() => pooledGradients(layout).dataSync());
        await tf.setBackend('tensorflow');
        expect(relativeDifference(ours, expected)).toBeLessThan(TOLERANCE);
      },
    );

    it('is what the weights were when it ran, also when it is read after they changed', () => {
      const before = [tf.memory().numTensors, handles()];
      const values = tf.tidy(() => {
        const layer = tf.layers.conv2d({ filters: 2, kernelSize: 1, activation: 'relu' });
        const x = tensor([1, 3, 3, 2]);
        layer.apply(x);
        layer.setWeights([tensor([1, 1, 2, 2], 3), tensor([2], 4)]);
        const expected = Array.from((layer.apply(x) as tf.Tensor).dataSync());
        let late: tf.Tensor | undefined;
        tf.variableGrads(
          () => {
            late = tf.keep(layer.apply(x, { training: true }) as tf.Tensor);
            return tf.sum(tf.maxPool(late as tf.Tensor4D, 2, 1, 'valid'));
          },
          layer.trainableWeights.map((weight) => weight.read() as tf.Variable),
        );
        layer.setWeights([tensor([1, 1, 2, 2], 5), tensor([2], 6)]);
        const read = Array.from(late!.dataSync());
        late!.dispose();
        layer.dispose();
        return { expected, read };
      });
      expect(values.read).toEqual(values.expected);
      expect([tf.memory().numTensors, handles()]).toEqual(before);
    });
  });
});

/** Handles that TensorFlow's binding keeps. */
function handles(): number {
  return (tf.backend() as unknown as { readonly binding: { getNumOfTensors(): number } }).binding.getNumOfTensors();
}

interface Layout {
  readonly size: number;
  readonly strides: number;
  readonly pad: 'same' | 'valid';
  /** The convolution is read beside the pooling too. */
  readonly unpooled: boolean;
  readonly relu: boolean;
}

/** The loss, and its gradients by the input and the weights of a convolution that is pooled, in a row. */
function pooledGradients({ size, strides, pad, unpooled, relu }: Layout): tf.Tensor {
  const layer = tf.layers.conv2d({ filters: 5, kernelSize: 2, activation: relu ? 'relu' : 'linear' });
  const x = tensor([2, 7, 7, 3]) as tf.Tensor4D;
  layer.apply(x);
  // a bias that leaves whole windows without a positive value
  layer.setWeights([tensor([2, 2, 3, 5], 3), tensor([5], 4, -0.6)]);
  const weights = layer.trainableWeights.map((weight) => weight.read());
  const loss = (input: tf.Tensor, ..._weights: tf.Tensor[]): tf.Tensor => {
    const y = layer.apply(input, { training: true }) as tf.Tensor4D;
    const pooled = tf.maxPool(y, size, strides, pad);
    const sum = tf.sum(tf.mul(pooled, tensor(pooled.shape, 5)));
    return unpooled ? tf.add(sum, tf.sum(tf.mul(y, tensor(y.shape, 6)))) : sum;
  };
  const { value, grads } = tf.valueAndGrads(loss)([x, ...weights]);
  const result = tf.concat([value, ...grads].map((part) => tf.reshape(part, [-1])));
  layer.dispose();
  return result;
}
