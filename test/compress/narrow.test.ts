import { assert, integer, property } from 'fast-check';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { randomInputs } from '../graph/models.js';
import { randomArchitecture } from '../surgery/architectures.js';
import { carryOut, partsOf, randomPlan } from './plans.js';

/** Sums of the same float32 numbers in another order, through two kernels instead of one. */
const PARITY = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('narrowModel', () => {
  it('computes what the masked model does, costs what planCost said, and leaves no tensor: 300 random models and plans', () => {
    const tally = { plans: 0, factored: 0, folded: 0 };
    const before = tf.memory().numTensors;
    assert(
      property(integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const model = randomArchitecture(seed);
        const inputs = randomInputs(model, 2, seed);
        try {
          const graph = readGraph(model);
          const plan = randomPlan(graph, createRandom(seed + 1));
          const { error, said, found, factored } = carryOut(graph, plan, partsOf(graph, seed), inputs);
          if (!(error <= PARITY)) throw new Error(`masked and narrowed differ by ${error}: ${JSON.stringify(plan)}`);
          if (said !== found) throw new Error(`planCost says ${said}, found ${found}: ${JSON.stringify(plan)}`);
          tally.plans++;
          tally.factored += factored;
          tally.folded += plan.filter((choice) => choice.folded === true && choice.k < choice.n).length;
        } finally {
          tf.dispose(inputs);
          disposeModel(model);
        }
      }),
      { numRuns: 300, seed: 7, endOnFailure: true },
    );
    expect(tf.memory().numTensors).toBe(before);
    expect(tally.plans).toBeGreaterThanOrEqual(300);
    expect(tally.factored).toBeGreaterThan(50);
    expect(tally.folded).toBeGreaterThan(50);
  });
});
