import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { createSampler, expectedTruncatedDraws, SAMPLER_NAMES } from '../../src/layers/index.js';
import type { SamplerSpec } from '../../src/layers/index.js';
import { createRandom } from '../../src/random/index.js';

const WIDTHS = [1, 2, 3, 10, 100, 4096];
const RATES = [1e-5, 1e-3, 0.05, 0.2, 0.5, 0.8, 0.9];
/** Float64 rounding of some 4096 sums; the laws themselves are calibrated to the last bit. */
const EXACT = 1e-12;
/** Five standard errors, with fixed seeds. */
const SIGMAS = 5;

/** One spec per law, each with every k from kMin up possible at n = 12. */
const SPECS: SamplerSpec[] = [
  { name: 'geometric', p: 0.2 },
  { name: 'geometric', p: 0.5, kMin: 0 },
  { name: 'geometric', p: 0.4, kMin: 5 },
  { name: 'uniform' },
  { name: 'uniform', kMin: 0 },
  { name: 'log-uniform' },
  { name: 'log-uniform', atom: 0.1, kMin: 3 },
  { name: 'sandwich' },
  { name: 'sandwich', widths: 5, kMin: 0 },
  { name: 'fixed', ks: [1, 2, 4, 8, 12] },
  { name: 'triangular' },
  { name: 'reference', p: 0.5 },
];

describe('the geometric sampler', () => {
  const cases = WIDTHS.flatMap((n) => RATES.flatMap((p) => [0, 1].map((kMin) => ({ n, p, kMin }))));

  it.each(cases.filter(({ n, p, kMin }) => kMin === 0 || p < 1 - 1 / n))(
    'keeps exactly 1 - p of n = $n features on average at p = $p from kMin $kMin',
    ({ n, p, kMin }) => {
      const law = createSampler({ name: 'geometric', p, kMin }).probabilities(n);
      expect(Math.abs(mean(law) / n - (1 - p))).toBeLessThanOrEqual(EXACT);
      expect(Math.abs(total(law) - 1)).toBeLessThanOrEqual(EXACT);
      expect(law.subarray(0, kMin).every((probability) => probability === 0)).toBe(true);
    },
  );

  it.each(cases.filter(({ n, p, kMin }) => kMin === 1 && p >= 1 - 1 / n))(
    'refuses n = $n, p = $p, kMin 1: at least 1/n is always kept',
    ({ n, p }) => {
      const sampler = createSampler({ name: 'geometric', p, kMin: 1 });
      expect(() => sampler.probabilities(n)).toThrow(UsageError);
      expect(() => sampler.draw(n, 4, createRandom(0))).toThrow(/p below 1 - 1\/\d+/);
    },
  );

  it.each([
    // computed apart from this code, with the roots of the two mean equations
    { n: 2, p: 0.5, kMin: 0, r: 0.618034, first: 0.381966, last: 0.381966 },
    { n: 10, p: 0.2, kMin: 0, r: 0.95898, first: 0.041, last: 0.6578 },
    { n: 10, p: 0.2, kMin: 1, r: 0.949265, first: 0.0507, last: 0.6259 },
    { n: 100, p: 0.2, kMin: 1, r: 0.995318, first: 0.00468, last: 0.62838 },
  ])('has ratio $r for n = $n, p = $p, kMin $kMin', ({ n, p, kMin, r, first, last }) => {
    const law = createSampler({ name: 'geometric', p, kMin }).probabilities(n);
    expect(law[kMin]).toBeCloseTo(first, 4);
    expect(law[n]).toBeCloseTo(last, 4);
    expect(law[Math.min(kMin + 1, n - 1)] / law[kMin]).toBeCloseTo(r, 6);
  });

  it.each(['geometric', 'reference'] as const)(
    '%s keeps all at p = 0 and drops all at p = 1, whatever kMin',
    (name) => {
      for (const n of [1, 2, 100]) {
        for (const kMin of name === 'geometric' ? [0, 1, 3] : [undefined]) {
          for (const p of [0, 1]) {
            const sampler = createSampler({ name, p, ...(kMin !== undefined && { kMin }) });
            const k = p === 0 ? n : 0;
            expect(sampler.probabilities(n)[k]).toBe(1);
            expect(new Set(sampler.draw(n, 50, createRandom(1)))).toEqual(new Set([k]));
          }
        }
      }
    },
  );

  it('covers its law evenly in a batch: no k is off by more than one from batch x P(k)', () => {
    const sampler = createSampler({ name: 'geometric', p: 0.5 });
    const law = sampler.probabilities(10);
    for (const batch of [1, 7, 128, 1000]) {
      const counts = count(sampler.draw(10, batch, createRandom(batch)), 10);
      law.forEach((probability, k) => expect(Math.abs(counts[k] - batch * probability)).toBeLessThan(1 + 1e-9));
    }
  });
});

