import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { checkRandomPlans } from './property.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('narrowModel on random models and plans', () => {
  it('computes what the masked model does, costs what planCost said, and leaves no tensor: 100 plans', () => {
    const before = tf.memory().numTensors;
    const { plans, factored, folded } = checkRandomPlans(100, 7);
    expect(tf.memory().numTensors).toBe(before);
    expect(plans).toBeGreaterThanOrEqual(100);
    expect(factored).toBeGreaterThan(20);
    expect(folded).toBeGreaterThan(20);
  });
});
