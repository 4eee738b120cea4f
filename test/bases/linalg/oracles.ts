import { matrixOf, type Matrix } from '../../../src/bases/linalg/index.js';
import { createRandom } from '../../../src/random/index.js';

/** Standard normal numbers. */
export function gaussian(rows: number, cols: number, seed = 1): Matrix {
  const random = createRandom(seed);
  return matrixOf(
    rows,
    cols,
    Float64Array.from({ length: rows * cols }, () => random.normal()),
  );
}

/** A product of two thin Gaussian matrices. */
export function ofRank(rank: number, rows: number, cols: number, seed = 1): Matrix {
  return naiveProduct(gaussian(rows, rank, seed), gaussian(rank, cols, seed + 1));
}

export function naiveProduct(a: Matrix, b: Matrix): Matrix {
  const values = new Float64Array(a.rows * b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.cols; j++) {
      for (let k = 0; k < a.cols; k++) values[i * b.cols + j] += a.values[i * a.cols + k] * b.values[k * b.cols + j];
    }
  }
  return { rows: a.rows, cols: b.cols, values };
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

/** Largest entry of V Vᵀ - I for vectors in rows. */
export function orthonormalError({ rows, cols, values }: Matrix): number {
  let largest = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < cols; k++) dot += values[i * cols + k] * values[j * cols + k];
      largest = Math.max(largest, Math.abs(dot - (i === j ? 1 : 0)));
    }
  }
  return largest;
}

/** Singular values by one-sided Jacobi rotations (Hestenes 1958): slow, and accurate to the last bits. */
export function jacobiSingularValues(w: Matrix): number[] {
  const byColumns = w.cols <= w.rows;
  const [n, m] = byColumns ? [w.cols, w.rows] : [w.rows, w.cols];
  const vectors = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: m }, (_, j) => w.values[byColumns ? j * w.cols + i : i * w.cols + j]),
  );
  for (let sweep = 0, rotated = true; rotated && sweep < 60; sweep++) {
    rotated = false;
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) rotated = rotate(vectors[i], vectors[j]) || rotated;
  }
  return vectors.map((x) => Math.sqrt(dot(x, x))).sort((a, b) => b - a);
}

function rotate(x: Float64Array, y: Float64Array): boolean {
  const [a, b, g] = [dot(x, x), dot(y, y), dot(x, y)];
  if (Math.abs(g) <= 1e-15 * Math.sqrt(a * b)) return false;
  const z = (b - a) / (2 * g);
  const t = (z >= 0 ? 1 : -1) / (Math.abs(z) + Math.hypot(1, z));
  const c = 1 / Math.hypot(1, t);
  for (let k = 0; k < x.length; k++) [x[k], y[k]] = [c * (x[k] - t * y[k]), c * (t * x[k] + y[k])];
  return true;
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, k) => sum + value * y[k], 0);
}
