import { assert, integer, property } from 'fast-check';
import * as tf from '@tensorflow/tfjs';

import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { randomInputs } from '../graph/models.js';
import { randomArchitecture } from '../surgery/architectures.js';
import { carryOut, partsOf, randomPlan } from './plans.js';

/** Sums of the same float32 numbers in another order, through two kernels instead of one. */
const PARITY = 1e-5;

export interface Tally {
  plans: number;
  /** Kernels that became two. */
  factored: number;
  /** Groups whose units that go were replaced by constants. */
  folded: number;
}

/** Carries out random plans on random models and throws fast-check's report at the first that is not what was masked, or costs something else. */
export function checkRandomPlans(runs: number, seed: number): Tally {
  const tally = { plans: 0, factored: 0, folded: 0 };
  assert(
    property(integer({ min: 0, max: 2 ** 31 }), (draw) => checkPlan(draw, tally)),
    { numRuns: runs, seed, endOnFailure: true },
  );
  return tally;
}

function checkPlan(seed: number, tally: Tally): void {
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
}
