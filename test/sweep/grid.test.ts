import { describe, expect, it } from 'vitest';

import { gridOf } from '../../src/sweep/grid.js';

describe('gridOf', () => {
  it.each([1, 2, 64])('measures every k from 0 to n = %i', (n) => {
    expect(gridOf(n)).toEqual(Array.from({ length: n + 1 }, (_, k) => k));
  });

  it.each([65, 512, 4096])('measures 0, n = %i and about 24 log-spaced k between', (n) => {
    const ks = gridOf(n);
    expect(ks[0]).toBe(0);
    expect(ks[1]).toBe(1);
    expect(ks.at(-1)).toBe(n);
    expect(ks.length).toBeGreaterThanOrEqual(18);
    expect(ks.length).toBeLessThanOrEqual(25);
    expect(ks.every((k, i) => i === 0 || k > ks[i - 1])).toBe(true);
  });

  it('is coarse from where it is told to be', () => {
    const told = { exact: false, grid: 24, denseUpTo: 16 };
    expect(gridOf(16, told)).toHaveLength(17);
    expect(gridOf(64, told)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 15, 18, 22, 26, 31, 37, 45, 53, 64]);
    expect(gridOf(64, { ...told, exact: true })).toHaveLength(65);
  });

  it('measures every k with exact, and refuses a grid of nothing', () => {
    expect(gridOf(100, { exact: true, grid: 24 })).toHaveLength(101);
    expect(() => gridOf(100, { exact: false, grid: 1 })).toThrow(/at least 2, got 1/);
  });
});
