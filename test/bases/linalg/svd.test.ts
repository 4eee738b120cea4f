import { EVD, Matrix as MlMatrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';

import { backTransform } from '../../../src/bases/linalg/backTransform.js';
import {
  eigSymmetric,
  matrixOf,
  multiply,
  powersOf,
  rowGram,
  singularValues,
  svdTop,
  timesTransposed,
  transpose,
  type Matrix,
  type Svd,
} from '../../../src/bases/linalg/index.js';
import { implicitQl } from '../../../src/bases/linalg/ql.js';
import { tridiagonalize } from '../../../src/bases/linalg/tridiagonal.js';
import { gaussian, jacobiSingularValues, maxDifference, naiveProduct, ofRank, orthonormalError } from './oracles.js';

/** Sums of a few hundred float64 products of size 1. */
const FLOAT64 = 1e-11;
/** What is left of orthogonality: epsilon / 1e-4 between clusters (inverse iteration), epsilon / (1e-4)² across sides. */
const ORTHOGONAL = 2e-8;
/** A Gram matrix gives σ to ε (σ₁/σ)², here down to σ/σ₁ of 1e-3. */
const GRAM = 1e-9;

/** Inverse iteration's orthogonality between clusters: epsilon / 1e-4. */
const EIGEN = 1e-10;

const SHAPES = [
  [1, 1],
  [1, 7],
  [7, 1],
  [2, 3],
  [5, 5],
  [16, 9],
  [9, 16],
  [33, 70],
  [70, 33],
  [61, 61],
] as const;

function rebuilt({ values, left, right }: Svd): Float64Array {
  const scaled = transpose(left).values.map((x, at) => x * values[at % left.rows]);
  return multiply({ rows: left.cols, cols: left.rows, values: scaled }, right).values;
}

describe('products', () => {
  it.each([
    [1, 1, 1],
    [4, 4, 4],
    [5, 7, 3],
    [67, 66, 300],
    [130, 9, 513],
  ])('of %i x %i matrices over a depth of %i equal the naive ones', (m, n, depth) => {
    const [a, b] = [gaussian(m, depth, 1), gaussian(depth, n, 2)];
    const wanted = naiveProduct(a, b).values;
    expect(maxDifference(multiply(a, b).values, wanted)).toBeLessThan(FLOAT64);
    expect(maxDifference(rowGram(a).values, naiveProduct(a, transpose(a)).values)).toBeLessThan(FLOAT64);
  });

  it('refuse rows that do not meet, sizes that do not fit, and numbers that are not finite', () => {
    expect(() => timesTransposed(gaussian(2, 3), gaussian(2, 4))).toThrow(/Rows of 3 numbers/);
    expect(() => matrixOf(2, 3, [1, 2])).toThrow(/2 x 3 was expected, and 2 numbers/);
    expect(() => matrixOf(0, 3, [])).toThrow(/0 x 3/);
    expect(() => matrixOf(1, 2, [1, NaN])).toThrow(/not finite/);
  });
});

describe.each(['gram', 'ml-matrix'] as const)('svdTop by %s', (route) => {
  it.each(SHAPES)('decomposes %i x %i: values as by Jacobi, orthonormal vectors, W = U S Vᵀ', (m, n) => {
    const w = gaussian(m, n, m * 100 + n);
    const svd = svdTop(w, Math.min(m, n), route);
    expect(maxDifference(svd.values, jacobiSingularValues(w))).toBeLessThan(GRAM);
    expect(orthonormalError(svd.left)).toBeLessThan(ORTHOGONAL);
    expect(orthonormalError(svd.right)).toBeLessThan(ORTHOGONAL);
    expect(maxDifference(rebuilt(svd), w.values)).toBeLessThan(1e-7);
  });

  it.each([
    ['rank 3 of 20 x 12', ofRank(3, 20, 12), 3],
    ['rank 3 of 12 x 20', ofRank(3, 12, 20), 3],
    ['zero', matrixOf(6, 4, new Float64Array(24)), 0],
    [
      'one entry',
      matrixOf(
        4,
        4,
        Float64Array.from({ length: 16 }, (_, i) => (i === 9 ? -2 : 0)),
      ),
      1,
    ],
    ['ones', matrixOf(30, 20, new Float64Array(600).fill(1)), 1],
  ] as const)('keeps vectors orthonormal where the rank is short: %s', (_, w, rank) => {
    const svd = svdTop(w, Math.min(w.rows, w.cols), route);
    expect(svd.values.filter((value) => value > 0)).toHaveLength(rank);
    expect(orthonormalError(svd.left)).toBeLessThan(ORTHOGONAL);
    expect(orthonormalError(svd.right)).toBeLessThan(ORTHOGONAL);
    expect(maxDifference(rebuilt(svd), w.values)).toBeLessThan(1e-7);
  });

  it.each([
    ['the identity', 40, (i: number, j: number) => (i === j ? 1 : 0)],
    ['a flipped identity', 40, (i: number, j: number) => (i + j === 39 ? -3 : 0)],
    ['two levels', 50, (i: number, j: number) => (i === j ? (i < 25 ? 2 : 1) : 0)],
    ['an orthogonal Householder matrix', 60, (i: number, j: number) => (i === j ? 1 : 0) - 2 / 60],
  ] as const)('tells equal singular values apart: %s', (_, n, entry) => {
    const w = matrixOf(
      n,
      n,
      Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n)),
    );
    const svd = svdTop(w, n, route);
    expect(maxDifference(svd.values, jacobiSingularValues(w))).toBeLessThan(GRAM);
    expect(orthonormalError(svd.left)).toBeLessThan(ORTHOGONAL);
    expect(maxDifference(rebuilt(svd), w.values)).toBeLessThan(1e-7);
  });

  it('gives the leading vectors alone as it gives them among all', () => {
    const w = gaussian(40, 25, 3);
    const [few, all] = [svdTop(w, 4, route), svdTop(w, 25, route)];
    expect(few.left.rows).toBe(4);
    expect(maxDifference(few.values, all.values)).toBe(0);
    const alignment = timesTransposed(few.right, { rows: 4, cols: 25, values: all.right.values.slice(0, 100) });
    for (let i = 0; i < 4; i++) expect(Math.abs(alignment.values[i * 5])).toBeCloseTo(1, 10);
  });

  it('does not lose the scale of huge and tiny numbers', () => {
    const w = gaussian(9, 6, 5);
    const values = singularValues(w, route);
    for (const scale of [1e-130, 1e-30, 1e30, 1e130]) {
      const scaled = singularValues({ ...w, values: w.values.map((value) => value * scale) }, route);
      expect(
        maxDifference(
          scaled.map((value) => value / scale),
          values,
        ),
      ).toBeLessThan(GRAM);
    }
  });
});

