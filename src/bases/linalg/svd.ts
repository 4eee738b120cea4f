import { SVD, Matrix as MlMatrix } from 'ml-matrix';

import { UsageError } from '../../errors.js';
import { createRandom } from '../../random/index.js';
import { eigSymmetric } from './eig.js';
import { transpose, type Matrix } from './matrix.js';
import { completeRows } from './orthogonal.js';
import { rowGram, timesTransposed } from './products.js';

/** Which way a decomposition takes; `auto` goes by size. */
export type SvdRoute = 'auto' | 'ml-matrix' | 'gram';

export interface Svd {
  /** All min(rows, cols) singular values, falling; those below 1e-7 of the first are 0. */
  readonly values: Float64Array;
  /** [r, rows]: left singular vectors, one a row. */
  readonly left: Matrix;
  /** [r, cols]: right singular vectors, one a row. */
  readonly right: Matrix;
}

export const SVD_DEFAULTS = {
  /**
   * ml-matrix decomposes W itself, so that it keeps small singular values to full precision, and takes about 2 ms for this many products
   * (rows x cols x shorter side, here 48 x 48); its time over the Gram route's grows from 3 to 10 from there on (bench/svd).
   */
  mlMatrixProducts: 48 ** 3,
} as const;

/** Float64 Gram matrices, like float32 weights, tell nothing about smaller singular values (share of the first). */
const FLOOR = 1e-7;
/** Vectors of the other side are computed above this share of the first singular value, and completed below. */
const VECTOR_FLOOR = 1e-6;
/** Below this share the computed vectors lose orthogonality, as epsilon (σ₁/σ)², and are made orthogonal again. */
const REPAIR = 1e-4;

/** All min(rows, cols) singular values, falling. */
export function singularValues(w: Matrix, route: SvdRoute = 'auto'): Float64Array {
  return svdTop(w, 0, route).values;
}

/**
 * The whole spectrum of W [rows, cols] and the singular vectors of its r largest singular values.
 *
 * The Gram route: eigenvectors of the smaller side's Gram matrix, summed in float64; the other side by multiplication. The best
 * approximation of rank r is (W V) Vᵀ, or U (Uᵀ W).
 *
 * @param r 0..min(rows, cols), default all
 * @throws UsageError when r is out of range
 */
export function svdTop(w: Matrix, r = Math.min(w.rows, w.cols), route: SvdRoute = 'auto'): Svd {
  const full = Math.min(w.rows, w.cols);
  if (!(Number.isInteger(r) && r >= 0 && r <= full)) {
    throw new UsageError(`The number of singular vectors must be a whole number from 0 to ${full}, not ${r}.`);
  }
  const small = route === 'auto' ? w.rows * w.cols * full <= SVD_DEFAULTS.mlMatrixProducts : route === 'ml-matrix';
  return small ? byMlMatrix(w, r) : byGram(w, r);
}

function byGram(w: Matrix, r: number): Svd {
  // rows of `short` are the directions of the smaller side
  const tall = w.rows >= w.cols;
  const short = tall ? transpose(w) : w;
  const { scaled, unit } = withUnitSize(short);
  const { values: squares, vectors } = eigSymmetric(rowGram(scaled), r);
  const values = floored(squares.map((square) => Math.sqrt(Math.max(0, square)) * unit));
  const others = otherSide(scaled, vectors);
  return tall ? { values, right: vectors, left: others } : { values, left: vectors, right: others };
}

/** Squares must not overflow nor vanish. */
function withUnitSize(w: Matrix): { scaled: Matrix; unit: number } {
  let top = 0;
  for (const value of w.values) top = Math.max(top, Math.abs(value));
  if (top === 0 || (top > 1e-100 && top < 1e100)) return { scaled: w, unit: 1 };
  return { scaled: { ...w, values: w.values.map((value) => value / top) }, unit: top };
}

function floored(values: Float64Array): Float64Array {
  return values.map((value) => (value < FLOOR * values[0] ? 0 : value));
}

/** Wᵀ u / σ for each vector u of the smaller side; [r, longer side]. */
function otherSide(short: Matrix, vectors: Matrix): Matrix {
  const products = timesTransposed(vectors, transpose(short));
  const { rows: r, cols: n, values } = products;
  let sound = r;
  let first = 0;
  for (let row = 0; row < r; row++) {
    const x = values.subarray(row * n, (row + 1) * n);
    const size = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
    if (row === 0) first = size;
    if (size < REPAIR * first || size === 0) sound = Math.min(sound, row);
    const scale = size >= VECTOR_FLOOR * first && size > 0 ? 1 / size : 0;
    for (let i = 0; i < n; i++) x[i] *= scale;
  }
  if (sound < r) completeRows(values, n, sound, createRandom(2));
  return products;
}

function byMlMatrix(w: Matrix, r: number): Svd {
  const matrix = MlMatrix.from1DArray(w.rows, w.cols, w.values);
  // autoTranspose: ml-matrix prints and errs on wide matrices
  const wanted = r > 0;
  const svd = new SVD(matrix, {
    computeLeftSingularVectors: wanted,
    computeRightSingularVectors: wanted,
    autoTranspose: true,
  });
  const order = [...svd.diagonal.keys()].sort((i, j) => svd.diagonal[j] - svd.diagonal[i]);
  const full = Math.min(w.rows, w.cols);
  const values = floored(Float64Array.from(order.slice(0, full), (i) => svd.diagonal[i]));
  const chosen = order.slice(0, r);
  return {
    values,
    left: wanted ? columns(svd.leftSingularVectors, chosen, w.rows, r) : none(w.rows),
    right: wanted ? columns(svd.rightSingularVectors, chosen, w.cols, r) : none(w.cols),
  };
}

function columns(vectors: MlMatrix, chosen: readonly number[], n: number, r: number): Matrix {
  const values = new Float64Array(r * n);
  chosen.forEach((column, row) => {
    for (let i = 0; i < n; i++) values[row * n + i] = vectors.get(i, column);
  });
  completeRows(values, n, 0, createRandom(2));
  return { rows: r, cols: n, values };
}

function none(cols: number): Matrix {
  return { rows: 0, cols, values: new Float64Array(0) };
}
