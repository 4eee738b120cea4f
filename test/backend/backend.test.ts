import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { findPackage } from '../../src/backend/packages.js';
import { BackendError, UsageError } from '../../src/errors.js';
import { AVAILABLE } from './available.js';

const started: StartedBackend[] = [];

async function start(options: Parameters<typeof startBackend>[0]): Promise<StartedBackend> {
  const backend = await startBackend(options);
  started.push(backend);
  return backend;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((backend) => backend.dispose()));
});

describe('startBackend', () => {
  it.each(['cpu', 'wasm'] as const)('makes %s the current backend and says what it is', async (name) => {
    const backend = await start({ backend: name });
    expect(backend.info).toMatchObject({ name, device: 'cpu' });
    expect(backend.info.threads).toBeGreaterThanOrEqual(1);
    expect(tf.getBackend()).toBe(name);
  });

  it.each(['gpu', 'toString', ''])('refuses the unknown name "%s" and lists those that there are', async (name) => {
    const refusal = startBackend({ backend: name as 'cpu' });
    await expect(refusal).rejects.toThrow(UsageError);
    await expect(refusal).rejects.toThrow('auto, tensorflow, webgpu, wasm, cpu');
  });

  it('takes a compiled backend in auto, not the slow reference', async () => {
    const backend = await start({ backend: 'auto' });
    expect(['tensorflow', 'webgpu', 'wasm']).toContain(backend.info.name);
    expect(tf.getBackend()).toBe(backend.info.name);
  });

  it.runIf(findPackage(['webgpu']) === undefined)('does not mention in auto what is simply not installed', async () => {
    const backend = await start({ backend: 'auto' });
    expect(backend.notes.join(' ')).not.toMatch(/webgpu/i);
  });

  it.runIf(findPackage(['webgpu']) === undefined)(
    'refuses webgpu by name where it is missing, with a cure',
    async () => {
      const refusal = await startBackend({ backend: 'webgpu' }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(BackendError);
      expect(refusal).toMatchObject({ exitCode: 4, hint: expect.stringContaining('npm install') });
    },
  );

  it.runIf(findPackage(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) === undefined)(
    'refuses tensorflow by name where it is missing, with a cure',
    async () => {
      const refusal = await startBackend({ backend: 'tensorflow' }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(BackendError);
      expect(refusal).toMatchObject({ exitCode: 4, hint: expect.stringContaining('npm install') });
    },
  );
});

for (const { backend, skip, title } of AVAILABLE) {
  describe.skipIf(skip)(`createAdam on ${title}`, () => {
    // One float32 rounding per op and step at values around 1.
    const FLOAT_TOLERANCE = 4e-6;
    const initial = [1, -2, 0.5];

    it('takes the steps of the published formula at a moving rate, also when somebody sets the weight', async () => {
      const { createAdam } = await start({ backend });
      const before = tf.memory().numTensors;
      const weight = tf.tidy(() => tf.variable(tf.tensor1d(initial)));
      const adam = createAdam(0.1);
      const steps = [{ rate: 0.1 }, { rate: 0.1 }, { rate: 0.02, shift: 0.5 }, { rate: 0.02 }];
      for (const { rate, shift } of steps) {
        adam.setLearningRate(rate);
        if (shift !== undefined) tf.tidy(() => weight.assign(tf.add(weight, shift)));
        adam.minimize(() => tf.sum(tf.square(tf.sub(weight, 3))), false, [weight]);
      }
      const values = await weight.data();
      for (const [index, value] of referenceAdam(initial, steps).entries()) {
        expect(Math.abs(values[index] - value)).toBeLessThan(FLOAT_TOLERANCE);
      }
      adam.dispose();
      weight.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it('keeps memory flat over 200 steps of a model', async () => {
      const { createAdam } = await start({ backend });
      const before = tf.memory().numTensors;
      const model = tf.sequential({
        layers: [
          tf.layers.dense({ units: 8, activation: 'relu', inputShape: [4] }),
          tf.layers.dense({ units: 3, activation: 'softmax' }),
        ],
      });
      const adam = createAdam(0.01);
      model.compile({ optimizer: adam, loss: 'categoricalCrossentropy' });
      const x = tf.randomNormal([16, 4], 0, 1, 'float32', 1);
      const y = tf.tidy(() =>
        tf.oneHot(
          tf.tensor1d(
            Array.from({ length: 16 }, (_, row) => row % 3),
            'int32',
          ),
          3,
        ),
      );
      const losses: number[] = [];
      const counts: number[] = [];
      for (let step = 0; step < 200; step++) {
        losses.push((await model.trainOnBatch(x, y)) as number);
        counts.push(tf.memory().numTensors + nativeTensors());
      }
      expect(losses.at(-1)).toBeLessThan(losses[0] * 0.7);
      expect(new Set(counts.slice(1)).size).toBe(1);
      tf.dispose([x, y]);
      model.dispose();
      adam.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the learning rate %d', async (rate) => {
      const { createAdam } = await start({ backend });
      expect(() => createAdam(rate)).toThrow(UsageError);
      const adam = createAdam(1);
      expect(() => adam.setLearningRate(rate)).toThrow(UsageError);
      adam.dispose();
    });
  });
}

/** Kingma and Ba 2015, algorithm 1, in float64, on f(w) = sum (w - 3)^2. */
function referenceAdam(start: readonly number[], steps: readonly { rate: number; shift?: number }[]): number[] {
  return start.map((initial) => {
    let [weight, first, second] = [initial, 0, 0];
    for (const [index, { rate, shift }] of steps.entries()) {
      weight += shift ?? 0;
      const gradient = 2 * (weight - 3);
      first = 0.9 * first + 0.1 * gradient;
      second = 0.999 * second + 0.001 * gradient * gradient;
      const step = index + 1;
      weight -= (rate * (first / (1 - 0.9 ** step))) / (Math.sqrt(second / (1 - 0.999 ** step)) + 1e-7);
    }
    return weight;
  });
}

/** TensorFlow's own count; 0 on the other backends. */
function nativeTensors(): number {
  const backend = tf.backend() as { getNumOfTFTensors?: () => number };
  return backend.getNumOfTFTensors?.() ?? 0;
}
