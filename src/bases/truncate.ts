import { UsageError } from '../errors.js';
import { foldKernel } from './kernels.js';
import { multiply, type Matrix } from './linalg/index.js';
import type { RankBasis } from './types.js';

export interface Truncated {
  /** The kernel of rank k, in the layer's own shape. */
  readonly kernel: Float32Array;
  /** What the layer's bias gains: mean (W - W_k), [cols]; null where the basis corrects no mean. */
  readonly biasShift: Float32Array | null;
}

/**
 * One kernel and bias that compute what the layer factored at rank k computes.
 * @param k 0..n; at n the layer itself (to float32)
 * @throws UsageError for any other k
 */
export function truncateKernel(basis: RankBasis, k: number): Truncated {
  const { n, rows, cols, mean } = basis;
  checkRank(basis, k);
  const kernel = foldKernel(basis.kernelShape, basis.form, product(basis, 0, k));
  if (mean === null) return { kernel, biasShift: null };
  const lost = product(basis, k, n);
  const shift = new Float64Array(cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) shift[j] += mean[i] * lost[i * cols + j];
  return { kernel, biasShift: Float32Array.from(shift) };
}

/** left[:, from:to] right[from:to, :], summed in float64. */
function product({ n, rows, cols, left, right }: RankBasis, from: number, to: number): Float64Array {
  const depth = to - from;
  if (depth === 0) return new Float64Array(rows * cols);
  const a = new Float64Array(rows * depth);
  for (let i = 0; i < rows; i++) a.set(left.subarray(i * n + from, i * n + to), i * depth);
  const b: Matrix = { rows: depth, cols, values: Float64Array.from(right.subarray(from * cols, to * cols)) };
  return multiply({ rows, cols: depth, values: a }, b).values;
}

/**
 * The two factors at rank k with the same length on either side of each direction: a fair start for training.
 * @returns left [rows, k] and right [k, cols]
 */
export function balancedFactors(basis: RankBasis, k: number): { left: Float32Array; right: Float32Array } {
  const { n, rows, cols } = basis;
  checkRank(basis, k);
  const left = new Float32Array(rows * k);
  const right = new Float32Array(k * cols);
  for (let d = 0; d < k; d++) {
    const before = length(basis.left, d, n, rows);
    const behind = length(basis.right, d * cols, 1, cols);
    const scale = before > 0 && behind > 0 ? Math.sqrt(behind / before) : 1;
    for (let i = 0; i < rows; i++) left[i * k + d] = basis.left[i * n + d] * scale;
    for (let j = 0; j < cols; j++) right[d * cols + j] = basis.right[d * cols + j] / scale;
  }
  return { left, right };
}

function length(values: Float32Array, start: number, step: number, count: number): number {
  let square = 0;
  for (let i = 0; i < count; i++) square += values[start + i * step] ** 2;
  return Math.sqrt(square);
}

function checkRank({ layer, n }: RankBasis, k: number): void {
  if (Number.isInteger(k) && k >= 0 && k <= n) return;
  throw new UsageError(`The rank of "${layer}" must be a whole number from 0 to ${n}, not ${k}.`);
}
