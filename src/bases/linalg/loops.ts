import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The heavy loops in float64 SIMD (assembly/); they take sums in the order of the TypeScript loops, so that both give the same bits. */
export interface Loops {
  readonly memory: WebAssembly.Memory;
  timesTransposed(
    a: number,
    b: number,
    c: number,
    work: number,
    m: number,
    n: number,
    depth: number,
    lower: number,
  ): void;
  walk(a: number, n: number, k: number, v: number, p: number, w: number, q: number): void;
  reflectFour(a: number, scales: number, n: number, z: number): void;
  removeRows(z: number, n: number, from: number, to: number, x: number): void;
}

/** From src/ and from dist/ alike. */
const FILE = resolve(import.meta.dirname, '../../../dist/bases/linalg/loops.wasm');
const PAGE = 65_536;
/** More than this is left to TypeScript, which needs no copies. */
const MAX_BYTES = 2 ** 30;

let module: WebAssembly.Module | null | undefined;
let off = false;

/**
 * A fresh copy of the loops with a memory of its own, which goes when the copy goes; null where they were not built, where the engine has
 * no SIMD, and where the memory would be too large.
 * @param bytes what is to lie in the memory
 */
export function startLoops(bytes: number): Loops | null {
  if (off || bytes > MAX_BYTES) return null;
  module ??= compile();
  if (module === null) return null;
  const loops = new WebAssembly.Instance(module).exports as unknown as Loops;
  try {
    loops.memory.grow(Math.ceil(bytes / PAGE));
  } catch {
    return null;
  }
  return loops;
}

function compile(): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(readFileSync(FILE));
  } catch {
    return null;
  }
}

/** Runs `body` on the TypeScript loops alone: what a machine without SIMD computes. */
export function withoutLoops<T>(body: () => T): T {
  const before = off;
  off = true;
  try {
    return body();
  } finally {
    off = before;
  }
}

/** Hands out float64 arrays of a memory one behind the other; the first page is left alone. */
export class Heap {
  readonly loops: Loops;
  #next = PAGE;

  constructor(loops: Loops) {
    this.loops = loops;
  }

  /** Zeros. Its place is `byteOffset`. */
  take(count: number): Float64Array {
    const array = new Float64Array(this.loops.memory.buffer, this.#next, count);
    this.#next += 8 * count;
    return array;
  }
}
