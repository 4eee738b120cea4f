import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { createRandom, deriveSeed } from '../../src/random/index.js';
import { fromState } from '../../src/random/random.js';

const DRAWS = 100_000;
/** Five standard errors: a right generator fails one test in 1.7 million, and the seeds are fixed besides. */
const SIGMAS = 5;

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
const draw = (n: number, next: () => number): Float64Array => Float64Array.from({ length: n }, next);

const first = (seed: number): number[] => Array.from(draw(8, createRandom(seed).uniform));

describe('createRandom', () => {
  it('is xoshiro128**: the first numbers from state 1, 2, 3, 4 are those of the published C code', () => {
    const random = fromState(Uint32Array.from([1, 2, 3, 4]));
    const numbers = Array.from({ length: 10 }, () => random.uint32());
    expect(numbers).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('repeats itself for one seed and not for another, negative and large seeds too', () => {
    const seeds = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    for (const seed of seeds) expect(first(seed)).toEqual(first(seed));
    expect(new Set(seeds.map((seed) => first(seed).join())).size).toBe(seeds.length);
  });

  it('gives uniforms in [0, 1) with mean 1/2, variance 1/12, even bins and more than 32 bits', () => {
    const u = draw(DRAWS, createRandom(7).uniform);
    expect(Math.min(...u.subarray(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(u.every((v) => v < 1)).toBe(true);
    expect(Math.abs(mean(u) - 0.5)).toBeLessThan(SIGMAS * Math.sqrt(1 / 12 / DRAWS));
    expect(Math.abs(mean(u.map((v) => (v - 0.5) ** 2)) - 1 / 12)).toBeLessThan(SIGMAS * Math.sqrt(1 / 180 / DRAWS));
    expect(
      chiSquare(
        u.map((v) => Math.floor(v * 64)),
        64,
      ),
    ).toBeLessThan(63 + SIGMAS * Math.sqrt(2 * 63));
    expect(u.some((v) => (v * 2 ** 32) % 1 !== 0)).toBe(true);
  });

  it('gives normals with mean 0, variance 1 and kurtosis 3', () => {
    const z = draw(DRAWS, createRandom(8).normal);
    expect(Math.abs(mean(z))).toBeLessThan(SIGMAS / Math.sqrt(DRAWS));
    expect(Math.abs(mean(z.map((v) => v ** 2)) - 1)).toBeLessThan(SIGMAS * Math.sqrt(2 / DRAWS));
    expect(Math.abs(mean(z.map((v) => v ** 4)) - 3)).toBeLessThan(SIGMAS * Math.sqrt(96 / DRAWS));
  });

  it('shuffles every order equally often', () => {
    const random = createRandom(9);
    const orders = ['0,1,2', '0,2,1', '1,0,2', '1,2,0', '2,0,1', '2,1,0'];
    const seen = draw(60_000, () => orders.indexOf(random.permutation(3).join()));
    expect(seen.includes(-1)).toBe(false);
    expect(chiSquare(seen, 6)).toBeLessThan(5 + SIGMAS * Math.sqrt(10));
  });

  it('keeps the members when it shuffles, and takes the empty and the single list', () => {
    const random = createRandom(10);
    expect(random.permutation(100).toSorted()).toEqual(Int32Array.from({ length: 100 }, (_, i) => i));
    expect(random.permutation(0)).toHaveLength(0);
    expect(random.shuffle(['a'])).toEqual(['a']);
  });

  it.each([Number.NaN, 0.5, Infinity, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => createRandom(seed)).toThrow(UsageError);
  });
});

describe('deriveSeed', () => {
  it('tells labels apart by value, type, order and boundary', () => {
    const lists = [[], ['a'], ['b'], ['a', 'b'], ['ab'], ['b', 'a'], [1], ['1'], [1, 1], [11], ['']];
    const seeds = [0, 1].flatMap((seed) => lists.map((labels) => deriveSeed(seed, ...labels)));
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  });

  it('gives streams that do not run together: the first draws of neighbouring labels are uniform and uncorrelated', () => {
    const u = Float64Array.from({ length: DRAWS / 5 }, (_, step) => createRandom(deriveSeed(3, step)).uniform());
    const pairs = u.subarray(1).map((v, i) => (v - 0.5) * (u[i] - 0.5) * 12);
    expect(
      chiSquare(
        u.map((v) => Math.floor(v * 64)),
        64,
      ),
    ).toBeLessThan(63 + SIGMAS * Math.sqrt(2 * 63));
    expect(Math.abs(mean(pairs))).toBeLessThan(SIGMAS / Math.sqrt(pairs.length));
  });
});

function chiSquare(bins: Float64Array, count: number): number {
  const expected = bins.length / count;
  const seen = new Float64Array(count);
  for (const bin of bins) seen[bin]++;
  return seen.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}
