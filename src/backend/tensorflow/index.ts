import { availableParallelism } from 'node:os';

import * as tf from '@tensorflow/tfjs';

import { BackendError } from '../../errors.js';
import { assertOneTfjs, findPackage, PackageMissingError } from '../packages.js';
import type { FoundPackage } from '../packages.js';
import { registerRepairs } from '../repairs/index.js';
import type { StartedBackend } from '../types.js';
import { createFusedAdam } from './adam.js';
import { tensorFlowBackend } from './binding.js';
import { prepareEnvironment } from './environment.js';
import { registerFusedLayers } from './fused-layers.js';
import { registerFusedGradients } from './gradients.js';
import { registerSelectOrZero } from './select-or-zero.js';
import { registerSoftmaxLoss } from './softmax-loss.js';

export const TENSORFLOW_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/**
 * TensorFlow's own kernels through `@tensorflow/tfjs-node-gpu`, else `@tensorflow/tfjs-node`.
 *
 * @throws PackageMissingError when neither is installed
 * @throws BackendError when one is there and does not load, or brings a second copy of tfjs
 */
export async function startTensorFlow(): Promise<StartedBackend> {
  const found = findPackage(TENSORFLOW_PACKAGES);
  if (found === undefined) {
    throw new PackageMissingError(`Neither ${TENSORFLOW_PACKAGES.join(' nor ')} is installed.`, {
      hint: `npm install ${TENSORFLOW_PACKAGES[0]}@4.22.0 (it downloads libtensorflow), or use the wasm backend.`,
    });
  }
  assertOneTfjs(found);
  prepareEnvironment();
  load(found);
  if (!(await tf.setBackend('tensorflow'))) {
    throw new BackendError(`${found.name} loads, but its backend does not start.`, { hint: REINSTALL });
  }
  const device = tensorFlowBackend().isUsingGpuDevice ? 'gpu' : 'cpu';
  registerOnce();
  return {
    info: {
      name: 'tensorflow',
      device,
      variant: found.name.replace('@tensorflow/', ''),
      threads: availableParallelism(),
    },
    notes: device === 'cpu' && found.name.endsWith('-gpu') ? [NO_GPU] : [],
    repairs: registerRepairs('tensorflow'),
    dispose: () => Promise.resolve(),
    createAdam: createFusedAdam,
  };
}

let registered = false;

function registerOnce(): void {
  if (registered) return;
  registered = true;
  registerFusedGradients();
  registerFusedLayers();
  registerSelectOrZero();
  registerSoftmaxLoss();
}

const REINSTALL = 'Install it again (its install script downloads libtensorflow), or use the wasm backend.';
const NO_GPU = 'TensorFlow found no usable GPU (it needs CUDA 11.2 and cuDNN 8.1) and computes on the CPU.';

function load(found: FoundPackage): void {
  try {
    found.require(found.file);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new BackendError(`${found.name} is installed but does not load: ${reason}`, {
      cause: error,
      hint: REINSTALL,
    });
  }
}
