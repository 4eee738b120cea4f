import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { applyMask, keepFirst, prefixMask } from '../../src/layers/index.js';
import { failOnLeaks } from './tensors.js';

failOnLeaks();

const values = (make: () => tf.Tensor): { shape: number[]; data: number[] } =>
  tf.tidy(() => {
    const tensor = make();
    return { shape: tensor.shape, data: Array.from(tensor.dataSync()) };
  });

describe('prefixMask', () => {
  it.each([
    { rank: 2, axis: undefined, shape: [4, 3] },
    { rank: 3, axis: undefined, shape: [4, 1, 3] },
    { rank: 4, axis: -1, shape: [4, 1, 1, 3] },
    { rank: 4, axis: 1, shape: [4, 3, 1, 1] },
  ])('is ones, then zeros, of shape $shape for rank $rank, axis $axis', ({ rank, axis, shape }) => {
    const mask = values(() => prefixMask(Int32Array.from([0, 1, 2, 3]), 3, rank, axis === undefined ? {} : { axis }));
    expect(mask).toEqual({ shape, data: [0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1] });
  });

  it('follows a map from positions to units, and never drops a position of no unit', () => {
    // two positions of a flattened image with 3 channels, behind a feature that another branch brought in
    const units = Int32Array.from([-1, 0, 1, 2, 0, 1, 2]);
    const mask = values(() => prefixMask(Int32Array.from([0, 2, 3]), 7, 2, { units }));
    expect(mask.data).toEqual([1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('equals the plain prefix with the identity map', () => {
    const ks = Int32Array.from([0, 3, 5]);
    const units = Int32Array.from([0, 1, 2, 3, 4]);
    expect(values(() => prefixMask(ks, 5, 3, { units }))).toEqual(values(() => prefixMask(ks, 5, 3)));
  });

  it.each([
    { options: { units: Int32Array.from([0, 1]) }, message: /a unit for each of 3 positions, received 2/ },
    { options: { axis: 0 }, message: /must not be the batch axis/ },
    { options: { axis: -2 }, message: /must not be the batch axis/ },
    { options: { axis: 2 }, message: /axis must lie within -2\.\.1/ },
  ])('refuses $options', ({ options, message }) => {
    expect(() => prefixMask(Int32Array.from([1]), 3, 2, options)).toThrow(UsageError);
    expect(() => prefixMask(Int32Array.from([1]), 3, 2, options)).toThrow(message);
  });
});

describe('applyMask and keepFirst', () => {
  it('agree for every k, and with the naive loop', () => {
    const data = Array.from({ length: 24 }, (_, i) => i + 1);
    for (let k = 0; k <= 4; k++) {
      const expected = data.map((v, i) => (i % 4 < k ? v : 0));
      const ks = new Int32Array(2).fill(k);
      expect(values(() => applyMask(tf.tensor(data, [2, 3, 4]), prefixMask(ks, 4, 3))).data).toEqual(expected);
      expect(values(() => keepFirst(tf.tensor(data, [2, 3, 4]), k)).data).toEqual(expected);
    }
  });
});
