import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { allocations } from '../../src/recommend/allocate.js';
import { costTables, tableCost, type CostTables } from '../../src/recommend/cost-tables.js';
import { forestOf } from '../../src/recommend/forest.js';
import { createPlanner } from '../../src/recommend/plan.js';
import { spaceOf, type Option } from '../../src/recommend/space.js';
import { combinations } from './brute-force.js';
import { chain, ring, surface, type SurfaceOptions } from './surfaces.js';

const FREE = { roundTo: 1, min: {}, pin: {} };

function tablesOf(options: SurfaceOptions): { tables: CostTables; costOf: (options: readonly Option[]) => number } {
  const { problem } = surface(options);
  const planner = createPlanner(problem);
  const space = spaceOf(problem.candidates[0], FREE);
  return { tables: costTables(planner, space), costOf: (plan) => planner.value(space, plan) };
}

/** The cheapest combination of options within a budget, every one tried. */
function cheapest(tables: CostTables, budget: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (const chosen of combinations(tables.options.map((options) => [...options.keys()]))) {
    const rise = chosen.reduce((sum, o, i) => sum + tables.options[i][o].rise, 0);
    if (rise <= budget) best = Math.min(best, tableCost(tables, chosen));
  }
  return best;
}

/** A tree that is no path: 0 in the middle, 1 to 3 around it. */
const star: [number, number][] = [
  [1, 0],
  [2, 0],
  [0, 3],
  [3, -1],
];

describe('costTables', () => {
  it.each([
    ['a chain', chain(4), 3],
    ['a ring', ring(4), 5],
    ['a star', star, 3],
    [
      'groups that share nothing',
      [
        [-1, 0],
        [-1, 1],
        [-1, 2],
        [-1, 3],
      ] as [number, number][],
      0,
    ],
  ])('finds who shares terms of the cost, and adds up to it everywhere: %s', (_, edges, couplings) => {
    const widths = [9, 40, 7, 100];
    const { tables, costOf } = tablesOf({ seed: 3, widths, edges, bases: ['tail', 'magnitude'], ranks: true });
    expect(tables.pairs.reduce((sum, { size }) => sum + size, 0) / 2).toBe(couplings);
    fc.assert(
      fc.property(fc.tuple(...tables.options.map(({ length }) => fc.nat(length - 1))), (chosen) => {
        const expected = costOf(chosen.map((o, i) => tables.options[i][o]));
        // sums of some dozen products
        expect(Math.abs(tableCost(tables, chosen) - expected)).toBeLessThan(1e-6 * expected);
      }),
      { seed: 2 },
    );
  });

  it('asks for the cost of a hundred groups some thousand times, not for every pair', () => {
    const groups = 100;
    let calls = 0;
    const { problem } = surface({ seed: 1, widths: Array.from({ length: groups }, () => 64), edges: chain(groups) });
    const counting = { ...problem, cost: (plan: Parameters<typeof problem.cost>[0]) => (calls++, problem.cost(plan)) };
    costTables(createPlanner(counting), spaceOf(problem.candidates[0], FREE));
    // 4,950 pairs of 33 x 33 options
    expect(calls).toBeLessThan(10_000);
  });
});

describe('allocations', () => {
  it.each([
    ['a chain', chain(3), [6, 5, 7]],
    ['a star', star, [5, 4, 6, 5]],
    ['a chain of one', chain(1), [30]],
    [
      'groups that share nothing',
      [
        [-1, 0],
        [-1, 1],
        [-1, 2],
      ] as [number, number][],
      [8, 6, 7],
    ],
  ])(
    'is the cheapest combination of %s, but for the rounding of rises to a 400th of the budget',
    (_, edges, widths) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(0.003, 0.01, 0.1), (seed, budget) => {
          const { tables } = tablesOf({ seed, widths, edges, ranks: seed % 2 === 0 });
          expect(forestOf(tables)).toBeDefined();
          const best = allocations(tables, budget).at(-1)!;
          expect(best.rise).toBeLessThanOrEqual(budget * (1 + 1e-12));
          expect(best.cost).toBeGreaterThanOrEqual(cheapest(tables, budget) * (1 - 1e-12));
          // every group may lose one step of the budget
          const rounded = cheapest(tables, budget * (1 - widths.length / 400));
          expect(best.cost).toBeLessThanOrEqual(rounded * (1 + 1e-12));
        }),
        { seed: 4, numRuns: 60 },
      );
    },
  );

  it('stays within a tenth of the cheapest on rings, on the whole within two percent', () => {
    const gaps: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const { tables } = tablesOf({ seed, widths: [6, 6, 6, 6], edges: ring(4) });
      expect(forestOf(tables)).toBeUndefined();
      const best = allocations(tables, 0.01).at(-1)!;
      expect(best.rise).toBeLessThanOrEqual(0.01);
      gaps.push(best.cost / cheapest(tables, 0.01) - 1);
    }
    expect(Math.max(...gaps)).toBeLessThan(0.1);
    expect(gaps.reduce((a, b) => a + b, 0) / gaps.length).toBeLessThan(0.02);
  });

  it('gives a ladder: ever cheaper, at ever larger rises', () => {
    for (const edges of [chain(3), ring(3)]) {
      const { tables } = tablesOf({ seed: 5, widths: [20, 30, 25], edges });
      const rungs = allocations(tables, 0.05);
      expect(rungs.length).toBeGreaterThan(2);
      for (let i = 1; i < rungs.length; i++) {
        expect(rungs[i].cost).toBeLessThan(rungs[i - 1].cost);
        expect(rungs[i].rise).toBeGreaterThan(rungs[i - 1].rise);
      }
    }
  });

  it('gives nothing for less than nothing, and what is free for nothing', () => {
    const { tables } = tablesOf({ seed: 5, widths: [6, 7], edges: chain(2) });
    expect(allocations(tables, -1e-9)).toEqual([]);
    expect(allocations(tables, Number.NaN)).toEqual([]);
    const free = allocations(tables, 0).at(-1)!;
    expect(free.rise).toBe(0);
    expect(free.cost).toBe(cheapest(tables, 0));
  });

  it('leaves out what is closed', () => {
    const { tables } = tablesOf({ seed: 6, widths: [12, 12], edges: chain(2) });
    const best = allocations(tables, 0.1, ({ group }, i) => i === 0 || group.k >= 10).at(-1)!;
    expect(best.options[0].group.k).toBeLessThan(12);
    expect(best.options[1].group.k).toBeGreaterThanOrEqual(10);
    expect(allocations(tables, 0.1, () => false)).toEqual([]);
  });
});
