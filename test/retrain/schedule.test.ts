import { describe, expect, it } from 'vitest';

import { cosineRate, DRAWS_PER_UNIT, MAX_EPOCHS, MIN_STEPS, schedule } from '../../src/retrain/schedule.js';

describe('schedule', () => {
  it('draws below full width about 50 times a unit of the widest group', () => {
    const plan = schedule({ examples: 5400, batchSize: 128, widest: 4096, truncated: 0.37 });
    expect(plan.truncatedDraws).toBeGreaterThanOrEqual(DRAWS_PER_UNIT * 4096);
    expect(plan.truncatedDraws - 0.37 * 5400).toBeLessThan(DRAWS_PER_UNIT * 4096);
  });

  it('takes no fewer steps than it needs to move the weights, however few the rows', () => {
    const plan = schedule({ examples: 970, batchSize: 128, widest: 8, truncated: 0.37 });
    expect(plan.epochs * plan.stepsPerEpoch).toBeGreaterThanOrEqual(MIN_STEPS);
  });

  it('stops at a most, and does what it is told', () => {
    expect(schedule({ examples: 10, batchSize: 128, widest: 512, truncated: 0.01 }).epochs).toBe(MAX_EPOCHS);
    expect(schedule({ examples: 970, batchSize: 128, widest: 8, truncated: 0.37, epochs: 3 }).epochs).toBe(3);
  });

  it('needs no draws where nothing is ever cut (p = 0)', () => {
    expect(schedule({ examples: 1e6, batchSize: 100, widest: 8, truncated: 0 }).epochs).toBe(1);
  });
});

describe('cosineRate', () => {
  it('falls from the base to a hundredth of it, through the middle half way', () => {
    expect(cosineRate(1, 0, 101)).toBe(1);
    expect(cosineRate(1, 50, 101)).toBeCloseTo(0.505, 12);
    expect(cosineRate(1, 100, 101)).toBeCloseTo(0.01, 12);
    expect(cosineRate(0.5, 0, 1)).toBe(0.5);
  });
});
