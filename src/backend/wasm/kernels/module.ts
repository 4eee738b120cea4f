import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** The compiled kernels (from assembly/), and the threads that run them. */

export interface CompiledKernels {
  readonly module: WebAssembly.Module;
  readonly variant: 'relaxed-simd' | 'simd';
}

export interface Instance {
  start(control: number): void;
  run(operation: number, tasks: number): void;
}

/** From src/ and from dist/ alike. */
const FOLDER = resolve(import.meta.dirname, '../../../../dist/backend/wasm');

/** Compiles the variant with fused multiply-add where the engine has it, else the plain one; undefined where they were not built. */
export async function compileKernels(relaxed: boolean): Promise<CompiledKernels | undefined> {
  if (relaxed) {
    const bytes = await bytesOf('kernels-relaxed.wasm');
    if (bytes !== undefined && validates(bytes))
      return { module: await WebAssembly.compile(bytes), variant: 'relaxed-simd' };
  }
  const bytes = await bytesOf('kernels-simd.wasm');
  return bytes === undefined ? undefined : { module: await WebAssembly.compile(bytes), variant: 'simd' };
}

async function bytesOf(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(resolve(FOLDER, name)));
  } catch {
    return undefined;
  }
}

/** Node 20 has relaxed SIMD behind a flag, later versions by default. */
function validates(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (WebAssembly.validate(bytes)) return true;
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(bytes);
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory, control: number): Instance {
  const instance = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Instance;
  instance.start(control);
  return instance;
}

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, memory, control, thread } = workerData;
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;
kernels.start(control);
parentPort.postMessage('ready');
kernels.serve(thread);
`;

/** Starts one more thread; it never keeps the process alive. Rejects where the engine refuses. */
export function startThread(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  thread: number,
): Promise<Worker> {
  return new Promise((ready, failed) => {
    const workerData = { module, memory, control, thread };
    const worker = new Worker(WORKER, { eval: true, workerData, execArgv: [], name: `kernels ${thread}` });
    worker.once('error', failed);
    worker.once('message', () => {
      worker.unref();
      ready(worker);
    });
  });
}
