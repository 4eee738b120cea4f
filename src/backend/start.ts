import { BackendError, UsageError } from '../errors.js';
import { startCpu } from './cpu.js';
import { PackageMissingError } from './packages.js';
import { startTensorFlow } from './tensorflow/index.js';
import { BACKEND_NAMES } from './types.js';
import type { BackendName, BackendOptions, StartedBackend } from './types.js';
import { startWasmBackend } from './wasm.js';
import { startWebGpu } from './webgpu/index.js';

/**
 * Makes a backend tfjs' current one, with the faults of tfjs 4.22 mended that training would meet.
 *
 * `auto` tries tensorflow, webgpu (a real GPU only), wasm and cpu, and takes the first that loads; a package that is
 * there and does not load leaves a note. One backend at a time: dispose it before starting another.
 *
 * @throws UsageError when the name is none of these
 * @throws BackendError (exit 4) when a backend that was named does not load: why, and what to do
 */
export async function startBackend(options: BackendOptions): Promise<StartedBackend> {
  const { backend } = options;
  if (backend !== 'auto') {
    if (!Object.hasOwn(STARTERS, backend)) {
      throw new UsageError(`The backend must be auto, ${BACKEND_NAMES.join(', ')}; received ${backend as string}.`);
    }
    return STARTERS[backend](options);
  }
  const notes: string[] = [];
  for (const name of BACKEND_NAMES) {
    try {
      const started = await STARTERS[name](options);
      return { ...started, notes: [...notes, ...started.notes] };
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      if (!(error instanceof PackageMissingError)) notes.push(`${name} was passed over: ${error.message}`);
    }
  }
  throw new BackendError('No TensorFlow.js backend loads here.', { hint: 'Install the package again with npm.' });
}

const STARTERS: Readonly<Record<BackendName, (options: BackendOptions) => Promise<StartedBackend>>> = {
  tensorflow: () => startTensorFlow(),
  webgpu: (options) => startWebGpu({ allowSoftware: options.backend === 'webgpu' }),
  wasm: (options) => startWasmBackend(options),
  cpu: () => startCpu(),
};