describe('the reference sampler', () => {
  it.each([
    // P(k = n) and P(k < n/2) of the original's law at n -> infinity, from e^(-1/a) and 1 - e^(-1/2a)
    { p: 1e-5, a: 49999.7, full: 0.99998, half: 1e-5 },
    { p: 1e-3, a: 499.667, full: 0.998, half: 0.001 },
    { p: 0.05, a: 9.66381, full: 0.9017, half: 0.0504 },
    { p: 0.2, a: 2.15418, full: 0.62863, half: 0.2071 },
    { p: 0.5, a: 0.6275, full: 0.20319, half: 0.5492 },
    { p: 0.8, a: 0.201405, full: 0.00698, half: 0.9165 },
    { p: 0.9, a: 0.100005, full: 4.5e-5, half: 0.9933 },
  ])('has the original scale a = $a at p = $p', ({ p, a, full, half }) => {
    const n = 4096;
    const law = createSampler({ name: 'reference', p }).probabilities(n);
    expect(-1 / Math.log(law[n])).toBeCloseTo(a, p < 1e-4 ? 0 : p < 1e-2 ? 3 : 4);
    expect(Math.abs(law[n] - full)).toBeLessThan(6e-6);
    expect(Math.abs(total(law.subarray(0, n / 2)) - half)).toBeLessThan(6e-5);
  });

  it.each([
    { n: 1, p: 0.2, drop: 0.3714, none: 0.3714 },
    { n: 2, p: 0.5, drop: 0.673, none: 0.5492 },
    { n: 4, p: 0.5, drop: 0.593, none: 0.3286 },
    { n: 10, p: 0.2, drop: 0.2184, none: 0.0454 },
    { n: 10, p: 0.5, drop: 0.5388, none: 0.1473 },
    { n: 100, p: 0.2, drop: 0.2019, none: 0.0046 },
    { n: 512, p: 0.2, drop: 0.20036, none: 0.00091 },
  ])('drops $drop of n = $n features at p = $p, and all of them with probability $none', ({ n, p, drop, none }) => {
    const law = createSampler({ name: 'reference', p }).probabilities(n);
    expect(Math.abs(1 - mean(law) / n - drop)).toBeLessThan(6e-5);
    expect(Math.abs(law[0] - none)).toBeLessThan(6e-5);
  });

  it("gives the values behind the original notebook's prints (p = .2, n = 100)", () => {
    const law = createSampler({ name: 'reference', p: 0.2 }).probabilities(100);
    const kept = (unit: number): number => total(law.subarray(unit));
    expect(kept(20)).toBeCloseTo(0.9113, 4);
    expect(kept(47)).toBeCloseTo(0.804, 4);
    expect(kept(51)).toBeCloseTo(0.7892, 4);
    expect(law[100]).toBeCloseTo(0.6286, 4);
    expect(mean(law)).toBeCloseTo(79.814, 3);
  });

  it("agrees with a simulation of the original's unit-wise masks", () => {
    const { n, p, draws } = { n: 10, p: 0.5, draws: 40_000 };
    const random = createRandom(11);
    const seen = new Float64Array(n + 1);
    const a = 0.6275;
    for (let i = 0; i < draws; i++) {
      const u = random.uniform();
      let k = 0;
      for (let j = 1; j <= n; j++) if (1 - Math.exp(-j / (a * n)) < u) k++;
      seen[k]++;
    }
    createSampler({ name: 'reference', p })
      .probabilities(n)
      .forEach((q, k) => {
        expect(Math.abs(seen[k] / draws - q)).toBeLessThan(SIGMAS * Math.sqrt((q * (1 - q)) / draws) + 1e-5);
      });
  });
});

