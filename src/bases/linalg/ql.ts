import { TdcError } from '../../errors.js';
import type { Tridiagonal } from './tridiagonal.js';

/** Sweeps per eigenvalue before giving up; 1 or 2 are usual. */
const MAX_SWEEPS = 80;
/**
 * Share of the largest number below which an off-diagonal counts as 0 whatever stands beside it: less than what rounding put there. Where the
 * eigenvalues fall to that level, the test against the neighbours alone may never be met.
 */
const NEGLIGIBLE = Number.EPSILON / 4;

/**
 * Eigenvalues of a tridiagonal matrix by the implicit QL method (EISPACK imtql1/imtql2), O(n²), in no order.
 * @param vectors [n, n], changed to the eigenvectors in its rows when it starts as the identity; absent: values only
 */
export function implicitQl({ n, diagonal, off }: Tridiagonal, vectors?: Float64Array): Float64Array {
  const d = diagonal.slice();
  const e = new Float64Array(n);
  e.set(off.subarray(1));
  const negligible = NEGLIGIBLE * largest(d, e);
  for (let low = 0; low < n; low++) {
    for (let sweep = 0; ; sweep++) {
      const high = blockEnd(d, e, low, n, negligible);
      if (high === low) break;
      if (sweep >= MAX_SWEEPS) throw new TdcError('numeric', 1, `The QL method has not converged on ${n} eigenvalues.`);
      sweepBlock(d, e, low, high, n, vectors);
    }
  }
  return d;
}

function largest(d: Float64Array, e: Float64Array): number {
  let top = 0;
  for (let i = 0; i < d.length; i++) top = Math.max(top, Math.abs(d[i]), Math.abs(e[i]));
  return top;
}

/** End of the block that begins at `low`: where the off-diagonal is negligible. */
function blockEnd(d: Float64Array, e: Float64Array, low: number, n: number, negligible: number): number {
  let high = low;
  for (; high < n - 1; high++) {
    if (Math.abs(e[high]) <= Number.EPSILON * (Math.abs(d[high]) + Math.abs(d[high + 1]))) break;
    if (Math.abs(e[high]) <= negligible) break;
  }
  return high;
}

function sweepBlock(d: Float64Array, e: Float64Array, low: number, high: number, n: number, z?: Float64Array): void {
  let g = (d[low + 1] - d[low]) / (2 * e[low]);
  let r = Math.hypot(g, 1);
  g = d[high] - d[low] + e[low] / (g + (g >= 0 ? r : -r));
  let [s, c, p] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const f = s * e[i];
    const b = c * e[i];
    r = Math.abs(f) + Math.abs(g) > 1e-140 ? Math.sqrt(f * f + g * g) : Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      e[high] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    if (z !== undefined) rotateRows(z, i * n, (i + 1) * n, n, s, c);
  }
  d[low] -= p;
  e[low] = g;
  e[high] = 0;
}

function rotateRows(z: Float64Array, a: number, b: number, n: number, s: number, c: number): void {
  for (let k = 0; k < n; k++) {
    const [x, y] = [z[a + k], z[b + k]];
    z[b + k] = s * x + c * y;
    z[a + k] = c * x - s * y;
  }
}
