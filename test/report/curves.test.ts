import { describe, expect, it } from 'vitest';

import { examplesNeeded, viewCurve } from '../../src/report/curves.js';
import { lossScale, Z95 } from '../../src/report/scale.js';
import { curve, sweepRecord, type Rise } from './records.js';

/** In these tables se is chosen so that 1.645 se is a round number. */
const margin = (m: number): number => m / Z95;

function look(rises: readonly Rise[], budget = 0.01): ReturnType<typeof viewCurve> {
  const c = curve(rises);
  return viewCurve(c, lossScale(sweepRecord([{ name: 'a', curves: [c] }]), budget));
}

describe('the width needed alone', () => {
  it('is the smallest from which every wider one has its upper bound inside the budget', () => {
    const view = look([
      [0, 100, margin(1)],
      [1, 0.5, margin(0.2)],
      [2, 3, margin(0.2)],
      [3, 0.9, margin(0.05)],
      [4, 0],
    ]);
    expect(view.needs?.k).toBe(3);
  });

  it('counts the bound and not the measured rise', () => {
    const view = look([
      [0, 50],
      [1, 0.9, margin(0.2)],
      [2, 0.7, margin(0.2)],
      [3, 0],
    ]);
    expect(view.needs?.k).toBe(2);
  });

  it('holds where the bound equals the budget', () => {
    expect(
      look([
        [0, 50],
        [1, 0.5, margin(0.5)],
        [2, 0],
      ]).needs?.k,
    ).toBe(1);
  });

  it('can be 0', () => {
    expect(
      look([
        [0, 0.1],
        [1, 0],
      ]).needs?.k,
    ).toBe(0);
  });

  it('is null where not even full width holds', () => {
    const view = look([
      [0, 50],
      [1, 2],
      [2, 2, margin(0.1)],
    ]);
    expect(view.needs).toBeNull();
    expect(view.unresolved).toBeNull();
  });
});

describe('the range that is not resolved', () => {
  it('runs from the first width not shown to break to just below the one that holds', () => {
    const view = look([
      [0, 100, margin(1)],
      [8, 5, margin(1)],
      [10, 1.5, margin(0.6)],
      [12, 0.8, margin(0.4)],
      [16, 0.5, margin(0.4)],
      [20, 0],
    ]);
    expect(view.needs?.k).toBe(16);
    expect(view.unresolved).toEqual({ from: 10, to: 15 });
  });

  it('is null where the narrower neighbour is shown to break', () => {
    expect(
      look([
        [0, 100],
        [1, 5, margin(0.1)],
        [2, 0],
      ]).unresolved,
    ).toBeNull();
  });

  it('reaches to full width where that is open too', () => {
    const view = look([
      [0, 100],
      [4, 0.8, margin(1)],
      [8, 0.5, margin(2)],
    ]);
    expect(view.needs).toBeNull();
    expect(view.unresolved).toEqual({ from: 4, to: 8 });
  });

  it('starts behind the last width that breaks, even if a narrower one looked fine', () => {
    const view = look([
      [0, 100],
      [2, 0.9, margin(0.5)],
      [3, 4, margin(0.5)],
      [4, 1.1, margin(0.5)],
      [5, 0],
    ]);
    expect(view.unresolved).toEqual({ from: 4, to: 4 });
  });
});

describe('the lowest loss', () => {
  it('is better than the original for sure only when its upper bound is below 0', () => {
    expect(
      look([
        [0, 100],
        [2, -2, margin(1.9)],
        [4, 0],
      ]),
    ).toMatchObject({ lowest: { k: 2 }, better: true });
    expect(
      look([
        [0, 100],
        [2, -2, margin(2.1)],
        [4, 0],
      ]),
    ).toMatchObject({ lowest: { k: 2 }, better: false });
  });

  it('at full width is what retraining did, not narrowing', () => {
    expect(
      look([
        [0, 100],
        [2, -1],
        [4, -3],
      ]),
    ).toMatchObject({ lowest: { k: 4 }, better: false });
  });

  it('is the narrowest of equals', () => {
    expect(
      look([
        [0, 100],
        [2, 0],
        [3, 0],
        [4, 0],
      ]).lowest.k,
    ).toBe(2);
  });
});

describe('examples needed', () => {
  it.each([
    // N (1.645 se / (a - d))^2 = 2000 (1.16 / 0.26)^2 = 39 810, up to a thousand
    [0.74, 1.16, 2000, 40_000],
    // 100 (0.5 / 0.5)^2
    [0.5, 0.5, 100, 100],
    [0.5, 0.6, 100, 200],
  ])('to settle +%d %% with a margin of %d on %d examples: %d', (rise, m, n, expected) => {
    expect(examplesNeeded(at(rise, m), 1, n)).toBe(expected);
  });

  it('cannot be told when the rise is not inside the budget', () => {
    expect(examplesNeeded(at(1, 0.5), 1, 100)).toBeNull();
  });
});

function at(rise: number, m: number): Parameters<typeof examplesNeeded>[0] {
  const [p] = look([
    [0, rise, margin(m)],
    [1, 0],
  ]).points;
  if (p === undefined) throw new Error('no point');
  return p;
}