describe('the two routes', () => {
  it.each([
    [96, 64],
    [64, 96],
    [130, 130],
  ])('agree on %i x %i: values, and the approximations of low rank', (m, n) => {
    const w = gaussian(m, n, 11);
    const [gram, ml] = [svdTop(w, 10, 'gram'), svdTop(w, 10, 'ml-matrix')];
    expect(maxDifference(gram.values, ml.values)).toBeLessThan(GRAM * 100);
    const low = (svd: Svd): Float64Array => multiply(timesTransposed(w, svd.right), svd.right).values;
    expect(maxDifference(low(gram), low(ml))).toBeLessThan(GRAM);
  });

  it('report a spectrum that falls over 14 decades to 1e-7 of the first, and 0 below', () => {
    const n = 57;
    const [u, v] = [svdTop(gaussian(n, n, 1)).left, svdTop(gaussian(n, n, 2)).left];
    const spectrum = Float64Array.from({ length: n }, (_, i) => 10 ** (-i / 4));
    const scaled = transpose(u).values.map((x, at) => x * spectrum[at % n]);
    const found = singularValues(multiply({ rows: n, cols: n, values: scaled }, v), 'gram');
    const known = spectrum.filter((sigma) => sigma > 1.1e-7);
    // squares lose what lies below epsilon of the first: the error of σ is ε σ₁² / σ, with a factor for n
    const errors = known.map((sigma, i) => (Math.abs(found[i] - sigma) * sigma) / (100 * Number.EPSILON));
    expect(Math.max(...errors)).toBeLessThan(1);
    expect(new Set(found.slice(spectrum.filter((sigma) => sigma > 0.9e-7).length))).toEqual(new Set([0]));
  });

  it('refuse a number of vectors that is out of range', () => {
    expect(() => svdTop(gaussian(3, 2), 3)).toThrow(/from 0 to 2, not 3/);
    expect(() => svdTop(gaussian(3, 2), 0.5)).toThrow(/whole number/);
  });
});

