import { coreCount } from '../host.js';
import type { Heap } from './grow.js';
import { compileKernels, instantiate, startThread, type Instance } from './module.js';
import { OPERATION, OWN_SCRATCH, SPIN_COUNT, type Operation } from './session.js';

const PAGE = 65_536;
const MOST_PAGES = 65_536;
const WORDS = 64;
/** Where the control block lies; buffers come behind its page. */
const CONTROL = PAGE / 2;
const THREADS = 6;
const SCRATCH = 8;
const SCRATCH_BYTES = 9;
const ARGUMENTS = 16;

/** The own kernels on a memory of their own: for work on the host beside a backend whose memory is elsewhere. */
export class HostHeap implements Heap {
  readonly #memory: WebAssembly.Memory;
  readonly #instance: Instance;
  readonly #buffers = new Map<string, { readonly address: number; readonly bytes: number }>();
  readonly #leases = new Set<number>();
  #end = PAGE;

  constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({ initial: 2, maximum: MOST_PAGES, shared: true });
    this.#instance = instantiate(module, this.#memory, CONTROL);
    // threads, then how often they look for work before they sleep
    this.words.set([1, SPIN_COUNT], THREADS);
  }

  get threads(): number {
    return this.words[THREADS];
  }

  /** Starts threads, which end with the process; where one cannot be had, this one does the work. */
  async start(module: WebAssembly.Module, threads: number): Promise<void> {
    const begun = Array.from({ length: threads - 1 }, (_, i) => startThread(module, this.#memory, CONTROL, i + 1));
    const results = await Promise.allSettled(begun);
    // a thread's number picks its scratch: all of them or none
    if (results.every(({ status }) => status === 'fulfilled')) this.words[THREADS] = threads;
  }

  get words(): Int32Array {
    return new Int32Array(this.#memory.buffer, CONTROL, WORDS);
  }

  run(operation: Operation, tasks: number, ...values: number[]): void {
    this.words.set(values, ARGUMENTS);
    this.#instance.run(OPERATION[operation], tasks);
  }

  reserve(bytes: number): void {
    const each = Math.ceil((OWN_SCRATCH + bytes) / 4096) * 4096;
    const { words } = this;
    words[SCRATCH] = this.buffer('threads', each * this.threads);
    words[SCRATCH_BYTES] = each;
  }

  /** Address of a buffer of at least that size, kept under that name; its old contents may be lost. Room is never given back. */
  buffer(name: string, bytes: number): number {
    const old = this.#buffers.get(name);
    if (old !== undefined && old.bytes >= bytes) return old.address;
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(bytes)));
    const address = this.#end;
    this.#end += size;
    const missing = Math.ceil(this.#end / PAGE) - this.#memory.buffer.byteLength / PAGE;
    if (missing > 0) this.#memory.grow(missing);
    this.#buffers.set(name, { address, bytes: size });
    return address;
  }

  floatsAt(address: number, count: number): Float32Array {
    return new Float32Array(this.#memory.buffer, address, count);
  }

  /** A number that nobody else has, for the names of buffers. */
  lease(): number {
    let slot = 0;
    while (this.#leases.has(slot)) slot++;
    this.#leases.add(slot);
    return slot;
  }

  giveBack(slot: number): void {
    this.#leases.delete(slot);
  }
}

let heap: Promise<HostHeap | undefined> | undefined;
let started: HostHeap | undefined;

/** The heap of `hostHeap`, once it is there. */
export function startedHeap(): HostHeap | undefined {
  return started;
}

/** The one such heap of the process, on all cores; undefined where the kernels were not built. */
export function hostHeap(): Promise<HostHeap | undefined> {
  heap ??= startHeap();
  return heap;
}

async function startHeap(): Promise<HostHeap | undefined> {
  const module = (await compileKernels(true))?.module;
  if (module === undefined || !WebAssembly.Module.exports(module).some(({ name }) => name === 'nonzeroTask')) {
    return undefined;
  }
  const own = new HostHeap(module);
  await own.start(module, coreCount());
  started = own;
  return own;
}
