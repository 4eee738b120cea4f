import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { trainingLoss } from '../../src/objective/training.js';
import { createRandom } from '../../src/random/index.js';
import { AVAILABLE } from './available.js';

/** Float32 results of float64 or float32 sums of up to some hundred terms around 1. */
const TOLERANCE = 2e-6;
const objective = inferObjective({ target: 'classes', activation: 'softmax', units: 3 });

for (const { backend, skip, title } of AVAILABLE) {
  describe.skipIf(skip)(`the training loss of softmax on ${title}`, () => {
    let started: StartedBackend;
    beforeAll(async () => {
      started = await startBackend({ backend });
    });
    afterAll(() => started.dispose());

    it.each([
      { shape: [1, 2], scale: 1 },
      { shape: [5, 7], scale: 30 },
      { shape: [3, 4, 11], scale: 3 },
      { shape: [513, 129], scale: 2 },
    ])('is the mean cross-entropy of float64, with its gradient, of scores $shape', ({ shape, scale }) => {
      const units = shape.at(-1)!;
      const random = createRandom(1);
      const scores = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => scale * random.normal());
      const targets = softTargets(scores.length / units, units);
      const expected = reference(scores, targets, units);
      const before = tf.memory().numTensors;
      const { value, grad } = tf.tidy(() => {
        const result = tf.valueAndGrad((x) =>
          tf.mul<tf.Scalar>(trainingLoss(objective, x, tf.tensor(targets, shape)), 3),
        )(tf.tensor(scores, shape));
        expect(result.grad.shape).toEqual(shape);
        return { value: result.value.dataSync()[0], grad: result.grad.dataSync() };
      });
      expect(Math.abs(value / 3 / expected.loss - 1)).toBeLessThan(TOLERANCE);
      const largest = Math.max(...expected.gradient.map(Math.abs));
      const worst = Math.max(...grad.map((got, i) => Math.abs(got / 3 - expected.gradient[i])));
      expect(worst / largest).toBeLessThan(TOLERANCE);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('is no number where a score is none', () => {
      const loss = tf.tidy(() => {
        const [scores, targets] = [tf.tensor2d([1, Number.NaN, 2], [1, 3]), tf.tensor2d([1, 0, 0], [1, 3])];
        return trainingLoss(objective, scores, targets).dataSync()[0];
      });
      expect(loss).toBeNaN();
    });
  });
}

/** Rows that sum to 1; one in three is a single class. */
function softTargets(rows: number, units: number): Float32Array {
  const targets = new Float32Array(rows * units);
  for (let row = 0; row < rows; row++) {
    targets[row * units + (row % units)] += row % 3 === 0 ? 1 : 0.75;
    if (row % 3 !== 0) targets[row * units + ((row + 1) % units)] += 0.25;
  }
  return targets;
}

function reference(scores: Float32Array, targets: Float32Array, units: number): { loss: number; gradient: number[] } {
  const rows = scores.length / units;
  let loss = 0;
  const gradient: number[] = [];
  for (let row = 0; row < rows; row++) {
    const x = Array.from(scores.subarray(row * units, (row + 1) * units));
    const best = Math.max(...x);
    const sum = x.reduce((total, value) => total + Math.exp(value - best), 0);
    for (const [i, value] of x.entries()) {
      const target = targets[row * units + i];
      loss += target * (Math.log(sum) + best - value);
      gradient.push((Math.exp(value - best) / sum - target) / rows);
    }
  }
  return { loss: loss / rows, gradient };
}
