import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { between, nonIncreasing, repairCurve } from '../../src/recommend/repair.js';

/** Weighted isotonic regression by its min-max formula: fit_i = min over a <= i of max over b >= i of mean(a..b), mirrored to fall. */
function oracle(values: readonly number[], weights: readonly number[]): number[] {
  const mean = (a: number, b: number): number => {
    let [sum, weight] = [0, 0];
    for (let i = a; i <= b; i++) [sum, weight] = [sum + weights[i] * values[i], weight + weights[i]];
    return sum / weight;
  };
  return values.map((_, i) => {
    let least = Number.POSITIVE_INFINITY;
    for (let a = 0; a <= i; a++) {
      let most = Number.NEGATIVE_INFINITY;
      for (let b = i; b < values.length; b++) most = Math.max(most, mean(a, b));
      least = Math.min(least, most);
    }
    return least;
  });
}

describe('nonIncreasing', () => {
  it('is the min-max formula of isotonic regression', () => {
    const point = fc.record({
      value: fc.double({ min: -5, max: 5, noNaN: true }),
      weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (points) => {
        const [values, weights] = [points.map(({ value }) => value), points.map(({ weight }) => weight)];
        const fitted = nonIncreasing(values, weights);
        // means of up to 12 doubles of weights 1e4 apart
        oracle(values, weights).forEach((expected, i) => expect(fitted[i]).toBeCloseTo(expected, 9));
      }),
      { seed: 1 },
    );
  });
});

describe('repairCurve', () => {
  it('pools what rises with k, takes off what is left at n, and clips at 0', () => {
    const points = [
      { k: 1, delta: 0.9, deltaSe: 0.1 },
      { k: 2, delta: 0.3, deltaSe: 0.1 },
      { k: 3, delta: 0.5, deltaSe: 0.1 },
      { k: 8, delta: 0.1, deltaSe: 0.1 },
    ];
    const { k, rise } = repairCurve(points);
    expect(k).toEqual([1, 2, 3, 8]);
    [0.8, 0.3, 0.3, 0].forEach((expected, i) => expect(rise[i]).toBeCloseTo(expected, 12));
  });

  it('believes the exact point at n: what lies below it counts as nothing', () => {
    const points = [
      { k: 1, delta: 0.5, deltaSe: 0.2 },
      { k: 2, delta: -0.1, deltaSe: 0.2 },
      { k: 4, delta: 0, deltaSe: 0 },
    ];
    const { rise } = repairCurve(points);
    expect(rise[0]).toBeCloseTo(0.5, 4);
    expect(rise[1]).toBe(0);
    expect(rise[2]).toBe(0);
  });

  it('leaves out points that are no numbers', () => {
    const points = [
      { k: 1, delta: Number.NaN, deltaSe: 0.1 },
      { k: 2, delta: Number.POSITIVE_INFINITY, deltaSe: 0.1 },
      { k: 3, delta: 0.2, deltaSe: Number.NaN },
      { k: 4, delta: 0.1, deltaSe: 0.1 },
      { k: 5, delta: 0, deltaSe: 0.1 },
    ];
    expect(repairCurve(points).k).toEqual([4, 5]);
    expect(repairCurve([]).k).toEqual([]);
  });
});

describe('between', () => {
  it.each([
    [1, 10],
    [2, 10],
    [3, 8],
    [5, 4],
    [6, 3],
    [9, 0],
    [12, 0],
  ])('at k = %d gives %d', (k, value) => {
    expect(between([2, 5, 9], [10, 4, 0], k)).toBeCloseTo(value, 12);
  });
});
