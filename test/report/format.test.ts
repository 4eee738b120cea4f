import { describe, expect, it } from 'vitest';

import {
  budgetText,
  bytes,
  compact,
  duration,
  integer,
  percent,
  plain,
  saving,
  signed,
  significant,
  twoDigits,
} from '../../src/report/format.js';

describe('twoDigits', () => {
  it.each([
    [649.4, 'nearest', '649'],
    [77.5, 'nearest', '78'],
    [9.96, 'nearest', '10'],
    [5.87, 'nearest', '5.9'],
    [0.996, 'nearest', '1.0'],
    [0.547, 'nearest', '0.55'],
    [0.004, 'nearest', '0'],
    [-0.004, 'nearest', '0'],
    [-0.106, 'nearest', '−0.11'],
    [0.8701, 'up', '0.88'],
    [0.87, 'up', '0.87'],
    [9.91, 'up', '10'],
    [99.2, 'up', '100'],
    [0.0001, 'up', '0.01'],
    [-0.129, 'up', '−0.12'],
    [62.99, 'down', '62'],
    [8.39, 'down', '8.3'],
    [0.999, 'down', '0.99'],
    [0.004, 'down', '0'],
  ] as const)('writes %d rounded %s as %s', (value, rounding, text) => {
    expect(twoDigits(value, rounding)).toBe(text);
  });

  it('never rounds a bound down nor a saving up, whatever the value', () => {
    for (let i = 0; i < 4000; i++) {
      const value = -200 + 0.1037 * i;
      // 1e-9 relative: the fuzz that keeps 0.29 * 100 at 29.
      const fuzz = 2e-9 * Math.max(1, Math.abs(value));
      expect(parse(twoDigits(value, 'up'))).toBeGreaterThanOrEqual(value - fuzz);
      expect(parse(twoDigits(value, 'down'))).toBeLessThanOrEqual(value + fuzz);
    }
  });

  it('takes 0.29 as 29 percent and not as 28', () => {
    expect(percent(0.29 * 100, 'down')).toBe('29\u00a0%');
    expect(saving(0.29)).toBe('−29\u00a0%');
  });
});

function parse(text: string): number {
  return Number(text.replace('−', '-'));
}

it.each([
  [0.3093123, 4, '0.3093'],
  [12.3456, 4, '12.35'],
  [123456, 4, '123456'],
  [0.000012, 2, '0.000012'],
  [0.0000012, 2, '1.2e−6'],
  [-0.0123, 2, '−0.012'],
  [0, 4, '0'],
] as const)('writes %d with %d significant digits as %s', (value, digits, text) => {
  expect(significant(value, digits)).toBe(text);
});

it.each([
  [0, '0\u00a0%'],
  [0.0243, '−2.4\u00a0%'],
  [0.628, '−62\u00a0%'],
  [1, '−100\u00a0%'],
] as const)('writes a saving of %d as the change %s', (share, text) => {
  expect(saving(share)).toBe(text);
});

it('signs what is not 0', () => {
  expect(['0.55', '−0.1', '0', '0\u00a0%', '0.01\u00a0%'].map(signed)).toEqual([
    '+0.55',
    '−0.1',
    '0',
    '0\u00a0%',
    '+0.01\u00a0%',
  ]);
});

it('writes budgets, counts, sizes and durations as a person would', () => {
  expect([0.01, 0.005, 0.1].map(budgetText)).toEqual(['1\u00a0%', '0.5\u00a0%', '10\u00a0%']);
  expect([999, 3000, 39_000, 1_234_567].map(integer)).toEqual(['999', '3000', '39\u202f000', '1\u202f234\u202f567']);
  expect([500, 1000, 242_000, 1_500_000].map(compact)).toEqual(['500', '1\u00a0K', '242\u00a0K', '1.5\u00a0M']);
  expect([512, 974_848, 1_572_864].map(bytes)).toEqual(['512\u00a0B', '952\u00a0KiB', '1.5\u00a0MiB']);
  expect([4.25, 148.4, 3725].map(duration)).toEqual(['4.3\u00a0s', '148\u00a0s', '62\u00a0min 5\u00a0s']);
});

it('turns typographic signs into ASCII for a terminal', () => {
  expect(plain('−62\u00a0% of 39\u202f000')).toBe('-62 % of 39 000');
});