describe('every sampler', () => {
  it.each(SPECS)('$name sums to 1 and draws what it says ($#)', (spec) => {
    const n = 12;
    const { batch, batches } = { batch: 50, batches: 2000 };
    const sampler = createSampler(spec);
    const law = sampler.probabilities(n);
    expect(law).toHaveLength(n + 1);
    expect(Math.abs(total(law) - 1)).toBeLessThanOrEqual(EXACT);
    const seen = new Float64Array(n + 1);
    const firsts = new Float64Array(n + 1);
    const random = createRandom(5);
    for (let i = 0; i < batches; i++) {
      const ks = sampler.draw(n, batch, random);
      firsts[ks[0]]++;
      count(ks, n).forEach((c, k) => (seen[k] += c));
    }
    // the first of each batch is independent of the firsts of the others, so its error is binomial whatever the sampler
    law.forEach((q, k) => {
      expect(Math.abs(firsts[k] / batches - q)).toBeLessThan(SIGMAS * Math.sqrt((q * (1 - q)) / batches) + 1e-9);
      expect(seen[k] > 0).toBe(q > 0);
    });
    expect(Math.abs(mean(seen) / (batch * batches) - mean(law))).toBeLessThan((SIGMAS * n) / 2 / Math.sqrt(batches));
  });

  it.each(SPECS)('$name repeats itself for one seed and moves on within a stream ($#)', (spec) => {
    const sampler = createSampler(spec);
    const random = createRandom(3);
    const first = sampler.draw(12, 64, random);
    expect(sampler.draw(12, 64, createRandom(3))).toEqual(first);
    expect(sampler.draw(12, 64, random)).not.toEqual(first);
    expect(sampler.draw(12, 0, random)).toHaveLength(0);
  });

  it.each(SPECS)('$name is made again by its own spec ($#)', (spec) => {
    const sampler = createSampler(spec);
    const copy = createSampler(JSON.parse(JSON.stringify(sampler.spec)) as SamplerSpec);
    expect(copy.spec).toEqual(sampler.spec);
    expect(copy.probabilities(12)).toEqual(sampler.probabilities(12));
  });

  it('is listed, each name once', () => {
    expect(new Set(SPECS.map((spec) => spec.name))).toEqual(new Set(SAMPLER_NAMES));
    expect(new Set(SAMPLER_NAMES).size).toBe(SAMPLER_NAMES.length);
  });
});

describe('single laws', () => {
  it.each([
    ['geometric', { name: 'geometric', p: 0.2 }, 1e5, 10],
    ['geometric', { name: 'geometric', p: 0.9, kMin: 0 }, 1e5, 100],
    ['triangular', { name: 'triangular' }, 1e5, 100],
  ] as const)('%s: the mean of a stratified batch is right to 1/batch ($#)', (_, spec, batch, n) => {
    const sampler = createSampler(spec);
    const kept = sampler.draw(n, batch, createRandom(2)).reduce((sum, k) => sum + k, 0) / batch / n;
    expect(Math.abs(kept - mean(sampler.probabilities(n)) / n)).toBeLessThan(1 / batch + 1e-6);
  });

  it('triangular keeps each k exactly batch/n times, and spreads a remainder one apart', () => {
    const sampler = createSampler({ name: 'triangular' });
    expect(Array.from(count(sampler.draw(8, 64, createRandom(1)), 8))).toEqual([0, ...Array<number>(8).fill(8)]);
    const uneven = count(sampler.draw(8, 67, createRandom(1)), 8).subarray(1);
    expect(Math.min(...uneven)).toBe(8);
    expect(Math.max(...uneven)).toBe(9);
  });

  it('sandwich gives n, kMin and two random widths a quarter of the batch each', () => {
    const counts = count(createSampler({ name: 'sandwich' }).draw(1000, 128, createRandom(4)), 1000);
    expect(Array.from(counts).filter((c) => c > 0)).toEqual([32, 32, 32, 32]);
    expect([counts[1], counts[1000]]).toEqual([32, 32]);
  });

  it('log-uniform gives n its atom and every other k a share of 1/k', () => {
    const law = createSampler({ name: 'log-uniform', atom: 0.5 }).probabilities(4);
    const harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4;
    [0, 0.5 / harmonic, 0.25 / harmonic, 0.5 / 3 / harmonic, 0.5 + 0.125 / harmonic].forEach((q, k) =>
      expect(law[k]).toBeCloseTo(q, 14),
    );
  });
});

