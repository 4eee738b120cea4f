import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { GRADIENT_CASES } from '../../src/backend/doctor/gradient-cases.js';
import { gradientError } from '../../src/backend/doctor/gradient-check.js';
import { startBackend } from '../../src/backend/index.js';
import { SOFTWARE_VARIANT } from '../../src/backend/webgpu/index.js';
import { BackendError } from '../../src/errors.js';
import { LAYER_CASES } from './layers/cases.js';
import { measure } from './layers/measure.js';

/** A software adapter needs a second per case: a few, on tiny sizes. */
const GRADIENTS = ['matMul, transposed', "conv2d, 'same'", "avgPool, 'same' at the border", 'maxPool, negative inputs'];
const LAYERS = ['Dense, relu', "Conv2D, 'same', stride 2", 'BatchNormalization', 'Embedding with mask, LSTM'];

const GRADIENT_TOLERANCE = 1e-2;
const OUTPUT_TOLERANCE = 1e-5;
const WEIGHT_TOLERANCE = 1e-4;

const reason = await startBackend({ backend: 'webgpu' }).then(
  () => undefined,
  (error: Error) => error.message,
);

describe.skipIf(reason !== undefined)(`webgpu${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    await startBackend({ backend: 'webgpu' });
    // else tfjs computes tensors of this size on the CPU, and nothing here would see the device
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  });

  it('says which adapter computes, and that a software one is slow', async () => {
    const { info, notes } = await startBackend({ backend: 'webgpu' });
    expect(info).toMatchObject({ name: 'webgpu', device: expect.stringMatching(/\w/) });
    expect(notes.length).toBe(info.variant === SOFTWARE_VARIANT ? 1 : 0);
    expect(tf.getBackend()).toBe('webgpu');
  });

  it('transposes whole numbers and booleans of rank 3', async () => {
    const values = Array.from({ length: 12 }, (_, index) => index);
    const transposed = tf.tidy(() => tf.transpose(tf.tensor3d(values, [2, 3, 2], 'int32'), [1, 0, 2]));
    expect([...(await transposed.data())]).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
    const mask = tf.tidy(() => tf.transpose(tf.tensor3d([1, 0, 0, 1, 1, 0], [1, 3, 2], 'bool'), [1, 0, 2]));
    expect(mask.dtype).toBe('bool');
    expect([...(await mask.data())]).toEqual([1, 0, 0, 1, 1, 0]);
    tf.dispose([transposed, mask]);
  });

  it.each(GRADIENT_CASES.filter(({ name }) => GRADIENTS.includes(name)))(
    'has right gradients of $name',
    async (gradientCase) => {
      expect(await gradientError(gradientCase, { seed: 1, sampled: 6 })).toBeLessThan(GRADIENT_TOLERANCE);
    },
  );

  it.each(LAYER_CASES.filter(({ name }) => LAYERS.includes(name)))('trains $name as cpu does', async (layerCase) => {
    await startBackend({ backend: 'cpu' });
    const expected = await measure(layerCase, 1);
    await startBackend({ backend: 'webgpu' });
    const actual = await measure(layerCase, 2);
    expect(actual.gradientError).toBeLessThan(GRADIENT_TOLERANCE);
    expect(largestDifference(actual.output, expected.output)).toBeLessThan(OUTPUT_TOLERANCE);
    for (const [index, values] of expected.weights.entries()) {
      expect(largestDifference(actual.weights[index], values)).toBeLessThan(WEIGHT_TOLERANCE);
    }
    expect(actual.leaked).toBe(0);
  });

  // last, because no result can be read afterwards
  it('refuses to hand out results after a shader that does not compile', async () => {
    const backend = tf.backend() as unknown as { device: GpuDevice };
    const module = backend.device.createShaderModule({ code: 'this is no shader' });
    backend.device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    await backend.device.queue.onSubmittedWorkDone();
    const sum = tf.tidy(() => tf.add(tf.tensor1d([1, 2]), 1));
    await expect(sum.data()).rejects.toThrow(BackendError);
    sum.dispose();
  });
});

interface GpuDevice {
  createShaderModule(descriptor: { code: string }): object;
  createComputePipeline(descriptor: object): object;
  readonly queue: { onSubmittedWorkDone(): Promise<void> };
}

function largestDifference(actual: Float32Array, expected: Float32Array): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...actual.map((value, index) => Math.abs(value - expected[index]))) / scale;
}
