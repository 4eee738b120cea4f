import { describe, expect, it } from 'vitest';

import { recommend } from '../../src/recommend/recommend.js';
import { greedyAdditivePlan, uniformPlan } from './rivals.js';
import { chain, surface } from './surfaces.js';

const rivals = { uniformPlan, greedyAdditivePlan };

describe('recommend against the plans that people make today, under the same rule', () => {
  it.each(['uniformPlan', 'greedyAdditivePlan'] as const)('never costs more than %s, and mostly less', async (name) => {
    let [less, seeds] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const options = { seed, widths: [64, 48, 24], edges: chain(3), noise: 0.0005 };
      const { problem, truth } = surface(options);
      const plan = await rivals[name](problem, problem.candidates[0]);
      const { steer, bound } = truth(plan);
      expect(Math.max(steer.upper95, bound.upper95)).toBeLessThanOrEqual(problem.allowed);
      const { planned } = await recommend(problem);
      const { parameters } = problem.cost(plan);
      expect(planned.parameters).toBeLessThanOrEqual(parameters);
      seeds++;
      if (planned.parameters < parameters) less++;
    }
    expect(less).toBeGreaterThan(0.75 * seeds);
  });
});
