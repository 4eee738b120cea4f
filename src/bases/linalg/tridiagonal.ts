import { Heap, startLoops, type Loops } from './loops.js';

/** Sizes from which the compiled loops are worth their start. */
const LOOPS_FROM = 32;

/** A symmetric matrix as Q T Qᵀ with T tridiagonal and Q a product of reflections. */
export interface Tridiagonal {
  readonly n: number;
  /** Diagonal of T, [n]. */
  readonly diagonal: Float64Array;
  /** `off[i]` stands at (i, i - 1) and (i - 1, i); `off[0]` is 0. */
  readonly off: Float64Array;
  /** Row k holds, before its diagonal, the vector of reflection k; [n, n]. */
  readonly reflectors: Float64Array;
  /** Reflection k is I - scales[k] v vᵀ; 0 for the identity. */
  readonly scales: Float64Array;
  /** Zeros, [room, n]: for eigenvectors. */
  readonly vectors: Float64Array;
  /** The compiled loops, in whose memory all of this lies, and room there for four packed vectors; null: not used. */
  readonly compiled: { readonly loops: Loops; readonly packed: Float64Array } | null;
}

/**
 * Householder tridiagonalisation, 4/3 n³ (Golub & Van Loan 8.3.1, from the last row up).
 *
 * The matrix-vector product of one reflection is taken in the same walk over the triangle as the update by the one before, so that each
 * number is fetched once a reflection.
 *
 * @param a symmetric, [n, n]; its lower half is read and overwritten
 * @param room number of eigenvectors that will be wanted
 */
export function tridiagonalize(a: Float64Array, n: number, room = 0): Tridiagonal {
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const loops = n < LOOPS_FROM ? null : startLoops(8 * (n * n + 9 * n + room * n));
  const heap = loops === null ? null : new Heap(loops);
  const take = (count: number): Float64Array => heap?.take(count) ?? new Float64Array(count);
  const reflectors = heap === null ? a : take(n * n);
  if (heap !== null) reflectors.set(a);
  const scales = take(n);
  const work: Work = { a: reflectors, n, loops, v: take(n), p: take(n), w: take(n), q: take(n) };
  let pending = false;
  for (let k = n - 1; k >= 1; k--) {
    if (pending) updateRow(work, k);
    diagonal[k] = reflectors[k * n + k];
    const scale = reflection(reflectors, k * n, k, off);
    scales[k] = scale;
    work.w.set(reflectors.subarray(k * n, k * n + k));
    walk(work, k, pending, scale !== 0);
    pending = scale !== 0;
    if (pending) nextUpdate(work, k, scale);
  }
  diagonal[0] = reflectors[0];
  const compiled = loops === null ? null : { loops, packed: take(4 * n) };
  return { n, diagonal, off, reflectors, scales, vectors: take(room * n), compiled };
}

interface Work {
  readonly a: Float64Array;
  readonly n: number;
  readonly loops: Loops | null;
  /** The pending update of what is left: A - v pᵀ - p vᵀ. */
  v: Float64Array;
  p: Float64Array;
  /** The next reflection's vector, and its product with what is left. */
  w: Float64Array;
  q: Float64Array;
}

/** Turns the row at `at` into a reflection's vector that leaves only its last number; returns its scale. */
function reflection(a: Float64Array, at: number, k: number, off: Float64Array): number {
  let rest = 0;
  let top = 0;
  for (let j = 0; j < k; j++) top = Math.max(top, Math.abs(a[at + j]));
  // numbers whose squares would underflow or overflow are scaled
  const unit = top > 1e-140 && top < 1e140 ? 1 : top;
  if (unit === 0) {
    off[k] = 0;
    return 0;
  }
  for (let j = 0; j < k - 1; j++) rest += (a[at + j] / unit) ** 2;
  const last = a[at + k - 1];
  if (rest === 0) {
    off[k] = last;
    return 0;
  }
  const norm = Math.sqrt(rest + (last / unit) ** 2);
  const alpha = last > 0 ? -norm : norm;
  if (unit !== 1) for (let j = 0; j < k; j++) a[at + j] /= unit;
  const head = last / unit - alpha;
  a[at + k - 1] = head;
  off[k] = alpha * unit;
  return -1 / (alpha * head);
}

