import { describe, expect, it } from 'vitest';

import { sampleTargets } from '../../src/bases/sampling.js';
import type { Link, LossName, Objective } from '../../src/objective/types.js';
import { createRandom } from '../../src/random/index.js';

const DRAWS = 20_000;

function objective(loss: LossName, link: Link): Objective {
  return { loss, link, unit: 'nats', metrics: [], self: true, notes: [] };
}

function repeated(row: readonly number[]): { values: Float32Array; rows: number; units: number } {
  const values = Float32Array.from({ length: DRAWS * row.length }, (_, at) => row[at % row.length]);
  return { values, rows: DRAWS, units: row.length };
}

function means(drawn: Float32Array, units: number): number[] {
  return Array.from(
    { length: units },
    (_, u) => drawn.reduce((sum, value, at) => sum + (at % units === u ? value : 0), 0) / DRAWS,
  );
}

describe('sampleTargets', () => {
  it.each(['categoricalCrossentropy', 'kullbackLeibler'] as const)(
    'draws one class a row as often as the softmax says: %s',
    (loss) => {
      const logits = [0.5, -1, 2, 0];
      const drawn = sampleTargets(objective(loss, 'softmax'), repeated(logits), createRandom(1));
      const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
      // four standard errors of a frequency
      means(drawn, 4).forEach((frequency, u) => {
        expect(Math.abs(frequency - Math.exp(logits[u]) / total)).toBeLessThan(2 / Math.sqrt(DRAWS));
      });
      expect(drawn.reduce((sum, value) => sum + value, 0)).toBe(DRAWS);
    },
  );

  it('draws 0 or 1 per unit as often as the sigmoid says', () => {
    const drawn = sampleTargets(objective('binaryCrossentropy', 'sigmoid'), repeated([-2, 0.5]), createRandom(2));
    means(drawn, 2).forEach((frequency, u) => {
      expect(Math.abs(frequency - 1 / (1 + Math.exp(-[-2, 0.5][u])))).toBeLessThan(2 / Math.sqrt(DRAWS));
    });
    expect(new Set(drawn)).toEqual(new Set([0, 1]));
  });

  it('moves real outputs by a normal number, or by one up or down', () => {
    const squared = sampleTargets(objective('meanSquaredError', 'linear'), repeated([3]), createRandom(3));
    expect(Math.abs(means(squared, 1)[0] - 3)).toBeLessThan(4 / Math.sqrt(DRAWS));
    expect(squared.reduce((sum, value) => sum + (value - 3) ** 2, 0) / DRAWS).toBeCloseTo(1, 1);
    const absolute = sampleTargets(objective('meanAbsoluteError', 'linear'), repeated([3]), createRandom(4));
    expect(new Set(absolute)).toEqual(new Set([2, 4]));
  });

  it('survives logits whose exponentials overflow', () => {
    const drawn = sampleTargets(
      objective('categoricalCrossentropy', 'softmax'),
      repeated([1e4, -1e4]),
      createRandom(5),
    );
    expect(means(drawn, 2)).toEqual([1, 0]);
  });
});
