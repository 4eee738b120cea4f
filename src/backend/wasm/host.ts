import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import { dirname, join } from 'node:path';

/** What only the machine can say: its cores, files of packages, and how Emscripten's module is started in Node. */

/** What is used of Emscripten's module; its own types need @types/emscripten. */
export interface WasmModule {
  readonly wasmMemory: WebAssembly.Memory;
  readonly HEAPU8: Uint8Array;
  cwrap(name: string, result: string | null, parameters: readonly string[]): (...args: number[]) => number;
  /** Address, as a signed 32-bit integer; 0 where the heap is full. */
  _malloc(bytes: number): number;
  _free(address: number): void;
  tfjs?: Readonly<Record<string, (...args: number[]) => number>>;
}

type Factory = (config: Readonly<Record<string, unknown>>) => Promise<WasmModule>;

const PACKAGE = '@tensorflow/tfjs-backend-wasm';
const require = createRequire(import.meta.url);

/** Number of logical cores, at least 1. */
export function coreCount(): number {
  return Math.max(1, os.availableParallelism());
}

/**
 * Starts tfjs' threaded SIMD build, whose heap is shared memory.
 *
 * Emscripten would start eight workers from blob: URLs, which Node refuses. None is needed: the heavy kernels run on
 * this package's own threads, the stock ones on the caller's. So its workers are stand-ins that only say "loaded".
 */
export async function startModule(): Promise<WasmModule> {
  const factory = require(`${PACKAGE}/wasm-out/tfjs-backend-wasm-threaded-simd.js`) as Factory;
  const folder = dirname(require.resolve(`${PACKAGE}/wasm-out/tfjs-backend-wasm-threaded-simd.wasm`));
  const wasmBinary = await readFile(join(folder, 'tfjs-backend-wasm-threaded-simd.wasm'));
  const started = withStandInWorkers(() =>
    factory({ wasmBinary, mainScriptUrlOrBlob: '', locateFile: (name: string) => join(folder, name) }),
  );
  const module = await started;
  const cwrap = module.cwrap.bind(module);
  module.tfjs = {
    init: cwrap('init', null, []),
    initWithThreadsCount: cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: cwrap('get_threads_count', 'number', []),
    registerTensor: cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: cwrap('dispose_data', null, ['number']),
    dispose: cwrap('dispose', null, []),
  };
  return module;
}

/** Emscripten's loader sets `globalThis.Worker` and rethrows other people's errors from listeners of its own; both are undone. */
function withStandInWorkers<T>(start: () => T): T {
  const worker = Object.getOwnPropertyDescriptor(globalThis, 'Worker');
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  Object.defineProperty(globalThis, 'Worker', { configurable: true, get: () => StandInWorker, set() {} });
  try {
    return start();
  } finally {
    if (worker === undefined) delete (globalThis as { Worker?: unknown }).Worker;
    else Object.defineProperty(globalThis, 'Worker', worker);
    events.forEach((event, index) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!before[index]?.has(listener)) process.removeListener(event, listener);
      }
    });
  }
}

class StandInWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined;

  postMessage(message: { cmd?: string }): void {
    if (message.cmd === 'load') queueMicrotask(() => this.onmessage?.({ data: { cmd: 'loaded' } }));
  }

  on(): void {}
  unref(): void {}
  terminate(): void {}
}
