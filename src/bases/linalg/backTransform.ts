import type { Tridiagonal } from './tridiagonal.js';

/**
 * Turns eigenvectors of T into eigenvectors of the matrix, in place: z <- Q z for each row of `vectors`, 2 n² flops a row.
 * @param vectors [r, n]
 */
export function backTransform(t: Tridiagonal, vectors: Float64Array): void {
  const { n, reflectors, scales, compiled } = t;
  const r = vectors.length / n;
  let i = 0;
  for (; i + 4 <= r; i += 4) {
    if (compiled === null) reflectFour(reflectors, scales, n, vectors, i * n);
    else reflectPacked(t, vectors.subarray(i * n, (i + 4) * n));
  }
  for (; i < r; i++) reflectOne(reflectors, scales, n, vectors, i * n);
}

/** Four rows by the compiled loop, which wants them side by side. */
function reflectPacked({ n, reflectors, scales, compiled }: Tridiagonal, rows: Float64Array): void {
  const { loops, packed } = compiled!;
  for (let row = 0; row < 4; row++) for (let j = 0; j < n; j++) packed[4 * j + row] = rows[row * n + j];
  loops.reflectFour(reflectors.byteOffset, scales.byteOffset, n, packed.byteOffset);
  for (let row = 0; row < 4; row++) for (let j = 0; j < n; j++) rows[row * n + j] = packed[4 * j + row];
}

/** Four rows share what is read of the reflections. */
function reflectFour(a: Float64Array, scales: Float64Array, n: number, z: Float64Array, z0: number): void {
  const [z1, z2, z3] = [z0 + n, z0 + 2 * n, z0 + 3 * n];
  for (let k = 1; k < n; k++) {
    const scale = scales[k];
    if (scale === 0) continue;
    const at = k * n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < k; j++) {
      const v = a[at + j];
      s0 += v * z[z0 + j];
      s1 += v * z[z1 + j];
      s2 += v * z[z2 + j];
      s3 += v * z[z3 + j];
    }
    s0 *= scale;
    s1 *= scale;
    s2 *= scale;
    s3 *= scale;
    for (let j = 0; j < k; j++) {
      const v = a[at + j];
      z[z0 + j] -= s0 * v;
      z[z1 + j] -= s1 * v;
      z[z2 + j] -= s2 * v;
      z[z3 + j] -= s3 * v;
    }
  }
}

function reflectOne(a: Float64Array, scales: Float64Array, n: number, z: Float64Array, at: number): void {
  for (let k = 1; k < n; k++) {
    if (scales[k] === 0) continue;
    let sum = 0;
    for (let j = 0; j < k; j++) sum += a[k * n + j] * z[at + j];
    sum *= scales[k];
    for (let j = 0; j < k; j++) z[at + j] -= sum * a[k * n + j];
  }
}
