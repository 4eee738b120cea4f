import { UsageError } from '../errors.js';

/** A seeded stream of random numbers. The same seed gives the same stream on every machine and backend. */
export interface Random {
  /** A whole number, uniform over 0..2^32-1. */
  readonly uint32: () => number;
  /** A number in [0, 1), 53 bits. */
  readonly uniform: () => number;
  /** A whole number in [0, bound). */
  readonly integer: (bound: number) => number;
  /** A normal number of mean 0 and standard deviation 1. */
  readonly normal: () => number;
  /** Shuffles in place (Fisher-Yates) and returns its argument. */
  readonly shuffle: <T extends Int32Array | Uint32Array | unknown[]>(values: T) => T;
  /** The numbers 0..n-1 in random order. */
  readonly permutation: (n: number) => Int32Array;
}

/**
 * Starts a stream: xoshiro128** (Blackman & Vigna 2018, https://prng.di.unimi.it/xoshiro128starstar.c), its state filled
 * from the seed by a 32-bit splitmix.
 *
 * @param seed a safe integer, negative ones too
 * @throws UsageError for any other seed
 */
export function createRandom(seed: number): Random {
  const [low, high] = seedWords(seed);
  const next = splitmix32(low, high);
  return fromState(Uint32Array.from([next(), next(), next(), next() | 1]));
}

/**
 * A seed for an independent stream, named by labels: `deriveSeed(0, 'retrain', 3)`. Label lists that differ, by type or by where
 * one label ends too, give different streams.
 *
 * @param seed a safe integer
 * @returns a whole number in [0, 2^53)
 * @throws UsageError when the seed is not a safe integer
 */
export function deriveSeed(seed: number, ...labels: readonly (string | number)[]): number {
  let [a, b] = seedWords(seed);
  const absorb = (word: number): void => {
    a = avalanche(Math.imul(a ^ word, 0x9e3779b1) + 0x7f4a7c15);
    b = avalanche(Math.imul(b ^ word, 0x85ebca77) ^ a);
  };
  for (const label of labels) {
    const text = String(label);
    absorb(typeof label === 'number' ? 1 : 2);
    absorb(text.length);
    for (let i = 0; i < text.length; i++) absorb(text.charCodeAt(i));
  }
  absorb(0);
  return (b >>> 11) * 2 ** 32 + (a >>> 0);
}

/** The stream that continues from four state words, not all zero. For test vectors; use `createRandom`. */
export function fromState(s: Uint32Array): Random {
  const uint32 = (): number => {
    const s1 = s[1];
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2] ^= s[0];
    s[3] ^= s1;
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= s1 << 9;
    s[3] = rotateLeft(s[3], 11);
    return result;
  };
  const uniform = (): number => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) * 2 ** -53;
  const integer = (bound: number): number => Math.floor(uniform() * bound);
  const shuffle = <T extends Int32Array | Uint32Array | unknown[]>(values: T): T => {
    for (let i = values.length - 1; i > 0; i--) {
      const j = integer(i + 1);
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
    return values;
  };
  return {
    uint32,
    uniform,
    integer,
    // Box and Muller; 1 - u lies in (0, 1], so the logarithm is finite
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    shuffle,
    permutation: (n) => shuffle(Int32Array.from({ length: n }, (_, i) => i)),
  };
}

function seedWords(seed: number): [low: number, high: number] {
  if (!Number.isSafeInteger(seed)) {
    throw new UsageError(`The seed must be a whole number within ±(2^53 - 1), received ${String(seed)}.`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

function splitmix32(low: number, high: number): () => number {
  let state = avalanche(high ^ 0x9e3779b9) ^ low;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return avalanche(state);
  };
}

/** The 32-bit finaliser of MurmurHash3: every input bit flips each output bit about half the time. */
function avalanche(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function rotateLeft(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
