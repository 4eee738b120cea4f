import { describe, expect, it } from 'vitest';

import type { NumericArray, RawArray, RawTarget } from '../../src/data/raw.js';
import { readTargets } from '../../src/data/target.js';
import { errorOf, fitOf, heldValues } from './helpers.js';

const raw = (shape: number[], values: number[] | NumericArray): RawArray => ({
  name: 'y',
  shape,
  dtype: 'float64',
  values: Float64Array.from(values),
});
const words = (...list: string[]): RawTarget => ({
  name: 'y',
  codes: Int32Array.from(list, (_, i) => i),
  words: list,
  places: list.map((_, i) => `line ${i + 1}`),
});
type Output = Parameters<typeof fitOf>[2];

describe('readTargets', () => {
  it.each<[string, RawArray, number[], Output, object]>([
    ['labels [N]', raw([3], [0, 2, 1]), [3], 'softmax', { kind: 'classes', classes: 3 }],
    ['labels [N, 1]', raw([3, 1], [0, 2, 1]), [3], 'softmax', { kind: 'classes', classes: 3 }],
    ['labels for logits', raw([3], [0, 2, 1]), [3], 'linear', { kind: 'classes', classes: 3 }],
    ['labels that leave classes out', raw([3], [0, 0, 1]), [5], 'softmax', { kind: 'classes', classes: 5 }],
    ['one-hot rows', raw([2, 3], [0, 1, 0, 1, 0, 0]), [3], 'softmax', { kind: 'onehot', classes: 3 }],
    ['one-hot rows for logits', raw([2, 3], [0, 1, 0, 1, 0, 0]), [3], 'linear', { kind: 'onehot', classes: 3 }],
    ['soft class shares', raw([2, 2], [0.9, 0.1, 0.5, 0.5]), [2], 'softmax', { kind: 'onehot', classes: 2 }],
    ['0/1 for one sigmoid', raw([3], [0, 1, 1]), [1], 'sigmoid', { kind: 'binary' }],
    ['0/1 rows for several sigmoids', raw([2, 3], [1, 1, 0, 0, 0, 0]), [3], 'sigmoid', { kind: 'binary' }],
    ['shares for a sigmoid', raw([3], [0.25, 1, 0]), [1], 'sigmoid', { kind: 'real' }],
    ['numbers for one linear unit', raw([3], [-1.5, 2, 7]), [1], 'linear', { kind: 'real' }],
    ['whole numbers for one linear unit', raw([3], [0, 1, 9]), [1], 'linear', { kind: 'real' }],
    ['rows of numbers', raw([2, 3], [0, 1, 0, 0, 2, 0]), [3], 'linear', { kind: 'real' }],
    ['images for an image output', raw([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), [2, 2, 1], 'linear', { kind: 'real' }],
    ['one-hot per step', raw([1, 2, 2], [1, 0, 0, 1]), [2, 2], 'softmax', { kind: 'onehot', classes: 2 }],
  ])('takes %s', async (_, target, output, activation, expected) => {
    const read = await readTargets([target], fitOf([4], output, activation));
    expect(read).toMatchObject(expected);
    const [array] = read.arrays;
    const classes = read.kind === 'classes';
    expect('values' in array && array.values).toBeInstanceOf(classes ? Int32Array : Float32Array);
    expect(array.shape).toEqual(classes ? [target.shape[0]] : [target.shape[0], ...output]);
    expect(heldValues(array)).toEqual([...target.values].map((value) => Math.fround(value)));
  });

  it.each<[string, RawTarget, number[], Output, RegExp, RegExp | undefined]>([
    [
      'a label too high',
      raw([3], [0, 10, 1]),
      [10],
      'softmax',
      /^y \(the target\) is 10 in example 1, expected a class from 0 to 9 for the model's 10 output units\.$/,
      undefined,
    ],
    [
      'labels that count from 1',
      raw([3], [1, 2, 3]),
      [3],
      'softmax',
      /is 3 in example 2, expected a class from 0 to 2/,
      /subtract 1/,
    ],
    ['a negative label', raw([3], [0, -1, 1]), [3], 'softmax', /is -1 in example 1/, undefined],
    ['numbers for classes', raw([3], [0, 0.5, 1]), [3], 'softmax', /is 0\.5 in example 1, expected a class/, undefined],
    [
      'NaN',
      raw([3], [0, Number.NaN, 1]),
      [3],
      'softmax',
      /^y at \[1\] is NaN, expected a finite float32 number/,
      undefined,
    ],
    ['infinity', raw([2, 2], [0, 0, 0, Infinity]), [2], 'linear', /^y at \[1, 1\] is Infinity/, undefined],
    [
      'rows of another width',
      raw([2, 3], [0, 1, 0, 1, 0, 0]),
      [10],
      'softmax',
      /shape \[N, 3\], expected \[N\] or the model's output shape \[N, 10\]/,
      undefined,
    ],
    [
      'rows for one unit',
      raw([2, 3], [0, 1, 0, 1, 0, 0]),
      [1],
      'sigmoid',
      /shape \[N, 3\], expected \[N\] or .*\[N, 1\]/,
      undefined,
    ],
    [
      'labels for one step per class',
      raw([2], [0, 1]),
      [5, 2],
      'softmax',
      /shape \[N\], expected \[N\] or the model's output shape \[N, 5, 2\]/,
      undefined,
    ],
    [
      '-1/1 for a sigmoid',
      raw([3], [-1, 1, 1]),
      [1],
      'sigmoid',
      /is -1 in example 0, expected 0 to 1 for the model's sigmoid output/,
      undefined,
    ],
    [
      'pixels for sigmoids',
      raw([2, 2], [0, 1, 255, 3]),
      [2],
      'sigmoid',
      /is 255 in example 1, expected 0 to 1/,
      undefined,
    ],
    [
      'rows that do not sum to 1',
      raw([2, 2], [0.5, 0.5, 1, 1]),
      [2],
      'softmax',
      /sums to 2 over the classes in row 1, expected 1/,
      undefined,
    ],
    [
      'three words for one unit',
      words('a', 'b', 'c'),
      [1],
      'sigmoid',
      /holds 3 classes \(a, b, c\), expected 2 for the model's output of 1 unit\./,
      /numbers instead of their names/,
    ],
  ])('refuses %s', async (_, target, output, activation, message, hint) => {
    const error = await errorOf(() => readTargets([target], fitOf([4], output, activation)));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').toMatch(
      hint ??
        /^(?:Drop such rows or fill the values in first\.|Name another target, or save it in one of these shapes\.)?$/,
    );
  });

  it.each<[string, number[], Output]>([
    ['classes', [3], 'softmax'],
    ['a sigmoid', [1], 'sigmoid'],
  ])('refuses one label throughout for %s: mostly another column is meant', async (_, output, activation) => {
    const error = await errorOf(() => readTargets([raw([3], [0, 0, 0])], fitOf([4], output, activation)));
    expect(error.message).toBe('y (the target) is 0 in every example, expected at least two classes.');
  });

  it('numbers the words of several files together', async () => {
    const read = await readTargets([words('b', 'c'), words('c', 'a')], fitOf([4], [3]));
    expect(read.labels).toEqual(['a', 'b', 'c']);
    expect(read.arrays.map(heldValues)).toEqual([
      [1, 2],
      [2, 0],
    ]);
    expect(read.notes).toEqual(['classes by name: 0 = a, 1 = b, 2 = c']);
  });

  it('refuses words in one file and numbers in another, and labels for several outputs', async () => {
    const mixed = await errorOf(() => readTargets([words('a', 'b'), raw([2], [0, 1])], fitOf([4], [2])));
    expect(mixed.message).toBe('y holds words where y holds numbers.');
    const several = await errorOf(() => readTargets([raw([2], [0, 1])], fitOf([4], [2], 'softmax', { outputs: 8 })));
    expect(several.message).toBe('The model has 8 outputs, and labels are taken for one output only.');
    expect(several.hint).toContain("'self'");
  });
});
