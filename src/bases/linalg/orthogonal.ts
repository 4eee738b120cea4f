import type { Random } from '../../random/index.js';

/** Subtracts from x its share in the orthonormal rows `from` <= row < `to`, twice, so that rounding leaves nothing. */
export function removeRows(rows: Float64Array, n: number, from: number, to: number, x: Float64Array): void {
  if (from >= to) return;
  for (let pass = 0; pass < 2; pass++) {
    let row = from;
    for (; row + 4 <= to; row += 4) removeFour(rows, n, row * n, x);
    for (; row < to; row++) removeOne(rows, n, row * n, x);
  }
}

/** Four rows share what is read of x; they are orthogonal to each other, so that their order does not matter. */
function removeFour(z: Float64Array, n: number, z0: number, x: Float64Array): void {
  const [z1, z2, z3] = [z0 + n, z0 + 2 * n, z0 + 3 * n];
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < n; i++) {
    const v = x[i];
    s0 += v * z[z0 + i];
    s1 += v * z[z1 + i];
    s2 += v * z[z2 + i];
    s3 += v * z[z3 + i];
  }
  for (let i = 0; i < n; i++) x[i] -= s0 * z[z0 + i] + s1 * z[z1 + i] + s2 * z[z2 + i] + s3 * z[z3 + i];
}

function removeOne(z: Float64Array, n: number, at: number, x: Float64Array): void {
  let dot = 0;
  for (let i = 0; i < n; i++) dot += z[at + i] * x[i];
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