/** What is left of row k after the pending update, its diagonal included. */
function updateRow({ a, n, v, p }: Work, k: number): void {
  const [at, vk, pk] = [k * n, v[k], p[k]];
  for (let j = 0; j <= k; j++) a[at + j] -= vk * p[j] + pk * v[j];
}

/** Rows 0..k-1: the pending update, and the product with w, two rows at a time. */
function walk({ a, n, loops, v, p, w, q }: Work, k: number, update: boolean, product: boolean): void {
  if (!update && !product) return;
  if (!update) {
    v.fill(0, 0, k);
    p.fill(0, 0, k);
  }
  q.fill(0, 0, k);
  if (loops !== null) {
    loops.walk(a.byteOffset, n, k, v.byteOffset, p.byteOffset, w.byteOffset, q.byteOffset);
    return;
  }
  let i = 0;
  for (; i + 1 < k; i += 2) pairOfRows(a, n, i, v, p, w, q);
  if (i < k) lastRow(a, n, i, v, p, w, q);
}

function pairOfRows(
  a: Float64Array,
  n: number,
  i: number,
  v: Float64Array,
  p: Float64Array,
  w: Float64Array,
  q: Float64Array,
): void {
  const [r0, r1] = [i * n, (i + 1) * n];
  const v0 = v[i];
  const v1 = v[i + 1];
  const p0 = p[i];
  const p1 = p[i + 1];
  const w0 = w[i];
  const w1 = w[i + 1];
  // even and odd places are summed apart, as the lanes of the compiled loop do it; i is even
  let [s0, s1, t0, t1] = [0, 0, 0, 0];
  for (let j = 0; j < i; j += 2) {
    const x = a[r0 + j] - v0 * p[j] - p0 * v[j];
    const y = a[r1 + j] - v1 * p[j] - p1 * v[j];
    a[r0 + j] = x;
    a[r1 + j] = y;
    s0 += x * w[j];
    s1 += y * w[j];
    q[j] += x * w0 + y * w1;
    const xx = a[r0 + j + 1] - v0 * p[j + 1] - p0 * v[j + 1];
    const yy = a[r1 + j + 1] - v1 * p[j + 1] - p1 * v[j + 1];
    a[r0 + j + 1] = xx;
    a[r1 + j + 1] = yy;
    t0 += xx * w[j + 1];
    t1 += yy * w[j + 1];
    q[j + 1] += xx * w0 + yy * w1;
  }
  s0 += t0;
  s1 += t1;
  const x = a[r0 + i] - 2 * v0 * p0;
  const y = a[r1 + i] - v1 * p0 - p1 * v0;
  const z = a[r1 + i + 1] - 2 * v1 * p1;
  a[r0 + i] = x;
  a[r1 + i] = y;
  a[r1 + i + 1] = z;
  q[i] += s0 + x * w0 + y * w1;
  q[i + 1] += s1 + y * w0 + z * w1;
}

function lastRow(
  a: Float64Array,
  n: number,
  i: number,
  v: Float64Array,
  p: Float64Array,
  w: Float64Array,
  q: Float64Array,
): void {
  const at = i * n;
  const [vi, pi, wi] = [v[i], p[i], w[i]];
  const sums = [0, 0];
  for (let j = 0; j < i; j++) {
    const x = a[at + j] - vi * p[j] - pi * v[j];
    a[at + j] = x;
    sums[j & 1] += x * w[j];
    q[j] += x * wi;
  }
  const x = a[at + i] - 2 * vi * pi;
  a[at + i] = x;
  q[i] += sums[0] + sums[1] + x * wi;
}

/** From w and q = A w to the update A - w pᵀ - p wᵀ of the reflection I - scale w wᵀ. */
function nextUpdate(work: Work, k: number, scale: number): void {
  const { w, q } = work;
  let dot = 0;
  for (let j = 0; j < k; j++) {
    q[j] *= scale;
    dot += q[j] * w[j];
  }
  const half = (scale * dot) / 2;
  for (let j = 0; j < k; j++) q[j] -= half * w[j];
  [work.v, work.w] = [work.w, work.v];
  [work.p, work.q] = [work.q, work.p];
}
