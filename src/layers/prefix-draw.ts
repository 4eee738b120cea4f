import { createRandom, deriveSeed } from '../random/index.js';
import { createSampler } from './sampler.js';
import type { Sampler, SamplerSpec } from './sampler.js';

/**
 * A source of kept widths that several layers read, so that within a training step all of them keep the same k per example.
 *
 * Its draws are a pure function of seed, step, n and batch. A layer that reads a second time begins the next step; `next` begins
 * it by hand. Layers of different n read the same quantile of their laws where the sampler is stratified or independent.
 */
export class PrefixDraw {
  readonly seed: number;
  readonly sampler: Sampler;
  #step = 0;
  #readers = new Set<object>();
  #draws = new Map<string, Int32Array>();

  constructor(seed: number, sampler: Sampler) {
    this.seed = seed;
    this.sampler = sampler;
  }

  /** Steps begun so far. */
  get step(): number {
    return this.#step;
  }

  /** Begins the next step: every reader gets new widths. */
  next(): void {
    this.#step++;
    this.#readers.clear();
    this.#draws.clear();
  }

  /**
   * The kept widths of this step, or of the next one if this reader has read this step already.
   *
   * @param reader who reads: the layer
   * @param n features
   * @param batch draws: examples, times time steps where each has its own
   * @returns k per draw, shared: do not write into it
   */
  read(reader: object, n: number, batch: number): Int32Array {
    if (this.#readers.has(reader)) this.next();
    this.#readers.add(reader);
    const key = `${n} ${batch}`;
    const drawn = this.#draws.get(key) ?? this.sampler.draw(n, batch, createRandom(deriveSeed(this.seed, this.#step)));
    this.#draws.set(key, drawn);
    return drawn;
  }
}

/**
 * A draw for several TailDropout layers: pass it to each as `draw`.
 *
 * @param seed a safe integer
 * @throws UsageError as `createSampler` does
 */
export function sharedDraw(seed: number, sampler: SamplerSpec): PrefixDraw {
  deriveSeed(seed);
  return new PrefixDraw(seed, createSampler(sampler));
}
