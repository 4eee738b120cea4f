import { checkedLearningRate } from './adam.js';
import { registerRepairs } from './repairs/index.js';
import type { AdamLike, StartedBackend } from './types.js';
import { createAdam, startWasm } from './wasm/index.js';

/**
 * The embedded default: compiled kernels, nothing to install.
 *
 * @param options.threads 1 or more; default all cores
 * @throws BackendError when the module does not start
 * @throws UsageError when the number of threads is none
 */
export async function startWasmBackend(options: { readonly threads?: number }): Promise<StartedBackend> {
  const wasm = await startWasm(options.threads === undefined ? {} : { threads: options.threads });
  return {
    info: wasm.info,
    notes: wasm.notes,
    repairs: registerRepairs('wasm'),
    dispose: () => wasm.dispose(),
    createAdam: createScheduledAdam,
  };
}

function createScheduledAdam(learningRate: number): AdamLike {
  const adam = createAdam({ learningRate: checkedLearningRate(learningRate) });
  return Object.assign(adam, {
    setLearningRate: (next: number) => {
      adam.learningRate = checkedLearningRate(next);
    },
  });
}
