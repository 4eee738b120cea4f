import { describe, expect, it } from 'vitest';

import { readJson } from '../../src/data/json.js';
import type { RawParts, ReadRequest } from '../../src/data/raw.js';
import { errorOf, heldValues } from './helpers.js';

const REQUEST: ReadRequest = { model: [{ name: 'in', shape: [null, 2] }] };
const read = (data: unknown, request: Partial<ReadRequest> = {}): Promise<RawParts> =>
  readJson(Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)), 't.json', { ...REQUEST, ...request });

describe('readJson', () => {
  it.each([
    [
      'arrays',
      [
        [1, 2, 0],
        [3, 4, 1],
      ],
    ],
    [
      'objects',
      [
        { a: 1, b: 2, y: 0 },
        { y: 1, b: 4, a: 3 },
      ],
    ],
    [
      'x and y',
      {
        x: [
          [1, 2],
          [3, 4],
        ],
        y: [0, 1],
      },
    ],
  ])('reads rows as %s', async (_, data) => {
    const { whole } = await read(data);
    expect(whole?.inputs[0].shape).toEqual([2, 2]);
    expect(heldValues(whole?.inputs[0])).toEqual([1, 2, 3, 4]);
    expect(whole?.target).toMatchObject({ shape: [2] });
  });

  it('reads nested x of any depth and splits by name', async () => {
    const parts = await read({ x_train: [[[1], [2]]], y_train: [0], x_test: [[[3], [4]]], y_test: [1] });
    expect(parts.train?.inputs[0].shape).toEqual([1, 2, 1]);
    expect(heldValues(parts.test?.inputs[0])).toEqual([3, 4]);
  });

  it('keeps words in y', async () => {
    const { whole } = await read({
      x: [
        [1, 2],
        [3, 4],
      ],
      y: ['b', 'a'],
    });
    expect(whole?.target).toMatchObject({ words: ['b', 'a'], places: ['row 1', 'row 2'] });
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', '{"x": [1', /^t\.json is not JSON: /],
    ['a number', 7, /holds 7, expected an array of rows or an object \{x, y\}/],
    ['no rows', [], /has no rows/],
    ['no arrays', { a: 1 }, /holds no arrays, expected x, or x_train/],
    ['no target', { x: [[1, 2]] }, /has no target array 'y'; it holds 'x'/],
    [
      'ragged rows',
      [
        [1, 2, 0],
        [3, 4],
      ],
      /row 2 has 2 values, expected 3/,
    ],
    ['ragged x', { x: [[1, 2], [3]], y: [0, 1] }, /^x of t\.json at \[1\] has 1 values, expected 2\.$/],
    [
      'x that is ragged in depth',
      { x: [[[1]], [[[2]]]], y: [0, 1] },
      /^x of t\.json at \[1, 0, 0\] is an array, expected a number\.$/,
    ],
    ['a number where an array belongs', { x: [[1, 2], 3], y: [0, 1] }, /at \[1\] is 3, expected 2 values/],
    ['null in x', { x: [[1, null]], y: [0] }, /^x of t\.json at \[0, 1\] is missing, expected a number\.$/],
    ['null in a row', [[1, null, 0]], /row 1, column 2 is empty, expected a finite number/],
    ['a nested row', [[[1], 2, 0]], /row 1 holds an array, expected numbers/],
    ['a row of another kind', [[1, 2, 0], { a: 1 }], /row 2 is an object, expected an array like the first row/],
    [
      'a value the first row lacks',
      [
        { a: 1, y: 0 },
        { a: 1, b: 2, y: 0 },
      ],
      /row 2 has a value 'b' that the first row lacks/,
    ],
    ['an empty x', { x: [[]], y: [0] }, /x of t\.json has no values/],
    [
      'sizes far beyond the file',
      { x: [Array(9e3).fill(0), ...Array(9e3).fill(0)], y: [0] },
      /at \[1\] is 0, expected 9000 values/,
    ],
    ['a thousand brackets', '['.repeat(1000) + ']'.repeat(1000), /has 1 column, expected at least one feature/],
    ['a thousand brackets in x', `{"x": ${'['.repeat(1000)}1${']'.repeat(1000)}, "y": [0]}`, /nested more than 8 deep/],
  ])('names %s', async (_, data, message) => {
    const error = await errorOf(() => read(data));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });
});
