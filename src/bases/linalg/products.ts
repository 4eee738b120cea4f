import { UsageError } from '../../errors.js';
import { Heap, startLoops } from './loops.js';
import { transpose, type Matrix } from './matrix.js';

/** Columns of the summed axis, and rows of the right side, worked on at a time: the right side's panel stays in cache. */
const DEPTH = 256;
const PANEL = 64;
/** Products below which copying into the loops' memory does not pay. */
const LOOPS_FROM = 32 ** 3;

/** A B, [m, k] times [k, n], summed in float64. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  return timesTransposed(a, transpose(b));
}

/**
 * A Bᵀ for A [m, k] and B [n, k]: rows against rows, so that both are read along memory.
 * @throws UsageError when the rows differ in length
 */
export function timesTransposed(a: Matrix, b: Matrix): Matrix {
  checkDepth(a, b);
  const c = new Float64Array(a.rows * b.rows);
  accumulate(a, b, c, false);
  return { rows: a.rows, cols: b.rows, values: c };
}

/** A Aᵀ for A [m, k]: [m, m], exactly symmetric. Only the lower half is computed. */
export function rowGram(a: Matrix): Matrix {
  const { rows } = a;
  const c = new Float64Array(rows * rows);
  accumulate(a, a, c, true);
  for (let i = 0; i < rows; i++) for (let j = 0; j < i; j++) c[j * rows + i] = c[i * rows + j];
  return { rows, cols: rows, values: c };
}

function checkDepth(a: Matrix, b: Matrix): void {
  if (a.cols !== b.cols) {
    throw new UsageError(`Rows of ${a.cols} numbers cannot be multiplied with rows of ${b.cols}.`);
  }
}

/** A Bᵀ into c; with `lower` only tiles that touch the lower half. */
function accumulate(a: Matrix, b: Matrix, c: Float64Array, lower: boolean): void {
  if (!accumulateByLoops(a, b, c, lower)) accumulatePlainly(a, b, c, lower);
}

/** False where the loops are not to be had. Rows are filled up to fours with zeros. */
function accumulateByLoops(a: Matrix, b: Matrix, c: Float64Array, lower: boolean): boolean {
  const depth = a.cols;
  const [m, n] = [4 * Math.ceil(a.rows / 4), 4 * Math.ceil(b.rows / 4)];
  if (m * n * depth < LOOPS_FROM) return false;
  const work = PANEL * DEPTH;
  const loops = startLoops(8 * (m * depth + (a === b ? 0 : n * depth) + m * n + work));
  if (loops === null) return false;
  const heap = new Heap(loops);
  const left = heap.take(m * depth);
  left.set(a.values);
  const right = a === b ? left : heap.take(n * depth);
  if (a !== b) right.set(b.values);
  const product = heap.take(m * n);
  const [x, y, z] = [left, right, product].map(({ byteOffset }) => byteOffset);
  loops.timesTransposed(x, y, z, heap.take(work).byteOffset, m, n, depth, lower ? 1 : 0);
  for (let i = 0; i < a.rows; i++) c.set(product.subarray(i * n, i * n + b.rows), i * b.rows);
  return true;
}

function accumulatePlainly(a: Matrix, b: Matrix, c: Float64Array, lower: boolean): void {
  const [m, n, depth] = [a.rows, b.rows, a.cols];
  for (let k0 = 0; k0 < depth; k0 += DEPTH) {
    const k1 = Math.min(depth, k0 + DEPTH);
    for (let j0 = 0; j0 < n; j0 += PANEL) {
      const j1 = Math.min(n, j0 + PANEL);
      for (let i = lower ? j0 : 0; i < m; i += 4) {
        const end = lower ? Math.min(j1, i + 4) : j1;
        if (i + 4 > m) edge(a, b, c, i, m, j0, end, k0, k1);
        else {
          const whole = j0 + ((end - j0) & ~3);
          for (let j = j0; j < whole; j += 4) tile(a.values, b.values, c, i, j, depth, n, k0, k1);
          edge(a, b, c, i, i + 4, whole, end, k0, k1);
        }
      }
    }
  }
}

/** 4 x 4 sums in registers: 8 loads for 16 products. */
function tile(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  i: number,
  j: number,
  depth: number,
  n: number,
  k0: number,
  k1: number,
): void {
  let [c00, c01, c02, c03, c10, c11, c12, c13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [c20, c21, c22, c23, c30, c31, c32, c33] = [0, 0, 0, 0, 0, 0, 0, 0];
  const [a0, a1, a2, a3] = [i * depth, (i + 1) * depth, (i + 2) * depth, (i + 3) * depth];
  const [b0, b1, b2, b3] = [j * depth, (j + 1) * depth, (j + 2) * depth, (j + 3) * depth];
  for (let k = k0; k < k1; k++) {
    const x0 = a[a0 + k];
    const x1 = a[a1 + k];
    const x2 = a[a2 + k];
    const x3 = a[a3 + k];
    const y0 = b[b0 + k];
    const y1 = b[b1 + k];
    const y2 = b[b2 + k];
    const y3 = b[b3 + k];
    c00 += x0 * y0;
    c01 += x0 * y1;
    c02 += x0 * y2;
    c03 += x0 * y3;
    c10 += x1 * y0;
    c11 += x1 * y1;
    c12 += x1 * y2;
    c13 += x1 * y3;
    c20 += x2 * y0;
    c21 += x2 * y1;
    c22 += x2 * y2;
    c23 += x2 * y3;
    c30 += x3 * y0;
    c31 += x3 * y1;
    c32 += x3 * y2;
    c33 += x3 * y3;
  }
  let at = i * n + j;
  c[at] += c00;
  c[at + 1] += c01;
  c[at + 2] += c02;
  c[at + 3] += c03;
  at += n;
  c[at] += c10;
  c[at + 1] += c11;
  c[at + 2] += c12;
  c[at + 3] += c13;
  at += n;
  c[at] += c20;
  c[at + 1] += c21;
  c[at + 2] += c22;
  c[at + 3] += c23;
  at += n;
  c[at] += c30;
  c[at + 1] += c31;
  c[at + 2] += c32;
  c[at + 3] += c33;
}

function edge(
  a: Matrix,
  b: Matrix,
  c: Float64Array,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  k0: number,
  k1: number,
): void {
  const depth = a.cols;
  for (let i = i0; i < i1; i++) {
    for (let j = j0; j < j1; j++) {
      let sum = 0;
      for (let k = k0; k < k1; k++) sum += a.values[i * depth + k] * b.values[j * depth + k];
      c[i * b.rows + j] += sum;
    }
  }
}
