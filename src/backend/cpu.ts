import * as tf from '@tensorflow/tfjs';

import { KEEP_PREFIXES } from '../layers/index.js';
import type { KeepPrefixesAttributes } from '../layers/index.js';
import { createPlainAdam } from './adam.js';
import { keepPrefixesInto } from './keep-prefixes.js';
import { registerRepairs } from './repairs/index.js';
import { replaceKernel } from './repairs/kernels.js';
import type { StartedBackend } from './types.js';

/**
 * tfjs' plain JavaScript kernels, repaired: right everywhere, 20 to 60 times slower than wasm in convolutions.
 * The reference that the other backends are compared with.
 */
export async function startCpu(): Promise<StartedBackend> {
  await tf.setBackend('cpu');
  silenceGreeting();
  registerKeepPrefixes();
  const repairs = registerRepairs('cpu');
  return {
    info: { name: 'cpu', device: 'cpu', variant: 'plain', threads: 1 },
    notes: ['The cpu backend is plain JavaScript: a reference for checks, slow for training.'],
    repairs,
    dispose: () => Promise.resolve(),
    createAdam: createPlainAdam,
  };
}

/** On its first tensor the backend advertises tfjs-node on stderr; the choice of the backend is made and printed here. */
function silenceGreeting(): void {
  Object.assign(tf.backend(), { firstUse: false });
}

/** TailDropout's step without a mask. */
function registerKeepPrefixes(): void {
  replaceKernel('cpu', KEEP_PREFIXES, ({ inputs: { x }, attrs }) => {
    const y = new Float32Array(x.size);
    keepPrefixesInto(y, x.dataSync<'float32'>(), attrs as unknown as KeepPrefixesAttributes);
    return tf.tensor(y, x.shape, 'float32');
  });
}
