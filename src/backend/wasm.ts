import * as tf from '@tensorflow/tfjs';

import { BackendError } from '../errors.js';
import { createPlainAdam } from './adam.js';
import { registerRepairs } from './repairs/index.js';
import type { StartedBackend } from './types.js';

/**
 * The embedded default: compiled kernels, nothing to install.
 *
 * @throws BackendError when the module does not start
 */
export async function startWasmBackend(_options: { threads?: number }): Promise<StartedBackend> {
  await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend('wasm'))) {
    throw new BackendError('The wasm backend does not start.', { hint: 'Try --backend cpu, and npm ci again.' });
  }
  return {
    info: { name: 'wasm', device: 'cpu', variant: 'stock', threads: 1 },
    notes: [],
    repairs: registerRepairs('wasm'),
    dispose: () => Promise.resolve(),
    createAdam: createPlainAdam,
  };
}
