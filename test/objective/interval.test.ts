import { describe, expect, it } from 'vitest';

import { BOOTSTRAP_BELOW, normalQuantile, riseInterval } from '../../src/objective/interval.js';
import { createRandom } from '../../src/random/index.js';

/** Acklam's stated relative error, with room for rounding. */
const QUANTILE_ERROR = 2e-9;

describe('normalQuantile', () => {
  it.each([
    [0.5, 0],
    [0.95, 1.6448536269514722],
    [0.975, 1.959963984540054],
    [0.025, -1.959963984540054],
    [0.999, 3.090232306167813],
    [1e-6, -4.753424308822899],
  ])('of %f is the tabled %f', (share, expected) => {
    expect(Math.abs(normalQuantile(share) - expected)).toBeLessThanOrEqual(
      QUANTILE_ERROR * Math.max(1, Math.abs(expected)),
    );
  });
});

function draw(rows: number, seed: number, shift = 0): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rows }, () => random.normal() + shift);
}

describe('riseInterval', () => {
  const options = { confidence: 0.95, seed: 3 };

  it('is the normal law for many rows', () => {
    const made = riseInterval(draw(BOOTSTRAP_BELOW, 1), options);
    expect(made.upper95).toBeCloseTo(made.delta + 1.6448536269514722 * made.deltaSe, 9);
    expect(made.high95 - made.delta).toBeCloseTo(made.delta - made.low95, 12);
    expect(made.high95).toBeCloseTo(made.delta + 1.959963984540054 * made.deltaSe, 9);
  });

  it('gives nearly the normal bounds by the bootstrap where rows are normal', () => {
    const made = riseInterval(draw(BOOTSTRAP_BELOW - 1, 2), options);
    // 2,000 resamples place a 95 % quantile within about 5 % of a standard error
    expect(Math.abs(made.upper95 - made.delta - 1.645 * made.deltaSe)).toBeLessThan(0.15 * made.deltaSe);
    expect(Math.abs(made.low95 - made.delta + 1.96 * made.deltaSe)).toBeLessThan(0.2 * made.deltaSe);
  });

  it('leans with skewed rows, as the normal law cannot', () => {
    const skewed = draw(60, 4).map((value) => Math.exp(2 * value));
    const made = riseInterval(skewed, options);
    expect(made.high95 - made.delta).toBeGreaterThan(made.delta - made.low95);
  });

  it('covers the truth about as often as it says', () => {
    const covered = Array.from({ length: 400 }, (_, i) =>
      riseInterval(draw(80, 100 + i, 0.5), { ...options, seed: i }),
    );
    const upper = covered.filter(({ upper95 }) => upper95 >= 0.5).length / covered.length;
    const both = covered.filter(({ low95, high95 }) => low95 <= 0.5 && high95 >= 0.5).length / covered.length;
    // three standard errors of a share of 400 are .033; the percentile bootstrap of 80 rows covers a little less than it says
    expect(upper).toBeGreaterThan(0.9);
    expect(both).toBeGreaterThan(0.9);
    expect(both).toBeLessThan(0.99);
  });

  it('has no width where all rows agree', () => {
    expect(riseInterval(new Float64Array(20).fill(0.25), options)).toEqual({
      delta: 0.25,
      deltaSe: 0,
      upper95: 0.25,
      low95: 0.25,
      high95: 0.25,
    });
  });

  it('repeats with the seed and moves with it', () => {
    const rows = draw(50, 9);
    expect(riseInterval(rows, options)).toEqual(riseInterval(rows, options));
    expect(riseInterval(rows, options).upper95).not.toBe(riseInterval(rows, { ...options, seed: 4 }).upper95);
  });
});