describe('expectedTruncatedDraws', () => {
  it('is the expected number of draws below n', () => {
    expect(expectedTruncatedDraws(createSampler({ name: 'uniform' }), 4, 1000)).toBeCloseTo(750, 9);
    expect(expectedTruncatedDraws(createSampler({ name: 'geometric', p: 0 }), 4, 1000)).toBe(0);
  });

  it('nears 2 p x examples for small p', () => {
    const sampler = createSampler({ name: 'geometric', p: 1e-9, kMin: 0 });
    // to first order in p it is exactly 2 p n / (n + 1); the mean n (1 - p) carries 7 digits of this p
    expect(expectedTruncatedDraws(sampler, 4096, 1e9)).toBeCloseTo(2 * (4096 / 4097), 6);
  });
});

describe('ill arguments', () => {
  it.each([
    [{ name: 'geometric', p: -0.1 }, /p must lie within 0\.\.1, received -0\.1/],
    [{ name: 'geometric', p: 1.5 }, /p must lie within 0\.\.1/],
    [{ name: 'geometric', p: Number.NaN }, /received NaN/],
    [{ name: 'geometric', p: '0.2' }, /p must lie within 0\.\.1/],
    [{ name: 'geometric' }, /p must lie within 0\.\.1, received undefined/],
    [{ name: 'geometric', p: 0.2, kMin: -1 }, /kMin must be a whole number from 0 up, received -1/],
    [{ name: 'geometric', p: 0.2, kMin: 0.5 }, /kMin/],
    [{ name: 'geometric', p: 0.2, kmin: 1 }, /takes p and kMin, received "kmin"/],
    [{ name: 'uniform', p: 0.2 }, /takes kMin, received "p"/],
    [{ name: 'log-uniform', atom: 2 }, /atom must lie within 0\.\.1, received 2/],
    [{ name: 'log-uniform', kMin: 0 }, /kMin must be a whole number from 1 up/],
    [{ name: 'sandwich', widths: 0 }, /widths must be a whole number within 1\.\.1024/],
    [{ name: 'sandwich', widths: 1e9 }, /widths/],
    [{ name: 'fixed' }, /needs ks/],
    [{ name: 'fixed', ks: [] }, /needs ks/],
    [{ name: 'fixed', ks: [1, 1] }, /must differ/],
    [{ name: 'fixed', ks: [1, -2] }, /whole number from 0 up, received -2/],
    [{ name: 'gaussian' }, /must be one of geometric, uniform, .*received "gaussian"/],
    [{ name: 'constructor' }, /must be one of/],
    [{}, /must be one of/],
    [null, /must be one of/],
  ])('%j is refused', (spec, message) => {
    expect(() => createSampler(spec as SamplerSpec)).toThrow(UsageError);
    expect(() => createSampler(spec as SamplerSpec)).toThrow(message);
  });

  it.each([
    [{ name: 'uniform', kMin: 5 }, /kMin must lie within 0\.\.4/],
    [{ name: 'sandwich', kMin: 5 }, /kMin must lie within 0\.\.4/],
    [{ name: 'fixed', ks: [1, 8] }, /the layer has 4 features/],
  ] as const)('%j is refused for a layer of 4 features', (spec, message) => {
    expect(() => createSampler(spec).probabilities(4)).toThrow(message);
    expect(() => createSampler(spec).draw(4, 2, createRandom(0))).toThrow(UsageError);
  });

  it.each([0, -1, 1.5, Number.NaN])('n = %s is refused', (n) => {
    for (const spec of SPECS) expect(() => createSampler(spec).probabilities(n)).toThrow(UsageError);
  });
});

/** Kahan's sum, so that the test adds no rounding of its own. */
function total(values: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + (value - lost);
    lost = next - sum - (value - lost);
    sum = next;
  }
  return sum;
}

function mean(law: Float64Array): number {
  return total(law.map((probability, k) => k * probability));
}

function count(ks: Int32Array, n: number): Float64Array {
  const counts = new Float64Array(n + 1);
  for (const k of ks) counts[k]++;
  return counts;
}
