import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { bruteForce } from './plan-brute-force.js';
import { testFolder } from './plan-cases.js';

/** What a plan may cost beside the cheapest that every combination offers. */
const MOST = 1.05;

const folder = testFolder();

describe('a plan', () => {
  it.each([
    { seed: 1, width: 6, budgets: [0.01, 0.03, 0.1, 0.3] },
    { seed: 2, width: 6, budgets: [0.01, 0.03, 0.1, 0.3] },
    { seed: 3, width: 6, budgets: [0.01, 0.03, 0.1, 0.3] },
    { seed: 4, width: 6, budgets: [0.01, 0.03, 0.1, 0.3] },
  ])(
    'costs at most a twentieth more than the cheapest of all 215 combinations that hold (seed $seed)',
    async ({ seed, width, budgets }) => {
      const compared = await bruteForce(seed, width, budgets, join(folder, `${seed}`));
      expect(compared.some(({ cheapest }) => cheapest !== undefined)).toBe(true);
      for (const { plan, cheapest } of compared) {
        expect(plan.verdict === 'holds').toBe(cheapest !== undefined);
        // where nothing narrower holds, any plan will do
        expect(plan.planned.parameters).toBeLessThanOrEqual(MOST * (cheapest ?? Number.POSITIVE_INFINITY));
      }
    },
  );
});
