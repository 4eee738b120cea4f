import { createRandom, type Random } from '../../random/index.js';
import { removeRows } from './orthogonal.js';
import type { Tridiagonal } from './tridiagonal.js';

/** Eigenvalues closer than this share of the norm form a cluster, whose vectors are made orthogonal by hand. */
const CLUSTER = 1e-4;
const SOLVES = 3;
const RETRIES = 4;
/** Largest ‖T x - λ x‖ of a vector that counts as found, as a share of the norm. */
const RESIDUAL = 1e-11;

/**
 * Eigenvectors of a tridiagonal matrix for its largest eigenvalues by inverse iteration, with modified Gram-Schmidt inside clusters
 * (Golub & Van Loan 8.2.2; LAPACK dstein), O(n r) plus n r² inside clusters.
 *
 * @param values eigenvalues, falling
 * @param r vectors wanted, as many as there is room for in `t`
 * @returns [r, n], a vector a row; null where a vector is not found (then the QL method has to do it)
 */
export function inverseIteration(t: Tridiagonal, values: Float64Array, r: number): Float64Array | null {
  const { n } = t;
  const norm = Math.max(Math.abs(values[0]), Math.abs(values[n - 1]));
  const vectors = t.vectors.subarray(0, r * n);
  const solver = new ShiftedSolver(t, norm);
  const random = createRandom(1);
  let clusterStart = 0;
  let shift = Infinity;
  for (let k = 0; k < r; k++) {
    if (k > 0 && values[k - 1] - values[k] > CLUSTER * norm) clusterStart = k;
    // equal eigenvalues are pulled apart, so that their solves differ
    shift = Math.min(values[k], shift - 10 * Number.EPSILON * norm);
    if (clusterStart === k) shift = values[k];
    solver.shift(shift);
    if (!findVector(t, solver, vectors, k, clusterStart, values[k], norm, random)) return null;
  }
  return vectors;
}

function findVector(
  t: Tridiagonal,
  solver: ShiftedSolver,
  vectors: Float64Array,
  k: number,
  clusterStart: number,
  value: number,
  norm: number,
  random: Random,
): boolean {
  const { n } = t;
  const x = vectors.subarray(k * n, (k + 1) * n);
  for (let retry = 0; retry < RETRIES; retry++) {
    for (let i = 0; i < n; i++) x[i] = random.uniform() - 0.5;
    for (let solve = 0; solve < SOLVES; solve++) {
      solver.solve(x, solve > 0);
      normalize(x);
      if (solve === 0) continue;
      const passes = solve === SOLVES - 1 ? 2 : 1;
      removeRows(vectors, n, clusterStart, k, x, passes, t.compiled?.loops);
      if (!normalize(x)) break;
    }
    if (residual(t, x, value) <= RESIDUAL * norm) return true;
  }
  return false;
}

/** T - shift I = P L U, with pivoting. */
class ShiftedSolver {
  readonly #t: Tridiagonal;
  readonly #norm: number;
  readonly #u0: Float64Array;
  readonly #u1: Float64Array;
  readonly #u2: Float64Array;
  readonly #multipliers: Float64Array;
  readonly #swapped: Uint8Array;

  constructor(t: Tridiagonal, norm: number) {
    this.#t = t;
    this.#norm = norm;
    this.#u0 = new Float64Array(t.n);
    this.#u1 = new Float64Array(t.n);
    this.#u2 = new Float64Array(t.n);
    this.#multipliers = new Float64Array(t.n);
    this.#swapped = new Uint8Array(t.n);
  }

  shift(shift: number): void {
    const { n, diagonal, off } = this.#t;
    const tiny = Number.EPSILON * this.#norm;
    let pivot = diagonal[0] - shift;
    let beside = n > 1 ? off[1] : 0;
    for (let i = 0; i < n - 1; i++) {
      const [below, next, after] = [off[i + 1], diagonal[i + 1] - shift, i + 2 < n ? off[i + 2] : 0];
      const swap = Math.abs(below) > Math.abs(pivot);
      this.#swapped[i] = swap ? 1 : 0;
      if (!swap && Math.abs(pivot) < tiny) pivot = tiny;
      const m = swap ? pivot / below : below / pivot;
      this.#multipliers[i] = m;
      this.#u0[i] = swap ? below : pivot;
      this.#u1[i] = swap ? next : beside;
      this.#u2[i] = swap ? after : 0;
      pivot = swap ? beside - m * next : next - m * beside;
      beside = swap ? -m * after : after;
    }
    this.#u0[n - 1] = Math.abs(pivot) < tiny ? tiny : pivot;
  }

  /** Solves in place; without `lower` only U, as befits a random start. */
  solve(x: Float64Array, lower: boolean): void {
    const { n } = this.#t;
    const [u0, u1, u2] = [this.#u0, this.#u1, this.#u2];
    if (lower) this.#solveLower(x);
    x[n - 1] /= u0[n - 1];
    if (n > 1) x[n - 2] = (x[n - 2] - u1[n - 2] * x[n - 1]) / u0[n - 2];
    for (let i = n - 3; i >= 0; i--) {
      x[i] = (x[i] - u1[i] * x[i + 1] - u2[i] * x[i + 2]) / u0[i];
      // solutions grow by the inverse of the distance to the eigenvalue, at each zero of a split matrix anew
      if (Math.abs(x[i]) > 1e200) for (let j = i; j < n; j++) x[j] *= 1e-200;
    }
  }

  #solveLower(x: Float64Array): void {
    const multipliers = this.#multipliers;
    for (let i = 0; i < x.length - 1; i++) {
      const m = multipliers[i];
      if (this.#swapped[i] === 1) {
        const above = x[i];
        x[i] = x[i + 1];
        x[i + 1] = above - m * x[i];
      } else x[i + 1] -= m * x[i];
    }
  }
}

/** To length 1; false where nothing is left. */
function normalize(x: Float64Array): boolean {
  let top = 0;
  for (let i = 0; i < x.length; i++) top = Math.max(top, Math.abs(x[i]));
  if (!(top > 1e-10 && Number.isFinite(top)) && !(top > 0 && top < Infinity)) return false;
  let square = 0;
  for (let i = 0; i < x.length; i++) square += (x[i] / top) ** 2;
  const scale = 1 / (top * Math.sqrt(square));
  for (let i = 0; i < x.length; i++) x[i] *= scale;
  return true;
}

function residual({ n, diagonal, off }: Tridiagonal, x: Float64Array, value: number): number {
  let square = 0;
  for (let i = 0; i < n; i++) {
    const left = i > 0 ? off[i] * x[i - 1] : 0;
    const right = i + 1 < n ? off[i + 1] * x[i + 1] : 0;
    square += ((diagonal[i] - value) * x[i] + left + right) ** 2;
  }
  return Math.sqrt(square);
}
