import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { allowedRise, nearZeroWarning, parseBudget } from '../../src/recommend/budget.js';

describe('parseBudget', () => {
  it.each([
    ['0.01', 'relative', 0.01],
    [0.01, 'relative', 0.01],
    [' 1% ', 'relative', 0.01],
    ['1.5 %', 'relative', 0.015],
    ['1e-3', 'relative', 0.001],
    ['.5', 'relative', 0.5],
    ['2', 'relative', 2],
    ['relative:0.02', 'relative', 0.02],
    ['abs:0.005', 'abs', 0.005],
    ['ABS:0.005', 'abs', 0.005],
    ['metric:0.005', 'metric', 0.005],
    ['explained:0.02', 'explained', 0.02],
    ['explained:2%', 'explained', 0.02],
  ])('reads %j as %s %d', (text, kind, value) => {
    const budget = parseBudget(text);
    expect(budget.kind).toBe(kind);
    expect(budget.value).toBeCloseTo(value, 12);
  });

  it.each([
    '',
    ' ',
    'abs:',
    'abs',
    '%',
    'one',
    '0',
    '0%',
    'abs:0',
    '-0.01',
    'abs:-1',
    'NaN',
    'Infinity',
    '1e999',
    '1e-999',
    '0x10',
    '1,5',
    '0.01 0.02',
    'loss:0.1',
    'abs:abs:1',
    '1%%',
    'abs:1%',
    'metric:1%',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0,
    -1,
  ])('refuses %j and says what it expects', (text) => {
    expect(() => parseBudget(text)).toThrow(UsageError);
    expect(() => parseBudget(text)).toThrow(/budget/iu);
  });
});

describe('allowedRise', () => {
  it.each([
    ['0.01', { originalLoss: 0.3 }, 0.003],
    ['abs:0.005', { originalLoss: -4 }, 0.005],
    ['metric:0.005', { originalLoss: 0 }, 0.005],
    ['explained:0.02', { originalLoss: 0.3, constantLoss: 2.3 }, 0.04],
    ['explained:0.02', { originalLoss: -1, constantLoss: 1 }, 0.04],
  ])('%s of %j is %d', (text, base, allowed) => {
    expect(allowedRise(parseBudget(text), base)).toBeCloseTo(allowed, 12);
  });

  it.each([
    ['a relative budget of a loss of 0', '0.01', { originalLoss: 0 }],
    ['a relative budget of a loss below 0', '0.01', { originalLoss: -2 }],
    ['a relative budget of no loss at all', '0.01', { originalLoss: Number.NaN }],
    ['an explained budget without the constant answer', 'explained:0.01', { originalLoss: 1 }],
    [
      'an explained budget where the constant answer does as well',
      'explained:0.01',
      { originalLoss: 1, constantLoss: 1 },
    ],
    [
      'an explained budget where the constant answer does better',
      'explained:0.01',
      { originalLoss: 1, constantLoss: 0.5 },
    ],
  ])('refuses %s and offers another kind', (_, text, base) => {
    let error: unknown;
    try {
      allowedRise(parseBudget(text), base);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(error instanceof UsageError ? error.hint : '').toMatch(/abs:0.005/u);
  });
});

describe('nearZeroWarning', () => {
  it('offers the explained budget where the original explains nearly all', () => {
    expect(nearZeroWarning(parseBudget('0.01'), { originalLoss: 0.01, constantLoss: 0.51 })).toContain(
      'explained:0.01',
    );
    expect(nearZeroWarning(parseBudget('2%'), { originalLoss: 0, constantLoss: 0.1 })).toContain('explained:0.02');
  });

  it.each([
    ['the original is far from perfect', '0.01', { originalLoss: 0.1, constantLoss: 5 }],
    ['the budget is not relative', 'abs:0.01', { originalLoss: 0.001, constantLoss: 5 }],
    ['the constant answer is not known', '0.01', { originalLoss: 0.001 }],
  ])('is silent where %s', (_, text, base) => {
    expect(nearZeroWarning(parseBudget(text), base)).toBeUndefined();
  });
});
