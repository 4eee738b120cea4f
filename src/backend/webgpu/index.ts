import * as tf from '@tensorflow/tfjs';

import { BackendError } from '../../errors.js';
import { createPlainAdam } from '../adam.js';
import { assertOneTfjs, findPackage, PackageMissingError } from '../packages.js';
import { registerRepairs } from '../repairs/index.js';
import type { StartedBackend } from '../types.js';
import { openAdapter } from './adapter.js';
import { abortOnShaderErrors } from './watch.js';

/** `info.variant` on an adapter that computes on the CPU; `auto` does not take it. */
export const SOFTWARE_VARIANT = 'dawn-software';

const BACKEND_PACKAGE = '@tensorflow/tfjs-backend-webgpu';

export interface WebGpuOptions {
  /** A software adapter is some 60 times slower than wasm: taken only by someone who names the backend. */
  readonly allowSoftware: boolean;
}

/**
 * tfjs' WebGPU kernels on Dawn (the packages `webgpu` and `@tensorflow/tfjs-backend-webgpu`).
 *
 * @throws PackageMissingError when one of the two is not installed
 * @throws BackendError when there is no adapter, only a software one that is not wanted, or the backend does not start
 */
export async function startWebGpu(options: WebGpuOptions): Promise<StartedBackend> {
  const dawn = findPackage(['webgpu']);
  const backend = findPackage([BACKEND_PACKAGE]);
  if (dawn === undefined || backend === undefined) {
    throw new PackageMissingError(`The packages webgpu and ${BACKEND_PACKAGE} are not both installed.`, {
      hint: `npm install webgpu ${BACKEND_PACKAGE}@4.22.0, or use the wasm backend.`,
    });
  }
  assertOneTfjs(backend);
  const adapter = await openAdapter(dawn);
  if (adapter.software && !options.allowSoftware) {
    throw new BackendError(`WebGPU has only a software adapter here (${adapter.name}), slower than wasm.`, {
      hint: 'Name the webgpu backend to use it all the same.',
    });
  }
  backend.require(backend.file);
  if (!(await tf.setBackend('webgpu'))) {
    throw new BackendError(`The WebGPU backend does not start on ${adapter.name}.`, {
      hint: 'Look at the driver, or use the wasm backend.',
    });
  }
  abortOnShaderErrors();
  return {
    info: { name: 'webgpu', device: adapter.name, variant: adapter.software ? SOFTWARE_VARIANT : 'dawn', threads: 1 },
    notes: adapter.software ? ['This WebGPU adapter is software: some 60 times slower than wasm.'] : [],
    repairs: registerRepairs('webgpu'),
    dispose: () => Promise.resolve(),
    createAdam: createPlainAdam,
  };
}
