import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach } from 'vitest';

/** Makes a backend the current one; wasm is loaded when it is asked for. */
export async function useBackend(name: 'cpu' | 'wasm'): Promise<void> {
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend(name);
  await tf.ready();
}

/** Fails each test of the file that leaves a tensor behind. */
export function failOnLeaks(): void {
  let before = 0;
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`The test left ${left} tensors behind.`);
  });
}
