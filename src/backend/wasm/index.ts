import * as tf from '@tensorflow/tfjs';
import { BackendWasm, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

import { BackendError, UsageError } from '../../errors.js';
import type { BackendInfo } from '../../records/types.js';
import { coreCount, startModule } from './host.js';
import { repairHeapFull } from './repairs/heap-full.js';
import { repairCpu, repairEverywhere, repairWasm } from './repairs/index.js';

export { repairCpu, repairEverywhere } from './repairs/index.js';

export interface WasmOptions {
  /** Threads that kernels use, at least 1; default: all cores. */
  readonly threads?: number;
  /** Whether relaxed SIMD (fused multiply-add) may be used where the engine has it; default: true. */
  readonly relaxedSimd?: boolean;
}

export interface WasmBackend {
  readonly info: BackendInfo;
  /** What a reader must know: one sentence each. */
  readonly notes: readonly string[];
  /** Ends the threads; the backend stays usable on one. */
  dispose(): Promise<void>;
}

/**
 * Starts the wasm backend of the one tfjs instance and makes it tfjs' current backend: mended kernels, shared heap.
 * May be called again, with other options too.
 * @throws UsageError for a thread count that is no positive integer
 * @throws BackendError where wasm does not start
 */
export async function startWasm(options: WasmOptions = {}): Promise<WasmBackend> {
  const threads = options.threads ?? coreCount();
  if (!Number.isInteger(threads) || threads < 1) {
    throw new UsageError(`The number of threads must be a positive integer, received ${threads}.`);
  }
  await startHeap();
  repairEverywhere();
  repairCpu();
  repairWasm();
  return { info: { name: 'wasm', device: 'cpu', variant: 'stock', threads: 1 }, notes: [], dispose: async () => {} };
}

let heap: Promise<void> | undefined;

/** The backend on the shared heap, made once per process; afterwards it only becomes current again. */
async function startHeap(): Promise<void> {
  heap ??= registerBackend();
  await heap;
  if (!(await tf.setBackend('wasm'))) throw new BackendError('The wasm backend did not start.');
}

async function registerBackend(): Promise<void> {
  try {
    const module = await startModule();
    repairHeapFull(module);
    setThreadsCount(1);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', () => new BackendWasm(module as unknown as BackendWasm['wasm']), 2);
  } catch (cause) {
    heap = undefined;
    throw new BackendError(
      `The wasm backend did not start: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
}
