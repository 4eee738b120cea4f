import { describe, expect, it } from 'vitest';

import { fillSizes, fitSizes } from '../../src/data/fit.js';
import { errorOf } from './helpers.js';

type Sizes = (number | null)[];

describe('fitSizes', () => {
  it.each<[number[], Sizes, number[]]>([
    [[784], [784], [784]],
    [[784], [28, 28, 1], [28, 28, 1]],
    [[784], [28, 28], [28, 28]],
    [
      [28, 28],
      [28, 28, 1],
      [28, 28, 1],
    ],
    [
      [28, 28, 1],
      [28, 28],
      [28, 28],
    ],
    [[28, 28, 1], [784], [784]],
    [[28, 28], [784], [784]],
    [
      [1, 28, 28],
      [28, 28, 1],
      [28, 28, 1],
    ],
    [
      [32, 32, 3],
      [32, 32, 3],
      [32, 32, 3],
    ],
    [
      [32, 32, 3],
      [null, null, 3],
      [32, 32, 3],
    ],
    [
      [28, 28],
      [null, null, 1],
      [28, 28, 1],
    ],
    [[20], [null], [20]],
    [[20], [null, 1], [20, 1]],
    [[20], [null, 4], [5, 4]],
    [[20], [20, 1], [20, 1]],
    [[], [1], [1]],
    [[1], [], []],
    [
      [20, 3],
      [null, 3],
      [20, 3],
    ],
  ])('fits [N, %j] to a model of %j', (data, model, fitted) => {
    expect(fitSizes(data, model, 'x')).toEqual(fitted);
  });

  it.each<[number[], Sizes, string, string]>([
    [[64], [784], '[N, 64]', '[N, 784]'],
    [[14, 56], [28, 28], '[N, 14, 56]', '[N, 28, 28]'],
    [[28, 28], [28, 28, 3], '[N, 28, 28]', '[N, 28, 28, 3]'],
    [[21], [null, 4], '[N, 21]', '[N, any, 4]'],
    [[784], [null, null, 1], '[N, 784]', '[N, any, any, 1]'],
    [[28, 28, 3], [null, null, 1], '[N, 28, 28, 3]', '[N, any, any, 1]'],
    [[0], [4], '[N, 0]', '[N, 4]'],
  ])('refuses %j for %j and names both shapes', async (data, model, received, expected) => {
    const error = await errorOf(() => fitSizes(data, model, 'x'));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toBe(
      `x has shape ${received}, which does not fit the shape ${expected} that the model takes.`,
    );
  });

  it('tells channels-first images', async () => {
    expect((await errorOf(() => fitSizes([3, 32, 32], [32, 32, 3], 'x'))).hint).toBe(
      'Move the channels to the last axis.',
    );
  });
});

describe('fillSizes', () => {
  it('puts given sizes, with or without the batch, where the model leaves them open', () => {
    expect(fillSizes([null, null, 3], [1, 64, 48, 3], 'in')).toEqual([64, 48, 3]);
    expect(fillSizes([null, null, 3], [64, 48, 3], 'in')).toEqual([64, 48, 3]);
    expect(fillSizes([null, 3], undefined, 'in')).toEqual([null, 3]);
  });

  it('refuses sizes that contradict the model', async () => {
    const error = await errorOf(() => fillSizes([null, 3], [64, 4], 'in'));
    expect(error.message).toBe("The input shape [64, 4] does not fit the shape [N, any, 3] of the model's input 'in'.");
    expect(error.hint).toBe('Give a size for each axis without the examples, such as 64,3.');
  });
});
