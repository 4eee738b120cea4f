import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { feasibility, inspectGraph, readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function facts(): ReturnType<typeof inspectGraph> {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'a', units: 6, inputShape: [5] }),
      tf.layers.dense({ name: 'b', units: 4 }),
      tf.layers.dense({ name: 'c', units: 3 }),
    ],
  });
  const found = inspectGraph(readGraph(model));
  disposeModel(model);
  return found;
}

describe('inspectGraph', () => {
  it('says what a unit costs: its column, its bias and the row that reads it', () => {
    const { groups } = facts();
    expect(groups.map(({ name, perUnit }) => [name, perUnit])).toEqual([
      ['a', { parameters: 5 + 1 + 4, macs: 5 + 4, bytes: 40 }],
      ['b', { parameters: 6 + 1 + 3, macs: 6 + 3, bytes: 40 }],
    ]);
  });

  it('gives the smallest and the largest model, and each group alone at 1', () => {
    const { groups, smallest, largest, skipped } = facts();
    expect(largest.parameters).toBe(5 * 6 + 6 + 6 * 4 + 4 + 4 * 3 + 3);
    expect(smallest.parameters).toBe(5 + 1 + 1 + 1 + 3 + 3);
    expect(groups[0].smallest.parameters).toBe(5 + 1 + 4 + 4 + 4 * 3 + 3);
    expect(skipped.map(({ layer }) => layer)).toEqual(['c']);
  });
});

describe('feasibility', () => {
  const range = {
    smallest: { parameters: 1200, macs: 10, bytes: 10 },
    largest: { parameters: 56_000, macs: 20, bytes: 20 },
  };
  it.each([
    [1199, false, 'A budget of 1,199 parameters is below the smallest model (1,200); it cannot be met.'],
    [
      1200,
      true,
      'A budget of 1,200 parameters lies between the smallest model (1,200) and the model as it is (56,000).',
    ],
    [56_000, true, 'A budget of 56,000 parameters is met by the model as it is (56,000).'],
  ])('%d parameters: %s', (budget, feasible, sentence) => {
    expect(feasibility(range, 'parameters', budget)).toEqual({ feasible, sentence });
  });
});
