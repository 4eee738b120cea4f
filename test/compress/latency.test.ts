import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { latencyOf, measureLatency, measureLatencyTable, modelLatency } from '../../src/compress/index.js';
import { UsageError } from '../../src/errors.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import type { PlannedGroup } from '../../src/records/types.js';
import { sequential } from '../bases/models.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A clock that moves on by these, call by call of what is timed. */
function clock(steps: readonly number[]): { run: () => Promise<void>; now: () => number; runs: () => number } {
  let [time, runs] = [0, 0];
  const run = async (): Promise<void> => {
    time += steps[runs++ % steps.length];
  };
  return { run, now: () => time, runs: () => runs };
}

describe('measureLatency', () => {
  it.each([
    ['an odd number of runs', [9, 9, 1, 5, 30], 2, 3, 5],
    ['an even number', [100, 4, 1, 2, 50], 1, 4, 3],
    ['one run', [7], 0, 1, 7],
  ])('gives the median of %s, without the warmups', async (_, steps, warmups, runs, expected) => {
    const { run, now, runs: count } = clock(steps);
    expect(await measureLatency(run, now, { warmups, runs })).toBe(expected);
    expect(count()).toBe(warmups + runs);
  });

  it('refuses a median of nothing', async () => {
    await expect(
      measureLatency(
        async () => {},
        () => 0,
        { runs: 0 },
      ),
    ).rejects.toThrow(UsageError);
  });
});

const TABLE = {
  full: 10,
  smallest: 5,
  groups: [
    {
      name: 'a',
      points: [
        { k: 1, ms: 6 },
        { k: 4, ms: 7 },
        { k: 8, ms: 10 },
      ],
    },
    {
      name: 'b',
      points: [
        { k: 2, ms: 9 },
        { k: 4, ms: 10 },
      ],
    },
  ],
};
const unit = (name: string, n: number, k: number): PlannedGroup => ({ name, n, k, basis: 'tail', kind: 'unit' });

describe('latencyOf', () => {
  const cases: readonly (readonly [title: string, plan: PlannedGroup[], ms: number])[] = [
    ['nothing', [], 10],
    ['a measured width', [unit('a', 8, 4)], 7],
    ['a width between two, on their line', [unit('a', 8, 6)], 8.5],
    ['a width below all', [unit('b', 4, 1)], 9],
    ['two groups, the shares that they leave multiplied', [unit('a', 8, 4), unit('b', 4, 3)], 5 + (5 * 2 * 4.5) / 25],
    ['a group that was not timed', [unit('c', 8, 1)], 10],
    ['a rank, which saves nothing', [{ ...unit('a', 8, 1), kind: 'rank', layer: 'a' }], 10],
  ];
  it.each(cases)('predicts %s', (_, plan, ms) => expect(latencyOf(TABLE, plan)).toBeCloseTo(ms, 12));

  it('never predicts less than the smallest model takes, nor more than the full one', () => {
    const groups = TABLE.groups.map(({ name }) => ({
      name,
      points: [
        { k: 1, ms: 1 },
        { k: 8, ms: 30 },
      ],
    }));
    expect(latencyOf({ full: 10, smallest: 5, groups }, [unit('a', 8, 1), unit('b', 4, 1)])).toBe(5);
    expect(latencyOf({ full: 10, smallest: 5, groups }, [unit('a', 8, 8)])).toBe(10);
    expect(latencyOf({ full: 10, smallest: 12, groups }, [unit('a', 8, 1)])).toBe(10);
  });

  it('takes a width for no slower than a larger one', () => {
    const points = [
      { k: 1, ms: 9 },
      { k: 4, ms: 7 },
      { k: 8, ms: 10 },
    ];
    expect(latencyOf({ full: 10, smallest: 5, groups: [{ name: 'a', points }] }, [unit('a', 8, 1)])).toBe(7);
  });
});

describe('modelLatency', () => {
  it.each([
    ['a compiler that wakes up late', (run: number) => (run < 9 ? 10 : 1), 1],
    ['a model that only gets slower', (run: number) => 1 + run, 18.5],
    ['a large model, once', (run: number) => 100 - run, 95],
  ] as const)('is timed until it gets no faster: %s', async (_, duration, expected) => {
    const model = sequential(tf.layers.dense({ units: 2, inputShape: [3] }));
    let [calls, time] = [0, 0];
    // the clock is read before and after each run that counts: three, then blocks of six or more
    const now = (): number => {
      if (calls++ % 2 === 1) time += duration((calls - 2) / 2);
      return time;
    };
    const found = await modelLatency(readGraph(model), now);
    expect(found).toBeCloseTo(expected, 9);
    disposeModel(model);
  });
});

describe('measureLatencyTable', () => {
  it('times each group at an eighth, a quarter, half and all of its width, and leaves no tensor', async () => {
    const model = sequential(
      tf.layers.dense({ name: 'a', units: 16, activation: 'relu', inputShape: [3] }),
      tf.layers.dense({ name: 'b', units: 3 }),
      tf.layers.dense({ name: 'c', units: 2 }),
    );
    const before = tf.memory().numTensors;
    let ticks = 0;
    const seen: string[] = [];
    const table = await measureLatencyTable(readGraph(model), {
      now: () => ticks++,
      warmups: 0,
      runs: 1,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(table).toEqual({
      batch: 1,
      full: 1,
      smallest: 1,
      groups: [
        { name: 'a', points: [2, 4, 8, 16].map((k) => ({ k, ms: 1 })) },
        { name: 'b', points: [1, 2, 3].map((k) => ({ k, ms: 1 })) },
      ],
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => `${done}/7`));
    expect(tf.memory().numTensors).toBe(before);
    disposeModel(model);
  });
});
