import { UsageError } from '../../errors.js';
import { backTransform } from './backTransform.js';
import { inverseIteration } from './inverseIteration.js';
import { transpose, type Matrix } from './matrix.js';
import { timesTransposed } from './products.js';
import { implicitQl } from './ql.js';
import { tridiagonalize, type Tridiagonal } from './tridiagonal.js';

export interface Eigen {
  /** All eigenvalues, falling. */
  readonly values: Float64Array;
  /** [r, n]: the unit eigenvectors of the r largest, one a row. */
  readonly vectors: Matrix;
}

/**
 * Eigenvalues of a symmetric matrix, and the vectors of its `count` largest: tridiagonalisation, QL for the values, inverse iteration
 * for the vectors (QL where that fails), all in float64.
 *
 * @param a [n, n]; only its lower half is read
 * @param count 0..n, default n
 * @throws UsageError when the matrix is not square, or `count` is out of range
 */
export function eigSymmetric(a: Matrix, count = a.rows): Eigen {
  const n = checkSquare(a);
  if (!(Number.isInteger(count) && count >= 0 && count <= n)) {
    throw new UsageError(`The number of eigenvectors must be a whole number from 0 to ${n}, not ${count}.`);
  }
  const t = tridiagonalize(a.values.slice(), n, count);
  const values = implicitQl(t).sort().reverse();
  if (count === 0) return { values, vectors: { rows: 0, cols: n, values: new Float64Array(0) } };
  // out of the loops' memory, which goes with them
  const found = inverseIteration(t, values, count)?.slice() ?? byQl(t, count);
  backTransform(t, found);
  return { values, vectors: { rows: count, cols: n, values: found } };
}

function byQl(t: Tridiagonal, count: number): Float64Array {
  const { n } = t;
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  const values = implicitQl(t, identity);
  const order = [...values.keys()].sort((i, j) => values[j] - values[i]).slice(0, count);
  const result = new Float64Array(count * n);
  order.forEach((row, i) => result.set(identity.subarray(row * n, (row + 1) * n), i * n));
  return result;
}

export interface Power {
  readonly matrix: Matrix;
  /** Eigenvalues of the ridged matrix before the power, falling. */
  readonly values: Float64Array;
}

/**
 * Several powers (A + ridge m I)^power, for one eigendecomposition, of a symmetric positive semidefinite A, with m its mean eigenvalue. Eigenvalues that rounding made negative count as 0.
 * Where the whole matrix is 0 the answer is the identity: nothing tells its directions apart.
 *
 * @param ridge share of the mean eigenvalue; > 0 for negative powers of what may be singular
 */
export function powersOf(a: Matrix, powers: readonly number[], ridge: number): Power[] {
  const n = checkSquare(a);
  const { values, vectors } = eigSymmetric(a);
  const mean = values.reduce((sum, value) => sum + Math.max(0, value), 0) / n;
  const ridged = mean === 0 ? values.map(() => 1) : values.map((value) => Math.max(0, value) + ridge * mean);
  const columns = transpose(vectors);
  return powers.map((power) => {
    const scaled = columns.values.map((x, at) => x * ridged[at % n] ** power);
    return { matrix: timesTransposed({ ...columns, values: scaled }, columns), values: ridged };
  });
}

function checkSquare({ rows, cols }: Matrix): number {
  if (rows !== cols) throw new UsageError(`A square matrix was expected, not one of ${rows} x ${cols}.`);
  return rows;
}
