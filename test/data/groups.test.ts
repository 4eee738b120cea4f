import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { cutGroups } from '../../src/data/groups.js';
import type { DataSpec } from '../../src/data/spec.js';
import { wholeSplit } from '../../src/data/split.js';
import { fitOf, npy, npz, readError, SEED_0, tempFile } from './helpers.js';

const SHARES = [0.6, 0.2, 0.2];
const FIT = fitOf([1], [2]);
const ROLES = ['train', 'select', 'report'] as const;

/** Groups of these sizes, one after the other. */
const codesOf = (sizes: readonly number[]): Int32Array =>
  Int32Array.from(sizes.flatMap((size, group) => Array.from({ length: size }, () => group)));

describe('cutGroups', () => {
  const groupSizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 });

  it('gives every row to one part and every group to one part', () => {
    fc.assert(
      fc.property(groupSizes, fc.integer(), fc.boolean(), (sizes, seed, stratified) => {
        const codes = codesOf(sizes);
        const strata = stratified ? codes.map((_, row) => row % 3) : undefined;
        const parts = cutGroups(codes, SHARES, strata, seed);
        expect(parts.flatMap((part) => [...part]).sort((a, b) => a - b)).toEqual([...codes.keys()]);
        const owners = sizes.map((_, group) => parts.filter((part) => part.some((row) => codes[row] === group)).length);
        expect(owners.every((count) => count === 1)).toBe(true);
      }),
    );
  });

  it('exceeds no share by more than the largest group', () => {
    fc.assert(
      fc.property(
        groupSizes,
        fc.integer(),
        fc.constantFrom(SHARES, [0, 0.5, 0.5], [0.5, 0.5]),
        (sizes, seed, shares) => {
          const codes = codesOf(sizes);
          for (const [part, rows] of cutGroups(codes, shares, undefined, seed).entries()) {
            expect(rows.length).toBeLessThanOrEqual(codes.length * shares[part] + Math.max(...sizes));
            expect(shares[part] > 0 || rows.length === 0).toBe(true);
          }
        },
      ),
    );
  });

  it('gives each part its share of groups that differ in class', () => {
    // 50 groups of 10 rows, every fifth of them of class 1
    const codes = codesOf(Array.from({ length: 50 }, () => 10));
    const strata = codes.map((group) => Number(group % 5 === 0));
    for (const seed of [0, 1, 2, 3]) {
      const ones = cutGroups(codes, SHARES, strata, seed).map((part) => part.filter((row) => strata[row] === 1).length);
      expect(ones).toEqual([60, 20, 20]);
    }
  });

  it('is another cut by another seed, and the same by the same', () => {
    const codes = codesOf(Array.from({ length: 50 }, () => 4));
    expect(cutGroups(codes, SHARES, undefined, 1)).toEqual(cutGroups(codes, SHARES, undefined, 1));
    expect(cutGroups(codes, SHARES, undefined, 1)).not.toEqual(cutGroups(codes, SHARES, undefined, 2));
  });
});

/** 200 rows of 25 patients; the only feature is the row's patient, so that a split shows whom it holds. */
const patientOf = (row: number): number => (row * 7) % 25;
const all = Array.from({ length: 200 }, (_, row) => row);
const table = (header: string, line: (row: number) => string): string => [header, ...all.map(line)].join('\n');
const y = npy(
  '<i4',
  [200],
  Int32Array.from(all, (row) => row % 2),
);
const x = npy('<f4', [200, 1], Float32Array.from(all, patientOf));
const FILES: readonly [string, string, Uint8Array | string][] = [
  [
    'a named column of words',
    'd.csv',
    table('patient,a,y', (row) => `p${patientOf(row)},${patientOf(row)},${row % 2}`),
  ],
  ['the last column', 'd.csv', table('a,y,patient', (row) => `${patientOf(row)},${row % 2},${patientOf(row)}`)],
  [
    'an array of numbers',
    'd.npz',
    npz({
      x,
      y,
      patient: npy(
        '<i8',
        [200],
        BigInt64Array.from(all, (row) => BigInt(patientOf(row))),
      ),
    }),
  ],
  [
    'an array of words',
    'd.json',
    JSON.stringify({
      x: all.map((row) => [patientOf(row)]),
      y: all.map((row) => row % 2),
      patient: all.map((row) => `p${patientOf(row)}`),
    }),
  ],
  [
    'a key of rows',
    'd.json',
    JSON.stringify(all.map((row) => ({ a: patientOf(row), patient: `p${patientOf(row)}`, y: row % 2 }))),
  ],
];

describe('groupBy', () => {
  it.each(FILES)('keeps the rows of a patient together: %s', async (_, name, text) => {
    const path = tempFile(name, text);
    const { splits, notes } = await readDataset({ path, groupBy: 'patient' }, FIT, SEED_0);
    const patients = await Promise.all(
      ROLES.map(async (role) => new Set((await wholeSplit(splits[role])).inputs[0].values)),
    );
    expect(patients.map(({ size }) => size)).toEqual([15, 5, 5]);
    expect(new Set(patients.flatMap((held) => [...held])).size).toBe(25);
    expect(notes).toContain('cut 60/20/20 by seed 0, stratified by class, whole groups of patient together');
    expect(notes).toContain('standard errors count rows as independent, not groups');
  });

  it('is part of the digest, as it changes the split', async () => {
    const path = tempFile(...(FILES[2].slice(1) as [string, Uint8Array]));
    const [with_, without] = await Promise.all([
      readDataset({ path, groupBy: 'patient' }, FIT, SEED_0),
      readDataset(path, FIT, SEED_0),
    ]);
    expect(with_.digest).not.toBe(without.digest);
  });

  it('says that it changes nothing where the data brings its own splits', async () => {
    const [train, select, report] = ROLES.map((role) => tempFile(`${role}.csv`, FILES[0][2] as string));
    const { notes, splits } = await readDataset({ train, select, report, groupBy: 'patient' }, FIT, SEED_0);
    expect(notes).toContain('groupBy patient changes nothing: the data brings its own splits');
    expect(splits.train.size).toBe(200);
  });

  it.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'an unknown column',
      'd.csv',
      table('a,y', (row) => `${row},${row % 2}`),
      /has no column 'patient'; its columns are a, y\.$/,
    ],
    ['an unknown array', 'd.npz', npz({ x, y }), /^d\.npz has no array 'patient' to group by; it holds 'x', 'y'\.$/],
    [
      'several values a row',
      'd.npz',
      npz({ x, y, patient: npy('<f4', [200, 2], new Float32Array(400)) }),
      /patient of d\.npz \(groupBy\) has shape \[200, 2\], expected one value a row\.$/,
    ],
    [
      'too few values',
      'd.npz',
      npz({ x, y, patient: npy('<f4', [20], new Float32Array(20)) }),
      /^patient of d\.npz has 20 examples, expected 200/,
    ],
    [
      'a missing value',
      'd.csv',
      table('patient,a,y', (row) => `${row === 3 ? '' : row},1,${row % 2}`),
      /line 5, column 'patient' \(groupBy\) is missing a value\.$/,
    ],
    [
      'one group only',
      'd.csv',
      table('patient,a,y', (row) => `p,1,${row % 2}`),
      /^There are 0 examples in the select split/,
    ],
  ])('names %s', async (_, name, text, message) => {
    const spec: DataSpec = { path: tempFile(name, text), groupBy: 'patient' };
    const error = await readError(spec, FIT);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
  });
});
