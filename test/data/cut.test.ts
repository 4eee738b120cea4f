import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cutRows } from '../../src/data/cut.js';

const SHARES = [0.6, 0.2, 0.2];
const sorted = (rows: Iterable<number>): number[] => [...rows].sort((a, b) => a - b);

describe('cutRows', () => {
  it('gives every row to exactly one part', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer(),
        fc.integer({ min: 1, max: 5 }),
        (rows, seed, classes) => {
          const strata = Int32Array.from({ length: rows }, (_, row) => (row * row) % classes);
          const all = cutRows(rows, SHARES, strata, seed).flatMap((part) => [...part]);
          expect(sorted(all)).toEqual(Array.from({ length: rows }, (_, row) => row));
        },
      ),
    );
  });

  it('gives each class its share in each part, rounded down or up, and the totals within one row of theirs', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        counts,
        fc.constantFrom([0.6, 0.2, 0.2], [0, 0.5, 0.5], [0.5, 0.5], [0.7, 0.1, 0.2]),
        (sizes, shares) => {
          const strata = Int32Array.from(sizes.flatMap((size, label) => Array.from({ length: size }, () => label)));
          const parts = cutRows(strata.length, shares, strata, 7);
          for (const [part, rows] of parts.entries()) {
            for (const [label, size] of sizes.entries()) {
              const got = rows.reduce((count, row) => count + Number(strata[row] === label), 0);
              // 1e-9 for shares such as 0.1 that float64 does not hold
              expect(Math.abs(got - size * shares[part])).toBeLessThan(1 + 1e-9);
            }
            expect(Math.abs(rows.length - strata.length * shares[part])).toBeLessThan(1.5);
          }
        },
      ),
    );
  });

  it('cuts 1000 rows of 10 equal classes 600/200/200 with 60/20/20 a class', () => {
    const strata = Int32Array.from({ length: 1000 }, (_, row) => row % 10);
    const parts = cutRows(1000, SHARES, strata, 0);
    expect(parts.map((part) => part.length)).toEqual([600, 200, 200]);
    for (let label = 0; label < 10; label++) {
      expect(parts.map((part) => part.filter((row) => row % 10 === label).length)).toEqual([60, 20, 20]);
    }
  });

  it('gives the same rows for the same seed and others for another', () => {
    expect(cutRows(100, SHARES, undefined, 3)).toEqual(cutRows(100, SHARES, undefined, 3));
    expect(cutRows(100, SHARES, undefined, 3)).not.toEqual(cutRows(100, SHARES, undefined, 4));
  });

  it('mixes the classes, so that the first rows of a part hold all of them', () => {
    const strata = Int32Array.from({ length: 1000 }, (_, row) => Math.floor(row / 100));
    const [train] = cutRows(1000, SHARES, strata, 0);
    expect(new Set([...train.subarray(0, 100)].map((row) => strata[row])).size).toBe(10);
  });
});
