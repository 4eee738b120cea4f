import { describe, expect, it } from 'vitest';

import { singularValues } from '../../src/bases/linalg/index.js';
import { marchenkoPasturMedian } from '../../src/bases/marchenkoPastur.js';
import {
  brokenStick,
  effectiveRank,
  energyRank,
  gavishDonoho,
  gavishDonohoFactor,
  knee,
  marchenkoPastur,
  participationRatio,
  rankSelectors,
  stableRank,
} from '../../src/bases/selectors.js';
import { SELECTORS } from '../../src/records/selectors.js';
import { gaussian } from './linalg/oracles.js';

describe('rules worked out by hand', () => {
  // σ² = 16, 4, 4, 1: sum 25, sum of squares 256 + 16 + 16 + 1 = 289
  const sigma = [4, 2, 2, 1];

  it('energy: shares .64, .80, .96, 1', () => {
    expect([0.64, 0.65, 0.9, 0.96, 0.97, 1].map((share) => energyRank(sigma, share))).toEqual([1, 2, 3, 3, 4, 4]);
  });

  it('stable rank 25 / 16, participation ratio 625 / 289', () => {
    expect(stableRank(sigma)).toBeCloseTo(25 / 16, 12);
    expect(participationRatio(sigma)).toBeCloseTo(625 / 289, 12);
  });

  it('effective rank: entropy of 4/9, 2/9, 2/9, 1/9', () => {
    const entropy = -(4 * Math.log(4 / 9) + 4 * Math.log(2 / 9) + Math.log(1 / 9)) / 9;
    expect(effectiveRank(sigma)).toBeCloseTo(Math.exp(entropy), 12);
  });

  it('broken stick of 4: pieces .5208, .2708, .1458, .0625 against .64, .16', () => {
    expect(brokenStick(sigma)).toBe(1);
    // .5294, .2722, .1361: the second is longer than its piece, the third is not
    expect(brokenStick([3.5, 2.51, 1.775, 1.2])).toBe(2);
  });

  it('knee: the values before the elbow; none on a straight or bulging line, none with two values', () => {
    expect(knee([10, 9, 8, 1, 0.9, 0.8])).toBe(3);
    expect(knee([5, 4, 3, 2, 1])).toBeNull();
    expect(knee([5, 4.9, 4.7, 4, 0])).toBeNull();
    expect(knee([3, 1])).toBeNull();
    expect(knee([2, 2, 2, 2])).toBeNull();
  });

  it('an even spectrum has full stable, effective and participation rank; one value has rank 1', () => {
    for (const rule of [stableRank, effectiveRank, participationRatio]) {
      expect(rule([3, 3, 3, 3, 3])).toBeCloseTo(5, 12);
      expect(rule([7, 0, 0])).toBeCloseTo(1, 12);
      expect(rule([0, 0])).toBe(0);
    }
  });
});

describe('published numbers', () => {
  it('the median of Marchenko-Pastur is .6528 at aspect 1 and tends to 1 at aspect 0', () => {
    expect(marchenkoPasturMedian(1)).toBeCloseTo(0.6528, 4);
    expect(marchenkoPasturMedian(1e-6)).toBeCloseTo(1, 2);
  });

  it('Gavish and Donoho give ω(1) = 2.858, and a cubic that is right to .02', () => {
    expect(gavishDonohoFactor(1)).toBeCloseTo(2.858, 3);
    for (let beta = 0.05; beta <= 1; beta += 0.05) {
      const cubic = 0.56 * beta ** 3 - 0.95 * beta ** 2 + 1.82 * beta + 1.43;
      expect(Math.abs(gavishDonohoFactor(beta) - cubic)).toBeLessThan(0.02);
    }
  });
});

describe('on white noise with planted directions', () => {
  it.each([
    [200, 200, 5],
    [200, 80, 3],
    [60, 300, 4],
    [150, 100, 0],
  ])('of %i x %i the threshold and the edge find the %i that were planted', (rows, cols, planted) => {
    const noise = gaussian(rows, cols, 21);
    const [u, v] = [gaussian(planted || 1, rows, 22), gaussian(planted || 1, cols, 23)];
    // each planted direction is three times as long as the edge of the noise, √rows + √cols
    const size = (3 * (Math.sqrt(rows) + Math.sqrt(cols))) / Math.sqrt(rows * cols);
    const values = noise.values.map((x, at) => {
      let sum = x;
      for (let k = 0; k < planted; k++) {
        sum += size * u.values[k * rows + Math.floor(at / cols)] * v.values[k * cols + (at % cols)];
      }
      return sum;
    });
    const sigma = [...singularValues({ rows, cols, values })];
    expect(gavishDonoho(sigma, { rows, cols })).toBe(planted);
    // the largest of finitely many noise values may stand just outside the edge
    expect(Math.abs(marchenkoPastur(sigma, { rows, cols }) - planted)).toBeLessThanOrEqual(1);
  });
});

describe('rankSelectors', () => {
  it('answers every rule that is listed, and calls each a heuristic', () => {
    const answers = rankSelectors(new Float64Array([4, 2, 2, 1]), { rows: 4, cols: 9 });
    expect(Object.keys(answers).sort()).toEqual(SELECTORS.map(({ name }) => name).sort());
    expect(SELECTORS.filter(({ label }) => !label.includes('heuristic'))).toEqual([]);
  });

  it('answers for a zero and a 1 x n matrix', () => {
    expect(rankSelectors([0, 0, 0], { rows: 3, cols: 5 })).toMatchObject({
      energy99: 0,
      stableRank: 0,
      knee: null,
      brokenStick: 0,
    });
    expect(rankSelectors([2], { rows: 1, cols: 5 })).toMatchObject({ energy90: 1, stableRank: 1, effectiveRank: 1 });
  });

  it.each([[[]], [[1, 2]], [[1, -1]], [[NaN]], [[Infinity, 1]]])('refuses the spectrum %j', (values) => {
    expect(() => rankSelectors(values, { rows: 2, cols: 2 })).toThrow(/spectrum of falling, finite numbers/);
  });
});
