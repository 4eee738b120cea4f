import { describe, expect, it } from 'vitest';

import { lossScale, positionOf, riseAxis, riseText, roundTicks, widthTicks } from '../../src/report/scale.js';
import { curve, sweepRecord } from './records.js';

const groups = [
  {
    name: 'a',
    curves: [
      curve([
        [0, 300, 5],
        [4, 2, 0.5],
        [8, 0],
      ]),
    ],
  },
];
const relative = lossScale(sweepRecord(groups), 0.01);
const with0 = (loss: number, se = 0): ReturnType<typeof lossScale> =>
  lossScale(sweepRecord(groups, { original: { loss, se, metrics: {} } }), 0.01);

describe('the scale of losses', () => {
  it("is in % of the original's loss", () => {
    expect(relative).toMatchObject({ kind: 'relative', budget: 1, factor: 200 });
    expect(riseText(relative, 0.547)).toBe('+0.55\u00a0%');
    expect(riseText(relative, 0.871, 'up')).toBe('+0.88\u00a0%');
    expect(riseText(relative, 0)).toBe('0\u00a0%');
  });

  it.each([
    ['negative', -0.2, 0],
    ['is 0', 0, 0],
    ['almost 0', 1e-6, 0],
    ['almost 0', 0.01, 0.02],
  ])('is in the unit of a loss that is %s (%d ± %d), and says so', (word, loss, se) => {
    const scale = with0(loss, se);
    expect(scale).toMatchObject({ kind: 'absolute', budget: null, budgetText: null, factor: 1 });
    expect(scale.why).toContain(word);
    expect(riseText(scale, 0.01234)).toBe('+0.012\u00a0nats');
  });

  it('lets no markup through a unit', () => {
    const scale = lossScale(sweepRecord(groups, { loss: { name: 'x', unit: '<img src=x>|`' } }), 0.01);
    expect(scale.unit).not.toMatch(/[<>|`"']/u);
    expect(lossScale(sweepRecord(groups, { loss: { name: 'x', unit: '<>' } }), 0.01).unit).toBe('units of loss');
  });
});

describe('the axis of rises', () => {
  it('has ticks at 0, the budget and its tenfolds', () => {
    expect(riseAxis(relative, [-0.1], [640]).ticks.map((t) => t.label)).toEqual([
      '0',
      '+1\u00a0%',
      '+10\u00a0%',
      '+100\u00a0%',
    ]);
  });

  it('mirrors the ticks where losses fall below the original', () => {
    const axis = riseAxis(relative, [-8], [50]);
    expect(axis.ticks.map((t) => t.label)).toEqual(['−1\u00a0%', '0', '+1\u00a0%', '+10\u00a0%']);
    expect(axis.domain[0]).toBeCloseTo(-8.8, 10);
  });

  it('ends at 1000 % at most, and leaves room below 0', () => {
    expect(riseAxis(relative, [0], [1e6]).domain).toEqual([-0.35, 1000]);
  });

  it('goes by decades of the unit where a budget means nothing', () => {
    expect(riseAxis(with0(0), [-0.001], [2]).ticks.map((t) => t.label)).toEqual(['0', '+0.01', '+0.1', '+1']);
    expect(riseAxis(with0(0), [0], [2e-5]).ticks.map((t) => t.label)).toEqual(['0', '+10⁻⁷', '+10⁻⁶', '+10⁻⁵']);
  });

  it('has a domain even when nothing was ever measured to rise', () => {
    const { domain } = riseAxis(with0(0), [0], [0]);
    expect(domain[1]).toBeGreaterThan(domain[0]);
  });

  it('places values monotonically from 0 at the bottom to 1 at the top and clamps beyond', () => {
    const axis = riseAxis(relative, [-2], [500]);
    const places = [-1e9, -2.2, -1, 0, 0.5, 1, 10, 100, 500, 1e9].map((y) => positionOf(axis, y));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBe(1);
  });
});

it.each([
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [8, [0, 2, 4, 6, 8]],
  [256, [0, 64, 128, 192, 256]],
  [30, [0, 10, 20, 30]],
  [7, [0, 2, 4, 7]],
  [33, [0, 10, 20, 33]],
])('ticks of a width of %d are whole and end at it: %j', (n, ticks) => {
  expect(widthTicks(n)).toEqual(ticks);
});

it.each([
  [42_058, 308_298, [50_000, 100_000, 150_000, 200_000, 250_000, 300_000]],
  [0, 1, [0, 0.5, 1]],
  [5, 5, []],
])('round ticks from %d to %d', (low, high, ticks) => {
  expect(roundTicks(low, high, low === 0 ? 2 : 6)).toEqual(ticks);
});
