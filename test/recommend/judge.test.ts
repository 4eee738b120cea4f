import { describe, expect, it } from 'vitest';

import { examplesNeeded, judgePoint, judgeReport } from '../../src/recommend/judge.js';

const rise = (delta: number, upper95: number) => ({ delta, upper95, deltaSe: (upper95 - delta) / 1.645 });

describe('judgePoint', () => {
  it.each([
    ['the bound inside', -1, 0.5, 'holds'],
    ['the bound at the budget', 0.5, 1, 'holds'],
    ['the mean inside, the bound beyond', 0.5, 1.001, 'not resolved'],
    ['the mean at the budget', 1, 1.5, 'not resolved'],
    ['the mean beyond', 1.001, 1.5, 'broken'],
    ['no number', Number.NaN, Number.NaN, 'broken'],
    ['an endless loss', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 'broken'],
  ])('%s: delta %d, upper95 %d of 1 is %s', (_, delta, upper95, verdict) => {
    expect(judgePoint({ delta, upper95 }, 1)).toBe(verdict);
  });
});

describe('judgeReport', () => {
  it.each([
    [-1, 1, 'confirms'],
    [0.9, 1.0001, 'does not contradict'],
    [1, 2, 'does not contradict'],
    [1.0001, 2, 'contradicts'],
    [Number.NaN, Number.NaN, 'does not contradict'],
  ])('low95 %d, upper95 %d of 1 %s', (low95, upper95, verdict) => {
    expect(judgeReport({ low95, upper95 }, 1)).toBe(verdict);
  });
});

describe('examplesNeeded', () => {
  it.each([
    // N (upper95 - delta)^2 / (allowed - delta)^2, by hand
    [rise(0.5, 1.5), 100, 400],
    [rise(0, 1.23), 100, 160],
    [rise(0, 3.33), 180, 2000],
    [rise(0, 10), 123, 13_000],
  ])('%j on %d rows wants %d', (measured, rows, wanted) => {
    expect(examplesNeeded(measured, 1, rows)).toBe(wanted);
  });

  it('says nothing where the plan holds, is broken, or where no number of rows would do', () => {
    expect(examplesNeeded(rise(0, 1), 1, 100)).toBeUndefined();
    expect(examplesNeeded(rise(1.1, 2), 1, 100)).toBeUndefined();
    expect(examplesNeeded(rise(1, 2), 1, 100)).toBeUndefined();
    expect(examplesNeeded(rise(0, Number.POSITIVE_INFINITY), 1, 100)).toBeUndefined();
  });

  it('brings the bound under the budget when that many rows are taken', () => {
    const measured = rise(0.3, 2);
    const rows = examplesNeeded(measured, 1, 777)!;
    expect(0.3 + (2 - 0.3) * Math.sqrt(777 / rows)).toBeLessThanOrEqual(1);
  });
});