describe('eigSymmetric', () => {
  it('finds the eigenvalues 2 - 2 cos(i π / (n + 1)) of the second difference', () => {
    const n = 50;
    const a = matrixOf(
      n,
      n,
      Float64Array.from({ length: n * n }, (_, at) => [2, -1][Math.abs(Math.floor(at / n) - (at % n))] ?? 0),
    );
    const { values } = eigSymmetric(a);
    const wanted = Array.from({ length: n }, (_, i) => 2 - 2 * Math.cos(((n - i) * Math.PI) / (n + 1)));
    expect(maxDifference(values, wanted)).toBeLessThan(1e-13);
  });

  it('agrees with ml-matrix on indefinite matrices', () => {
    const half = gaussian(31, 31, 9);
    const a = { ...half, values: half.values.map((x, at) => x + transpose(half).values[at]) };
    const wanted = new EVD(MlMatrix.from1DArray(31, 31, a.values)).realEigenvalues.sort((x, y) => y - x);
    const { values, vectors } = eigSymmetric(a);
    expect(maxDifference(values, wanted)).toBeLessThan(FLOAT64);
    expect(eigenError(a, values, vectors)).toBeLessThan(EIGEN);
  });

  it.each([0, 1, 2])('solves %i zero rows beside ones that couple weakly (Wilkinson W21+)', (zeros) => {
    // two largest eigenvalues agree to 14 digits: 10.746194182903393, 10.746194182903322 (Wilkinson 1965, p. 309)
    const n = 21 + zeros;
    const values = new Float64Array(n * n);
    for (let i = 0; i < 21; i++) {
      values[i * n + i] = Math.abs(10 - i);
      if (i > 0) values[i * n + i - 1] = values[(i - 1) * n + i] = 1;
    }
    const eigen = eigSymmetric(matrixOf(n, n, values));
    expect(eigen.values[0]).toBeCloseTo(10.746194182903393, 12);
    expect(eigen.values[1]).toBeCloseTo(10.746194182903322, 12);
    expect(eigenError(matrixOf(n, n, values), eigen.values, eigen.vectors)).toBeLessThan(EIGEN);
  });

  it.each([
    [300, 1],
    [300, 3],
    [201, 10],
  ])('converges where the spectrum of %i falls by half every %i columns, far below rounding', (n, half) => {
    const flat = gaussian(n, n, half);
    const graded = { ...flat, values: flat.values.map((x, at) => x * 0.5 ** ((at % n) / half)) };
    const a = rowGram(transpose(graded));
    const { values, vectors } = eigSymmetric(a);
    expect(eigenError(a, values, vectors)).toBeLessThan(EIGEN);
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(trace(a), 6);
  });

  it('reflects as QL with vectors does: A = Q T Qᵀ', () => {
    const a = rowGram(gaussian(23, 40, 4));
    const t = tridiagonalize(a.values.slice(), 23);
    const z = new Float64Array(23 * 23);
    for (let i = 0; i < 23; i++) z[i * 24] = 1;
    const values = implicitQl(t, z);
    backTransform(t, z);
    const vectors: Matrix = { rows: 23, cols: 23, values: z };
    expect(eigenError(a, values, vectors)).toBeLessThan(EIGEN);
  });

  it('leaves its argument alone, and refuses what is not square', () => {
    const a = rowGram(gaussian(8, 8));
    const before = a.values.slice();
    eigSymmetric(a);
    expect(a.values).toEqual(before);
    expect(() => eigSymmetric(gaussian(2, 3))).toThrow(/square matrix was expected, not one of 2 x 3/);
    expect(() => eigSymmetric(a, 9)).toThrow(/from 0 to 8, not 9/);
  });
});

function trace({ rows, values }: Matrix): number {
  return values.reduce((sum, value, at) => sum + (at % (rows + 1) === 0 ? value : 0), 0);
}

/** Largest error of A v = λ v, as a share of the largest eigenvalue, and of orthonormality. */
function eigenError(a: Matrix, values: Float64Array, vectors: Matrix): number {
  const n = a.rows;
  const images = timesTransposed(vectors, a).values;
  const wanted = vectors.values.map((x, at) => x * values[Math.floor(at / n)]);
  const size = Math.max(1, ...values.map(Math.abs));
  return Math.max(orthonormalError(vectors), maxDifference(images, wanted) / size);
}

describe('powersOf', () => {
  it('gives a root and its inverse', () => {
    const a = rowGram(gaussian(12, 30, 8));
    const [root, inverse] = powersOf(a, [0.5, -0.5], 0);
    expect(maxDifference(multiply(root.matrix, root.matrix).values, a.values)).toBeLessThan(FLOAT64);
    const identity = multiply(root.matrix, inverse.matrix).values;
    expect(
      maxDifference(
        identity,
        Float64Array.from({ length: 144 }, (_, i) => (i % 13 === 0 ? 1 : 0)),
      ),
    ).toBeLessThan(FLOAT64);
  });

  it('adds a share of the mean eigenvalue, so that singular matrices have an inverse root', () => {
    const a = rowGram(ofRank(2, 6, 6));
    const [{ matrix, values }] = powersOf(a, [-0.5], 1e-2);
    const mean = (a.values[0] + a.values[7] + a.values[14] + a.values[21] + a.values[28] + a.values[35]) / 6;
    expect(values[5]).toBeCloseTo(1e-2 * mean, 10);
    const inverse = multiply(matrix, matrix);
    const ridged = { ...a, values: a.values.map((x, at) => (at % 7 === 0 ? x + 1e-2 * mean : x)) };
    expect(
      maxDifference(
        multiply(inverse, ridged).values,
        Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
      ),
    ).toBeLessThan(1e-9);
  });

  it('gives the identity for zero', () => {
    const [{ matrix }] = powersOf(matrixOf(3, 3, new Float64Array(9)), [-0.5], 1e-3);
    expect([...matrix.values]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
