import { describe, expect, it } from 'vitest';

import { constantSelfLoss } from '../../src/objective/constant.js';
import { activate, judge } from '../../src/objective/judge.js';
import { mean } from '../../src/objective/stats.js';
import type { Link, LossName, Objective } from '../../src/objective/types.js';
import { createRandom } from '../../src/random/index.js';

const ROWS = 40;
const UNITS = 3;
/** Logits are stored as float32. */
const ROUNDING = 1e-6;

function objectiveOf(loss: LossName, link: Link): Objective {
  return { loss, link, unit: '', metrics: [], self: true, notes: [] };
}

function logit(q: number): number {
  return Math.log(q / (1 - q));
}

/** Loss of one answer for all rows, as any model's outputs would be judged. */
function lossOf(objective: Objective, answer: readonly number[], reference: Float32Array): number {
  const score = { softmax: Math.log, sigmoid: logit, linear: (q: number) => q }[objective.link];
  const values = Float32Array.from({ length: ROWS * UNITS }, (_, i) => score(answer[i % UNITS]));
  const shared = { rows: ROWS, units: UNITS };
  return mean(judge(objective, { values, ...shared }, undefined, { values: reference, ...shared }).loss);
}

describe('constantSelfLoss', () => {
  it.each([
    ['kullbackLeibler', 'softmax'],
    ['kullbackLeibler', 'sigmoid'],
    ['meanSquaredError', 'linear'],
  ] as const)('of %s over %s is the loss of the mean answer, and no answer near it is better', (loss, link) => {
    const objective = objectiveOf(loss, link);
    const random = createRandom(5);
    const reference = Float32Array.from({ length: ROWS * UNITS }, () => 2 * random.normal());
    const numbers = activate(objective, { values: reference, rows: ROWS, units: UNITS });
    const made = constantSelfLoss(objective, numbers, UNITS);
    const answer = Array.from({ length: UNITS }, (_, u) => mean(numbers.filter((__, i) => i % UNITS === u)));
    expect(Math.abs(made - lossOf(objective, answer, reference))).toBeLessThan(ROUNDING);
    expect(made).toBeGreaterThan(0);
    for (const shift of [-0.02, 0.02]) {
      const other = answer.map((q, u) => (u === 0 ? q + shift : u === 1 ? q - shift : q));
      expect(lossOf(objective, other, reference)).toBeGreaterThan(made);
    }
  });
});
