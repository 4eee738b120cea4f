import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { checkRandomPlans } from './property.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('narrowModel on random models and plans', () => {
  it('computes what the masked model does, costs what planCost said, and leaves no tensor: 1500 plans', () => {
    const before = tf.memory().numTensors;
    const { plans, factored, folded } = checkRandomPlans(1500, 11);
    expect(tf.memory().numTensors).toBe(before);
    expect(plans).toBeGreaterThanOrEqual(1500);
    expect(factored).toBeGreaterThan(300);
    expect(folded).toBeGreaterThan(300);
  });
});
