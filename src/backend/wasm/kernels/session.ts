import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Worker } from 'node:worker_threads';

import type { WasmModule } from '../host.js';
import type { Info } from '../kernel.js';
import { instantiate, startThread } from './module.js';
import type { CompiledKernels, Instance } from './module.js';

/** What assembly/index.ts executes, by number. */
export const OPERATION = {
  pack: 0,
  gemm: 1,
  pad: 2,
  filterGradient: 3,
  inputGradient: 4,
  addParts: 5,
  columnSums: 6,
  affine: 7,
  reluGradient: 8,
  adam: 9,
  sgd: 10,
  maxPool: 11,
  maxPoolGradient: 12,
  averagePool: 13,
  averagePoolGradient: 14,
  depthwise: 15,
  depthwiseInputGradient: 16,
  depthwiseFilterGradient: 17,
  packRows: 18,
  gemmColumns: 19,
  keepPrefixes: 20,
  grow: 30,
  crossentropy: 31,
  gemmAlike: 32,
  nonzero: 33,
} as const;

export type Operation = keyof typeof OPERATION;

const WORDS = 64;
const THREADS = 6;
const SPINS = 7;
const SCRATCH = 8;
const SCRATCH_BYTES = 9;
const ARGUMENTS = 16;
/** A thread's packed block of A, offsets and a cut tile: FREE in assembly/gemm.ts. */
export const OWN_SCRATCH = 132_736;
/** A worker looks this often for work before it sleeps: some ten microseconds. */
export const SPIN_COUNT = 20_000;
/** Larger buffers are given back after use. */
const KEPT_BYTES = 64 * 2 ** 20;

/** The own kernels on one heap: a control block, threads, buffers. One per process; kernels find it by `session()`. */
export class Session {
  readonly backend: BackendWasm;
  readonly #wasm: WasmModule;
  readonly #control: number;
  readonly words: Int32Array;
  readonly #floats: Float32Array;
  readonly #buffers = new Map<string, { address: number; bytes: number }>();
  #workers: Worker[] = [];
  #compiled: CompiledKernels | undefined;
  #instance: Instance | undefined;

  constructor(backend: BackendWasm, wasm: WasmModule) {
    this.backend = backend;
    this.#wasm = wasm;
    this.#control = (wasm._malloc(WORDS * 4 + 64) + 63) & ~63;
    this.words = new Int32Array(wasm.wasmMemory.buffer, this.#control, WORDS).fill(0);
    this.#floats = new Float32Array(wasm.wasmMemory.buffer, this.#control, WORDS);
    this.words[THREADS] = 1;
    this.words[SPINS] = SPIN_COUNT;
  }

  get threads(): number {
    return this.words[THREADS];
  }

  get variant(): string {
    return this.#compiled?.variant ?? 'stock';
  }

  /** Ends the threads there are and starts others. Returns why there are fewer than asked for, if so. */
  async start(compiled: CompiledKernels, threads: number): Promise<unknown> {
    await this.stop();
    this.#compiled = compiled;
    this.#instance = instantiate(compiled.module, this.#wasm.wasmMemory, this.#control);
    const begun = Array.from({ length: threads - 1 }, (_, i) =>
      startThread(compiled.module, this.#wasm.wasmMemory, this.#control, i + 1),
    );
    const results = await Promise.allSettled(begun);
    this.#workers = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
    const failed = results.find((result) => result.status === 'rejected');
    this.#drop('threads');
    // a thread's number picks its scratch: all of them or none
    if (failed !== undefined) await this.stop();
    else this.words[THREADS] = threads;
    return failed?.reason;
  }

  /** Ends the threads; kernels go on with one. */
  async stop(): Promise<void> {
    this.words[THREADS] = 1;
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
    this.#drop('threads');
  }

  /** Bytes this session holds on the heap besides tensors. */
  get bufferBytes(): number {
    let bytes = 0;
    for (const buffer of this.#buffers.values()) bytes += buffer.bytes;
    return bytes;
  }

  /** Size of the whole heap. */
  get heapBytes(): number {
    return this.#wasm.wasmMemory.buffer.byteLength;
  }

  /** Runs an operation with these arguments from word 16 on; floats are set by `setFloats`. */
  run(operation: Operation, tasks: number, ...values: number[]): void {
    for (let i = 0; i < values.length; i++) this.words[ARGUMENTS + i] = values[i];
    this.#instance?.run(OPERATION[operation], tasks);
  }

  /** Whether the kernels that were built have an operation: sources may be newer. */
  covers(operation: 'nonzero' | 'crossentropy' | 'gemmAlike'): boolean {
    return this.#instance !== undefined && `${operation}Task` in this.#instance;
  }

  /** Sets float arguments, from that word on, for the next `run`. */
  setFloats(first: number, ...values: number[]): void {
    this.#floats.set(values, first);
  }

  /** A view of the heap, good until memory is given back. */
  floatsAt(address: number, count: number): Float32Array {
    return new Float32Array(this.#wasm.wasmMemory.buffer, address, count);
  }

  /** Writes whole numbers into the buffer of that name; answers its address. */
  ints(name: string, values: Int32Array): number {
    const address = this.buffer(name, Math.max(16, values.byteLength));
    new Int32Array(this.#wasm.wasmMemory.buffer, address, values.length).set(values);
    return address;
  }

  /** Gives every thread room for `bytes` beyond what packing needs. */
  reserve(bytes: number): void {
    const each = Math.ceil((OWN_SCRATCH + bytes) / 4096) * 4096 + 192;
    this.words[SCRATCH] = this.buffer('threads', each * this.threads);
    this.words[SCRATCH_BYTES] = each;
  }

  /** Address of a buffer of at least that size, kept for the next call under that name; its old contents may be lost. */
  buffer(name: string, bytes: number): number {
    const old = this.#buffers.get(name);
    if (old !== undefined && old.bytes >= bytes) return old.address;
    this.#drop(name);
    const address = this.#wasm._malloc(bytes);
    this.#buffers.set(name, { address, bytes });
    return address;
  }

  /** Gives large buffers back to the heap. */
  trim(): void {
    for (const [name, { bytes }] of this.#buffers) if (bytes > KEPT_BYTES) this.#drop(name);
  }

  #drop(name: string): void {
    const buffer = this.#buffers.get(name);
    if (buffer === undefined) return;
    this.#wasm._free(buffer.address);
    this.#buffers.delete(name);
  }

  /** A tensor's address; 0 for none. */
  at(x: Info | undefined): number {
    return x === undefined ? 0 : this.backend.dataIdMap.get(x.dataId).memoryOffset;
  }

  output(shape: readonly number[]): Info {
    return this.backend.makeOutput([...shape], 'float32');
  }

  /** Elements a task, and the number of tasks, for a pass over n elements. */
  split(n: number): [size: number, tasks: number] {
    const size = Math.max(16_384, Math.ceil(n / 64 / 4) * 4);
    return [size, Math.ceil(n / size)];
  }
}

let current: Session | undefined;

/** The running session, if the own kernels were built. */
export function session(): Session | undefined {
  return current;
}

/** Puts the own kernels in force; undefined: the mended stock ones. */
export function setSession(next: Session | undefined): void {
  current = next;
}
