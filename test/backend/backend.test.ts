import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { findPackage } from '../../src/backend/packages.js';
import { BackendError, UsageError } from '../../src/errors.js';

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

describe('createAdam', () => {
  // One float32 rounding per op and step at values around 1.
  const FLOAT_TOLERANCE = 1e-6;

  it.each(['cpu', 'wasm'] as const)(
    'takes the steps of the published formula on %s, at a moving rate',
    async (name) => {
      const backend = await start({ backend: name });
      const before = tf.memory().numTensors;
      const weight = tf.tidy(() => tf.variable(tf.tensor1d([1, -2, 0.5])));
      const adam = backend.createAdam(0.1);
      const expected = referenceAdam([1, -2, 0.5], [0.1, 0.1, 0.02, 0.02]);
      for (const rate of [0.1, 0.1, 0.02, 0.02]) {
        adam.setLearningRate(rate);
        adam.minimize(() => tf.sum(tf.square(tf.sub(weight, 3))), false, [weight]);
      }
      const values = await weight.data();
      for (const [index, value] of expected.entries()) {
        expect(Math.abs(values[index] - value)).toBeLessThan(FLOAT_TOLERANCE * 4);
      }
      adam.dispose();
      weight.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the learning rate %d', async (rate) => {
    const backend = await start({ backend: 'cpu' });
    expect(() => backend.createAdam(rate)).toThrow(UsageError);
    const adam = backend.createAdam(1);
    expect(() => adam.setLearningRate(rate)).toThrow(UsageError);
    adam.dispose();
  });
});

/** Kingma and Ba 2015, algorithm 1, in float64, on f(w) = sum (w - 3)^2. */
function referenceAdam(start: readonly number[], rates: readonly number[]): number[] {
  return start.map((initial) => {
    let [weight, first, second] = [initial, 0, 0];
    for (const [index, rate] of rates.entries()) {
      const gradient = 2 * (weight - 3);
      first = 0.9 * first + 0.1 * gradient;
      second = 0.999 * second + 0.001 * gradient * gradient;
      const step = index + 1;
      weight -= (rate * (first / (1 - 0.9 ** step))) / (Math.sqrt(second / (1 - 0.999 ** step)) + 1e-7);
    }
    return weight;
  });
}
