import type { Random } from '../../random/index.js';
import type { Loops } from './loops.js';

/**
 * Subtracts from x its share in the orthonormal rows `from` <= row < `to`.
 * @param passes 2: rounding leaves nothing, however small the rest
 * @param loops given when rows and x lie in the memory of the compiled loops
 */
export function removeRows(
  rows: Float64Array,
  n: number,
  from: number,
  to: number,
  x: Float64Array,
  passes = 2,
  loops: Loops | null = null,
): void {
  if (from >= to) return;
  for (let pass = 0; pass < passes; pass++) {
    if (loops === null) removePlainly(rows, n, from, to, x);
    else loops.removeRows(rows.byteOffset, n, from, to, x.byteOffset);
  }
}

function removePlainly(rows: Float64Array, n: number, from: number, to: number, x: Float64Array): void {
  let row = from;
  for (; row + 4 <= to; row += 4) removeFour(rows, n, row * n, x);
  for (; row < to; row++) removeOne(rows, n, row * n, x);
}

/**
 * Four rows share what is read of x; they are orthogonal to each other, so that their order does not matter. Even and odd places are summed
 * apart, as the lanes of the compiled loop do it.
 */
function removeFour(z: Float64Array, n: number, z0: number, x: Float64Array): void {
  const [z1, z2, z3] = [z0 + n, z0 + 2 * n, z0 + 3 * n];
  let [s0, s1, s2, s3, t0, t1, t2, t3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i += 2) {
    const v = x[i];
    s0 += v * z[z0 + i];
    s1 += v * z[z1 + i];
    s2 += v * z[z2 + i];
    s3 += v * z[z3 + i];
    if (i + 1 === n) break;
    const u = x[i + 1];
    t0 += u * z[z0 + i + 1];
    t1 += u * z[z1 + i + 1];
    t2 += u * z[z2 + i + 1];
    t3 += u * z[z3 + i + 1];
  }
  s0 += t0;
  s1 += t1;
  s2 += t2;
  s3 += t3;
  for (let i = 0; i < n; i++) x[i] -= s0 * z[z0 + i] + s1 * z[z1 + i] + s2 * z[z2 + i] + s3 * z[z3 + i];
}

function removeOne(z: Float64Array, n: number, at: number, x: Float64Array): void {
  const sums = [0, 0];
  for (let i = 0; i < n; i++) sums[i & 1] += x[i] * z[at + i];
  const dot = sums[0] + sums[1];
  for (let i = 0; i < n; i++) x[i] -= dot * z[at + i];
}

/**
 * Makes rows orthonormal in place, from row `from` on; those before are orthonormal already. A row with nothing of its own left
 * becomes a random direction: the QR completion of a rank-deficient basis.
 * @param rows [r, n], r <= n
 */
export function completeRows(rows: Float64Array, n: number, from: number, random: Random): void {
  for (let row = from; row < rows.length / n; row++) {
    const x = rows.subarray(row * n, (row + 1) * n);
    let before = length(x);
    if (before === 0) before = randomize(x, random);
    removeRows(rows, n, 0, row, x);
    while (!(length(x) > 1e-8 * before)) {
      before = randomize(x, random);
      removeRows(rows, n, 0, row, x);
    }
    const scale = 1 / length(x);
    for (let i = 0; i < n; i++) x[i] *= scale;
  }
}

function randomize(x: Float64Array, random: Random): number {
  for (let i = 0; i < x.length; i++) x[i] = random.uniform() - 0.5;
  return length(x);
}

function length(x: Float64Array): number {
  let square = 0;
  for (let i = 0; i < x.length; i++) square += x[i] * x[i];
  return Math.sqrt(square);
}
