import * as tf from '@tensorflow/tfjs';
import { BackendWasm, setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

import { BackendError, UsageError } from '../../errors.js';
import type { BackendInfo } from '../../records/types.js';
import { coreCount, startModule } from './host.js';
import { installKernels } from './kernels/index.js';
import { compileKernels } from './kernels/module.js';
import { Session, setSession } from './kernels/session.js';
import { repairHeapFull } from './repairs/heap-full.js';
import { repairWasm } from './repairs/index.js';

export { gemm } from './kernels/host-gemm.js';
export type { GemmShape } from './kernels/host-gemm.js';
export { createAdam, createSgd } from './kernels/optimizers.js';
export type { AdamOptions, ScheduledOptimizer, SgdOptions } from './kernels/optimizers.js';

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
  const session = await startHeap();
  repairWasm();
  const notes = await startKernels(session, threads, options.relaxedSimd ?? true);
  const info = { name: 'wasm', device: 'cpu', variant: session.variant, threads: session.threads };
  return { info, notes, dispose: () => session.stop() };
}

/** The own kernels, on that many threads; what could not be had is said in notes. */
async function startKernels(session: Session, threads: number, relaxed: boolean): Promise<string[]> {
  const compiled = await compileKernels(relaxed);
  if (compiled === undefined) {
    return ['The own wasm kernels are not built, so the slower stock kernels run on one thread.'];
  }
  if (session.variant !== compiled.variant || session.threads !== threads) {
    const failure = await session.start(compiled, threads);
    setSession(session);
    installKernels();
    if (failure !== undefined) return [`Threads could not be started, so one is used: ${reasonOf(failure)}.`];
  }
  return [];
}

function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
}

let heap: Promise<Session> | undefined;

/** The backend on the shared heap, made once per process; afterwards it only becomes current again. */
async function startHeap(): Promise<Session> {
  heap ??= registerBackend();
  const session = await heap;
  if (!(await tf.setBackend('wasm'))) throw new BackendError('The wasm backend did not start.');
  return session;
}

async function registerBackend(): Promise<Session> {
  try {
    const module = await startModule();
    repairHeapFull(module);
    setThreadsCount(1);
    const backend = new BackendWasm(module as unknown as BackendWasm['wasm']);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', () => backend, 2);
    return new Session(backend, module);
  } catch (cause) {
    heap = undefined;
    throw new BackendError(`The wasm backend did not start: ${reasonOf(cause)}.`, { cause });
  }
}
