import { UsageError } from '../errors.js';
import { kernelMatrix, type KernelInfo } from './kernels.js';
import type { KernelStatistics } from './kernelStatistics.js';
import { eigSymmetric, multiply, powersOf, svdTop, timesTransposed, transpose, type Matrix } from './linalg/index.js';
import { RANK_BASES, type RankBasis, type RankBasisName } from './types.js';

export { balancedFactors, truncateKernel, type Truncated } from './truncate.js';

/** What an inverse root needs: shares of the mean eigenvalue added to the diagonal. */
export const RIDGES = {
  /** Whitening only has to survive dead inputs; the optimum must not move. */
  whitened: 1e-9,
  /** Input covariance and output gradients of K-FAC (Martens & Grosse 2015 damp likewise). */
  input: 1e-4,
  gradient: 1e-3,
} as const;

/** PCA wants all directions of the inputs; above this many that takes longer than it is worth. */
export const PCA_MAX_INPUTS = 1536;

/** The factors of a kernel and the values that go with them; see RankBasis. */
interface Factors {
  readonly left: Matrix;
  readonly right: Matrix;
  readonly values: Float64Array;
}

/**
 * Why a basis cannot be had for this kernel, as the end of a sentence; null when it can.
 * @param statistics of this kernel; needed by `pca`, `whitened` and (with gradients) `kfac`
 */
export function rankBasisRefusal(
  name: RankBasisName,
  kernel: KernelInfo,
  statistics?: KernelStatistics,
): string | null {
  if (name === 'svd') return null;
  if (name === 'svd-spatial') {
    if (kernel.kernelShape.length !== 4) return 'its kernel has no two spatial sides';
    return Math.min(...kernel.kernelShape.slice(0, 2)) === 1 ? 'with a side of 1 it is the plain decomposition' : null;
  }
  if (statistics === undefined) return 'the statistics of its inputs are missing';
  if (name === 'pca' && kernel.rows > PCA_MAX_INPUTS)
    return `it has ${kernel.rows} inputs, more than ${PCA_MAX_INPUTS}`;
  if (name === 'kfac' && statistics.gradient === null) return 'the gradients of its outputs are missing';
  return null;
}

/**
 * Factors one kernel.
 *
 * `svd`, `svd-spatial`: Eckart & Young 1936. `pca`: principal directions of the inputs. `whitened`: the least mean squared change of the output,
 * by eigenvectors of the outputs' covariance Wᵀ C W (DRONE, SVD-LLM). `kfac`: the least second-order change of the loss,
 * ‖C^½ (W - W_k) G^½‖ with G the second moments of the output's gradients (K-FAC, Martens & Grosse 2015).
 *
 * @throws UsageError where `rankBasisRefusal` has a reason
 */
export function buildRankBasis(name: RankBasisName, kernel: KernelInfo, statistics?: KernelStatistics): RankBasis {
  if (!RANK_BASES.includes(name))
    throw new UsageError(`There is no rank basis "${name}"; known: ${RANK_BASES.join(', ')}.`);
  const refusal = rankBasisRefusal(name, kernel, statistics);
  if (refusal !== null) throw new UsageError(`Layer "${kernel.layer}" has no basis "${name}": ${refusal}.`);
  const form = name === 'svd-spatial' ? 'spatial' : 'channel';
  const w = kernelMatrix(kernel, form);
  const { left, right, values } = factorsOf(name, w, statistics);
  const corrected = name === 'pca' || name === 'whitened' || name === 'kfac';
  return {
    kind: 'rank',
    name,
    layer: kernel.layer,
    form,
    kernelShape: kernel.kernelShape,
    rows: w.rows,
    cols: w.cols,
    n: values.length,
    mean: corrected ? Float32Array.from(statistics!.mean) : null,
    left: Float32Array.from(left.values),
    right: Float32Array.from(right.values),
    values,
  };
}

function factorsOf(name: RankBasisName, w: Matrix, statistics: KernelStatistics | undefined): Factors {
  switch (name) {
    case 'svd':
    case 'svd-spatial':
      return plain(w);
    case 'pca':
      return principal(w, statistics!.covariance);
    case 'whitened':
      return weighted(w, statistics!.covariance, null, RIDGES.whitened);
    case 'kfac':
      return weighted(w, statistics!.covariance, statistics!.gradient, RIDGES.input);
  }
}

/** W = (W V) Vᵀ or U (Uᵀ W): one orthonormal side, no division by singular values. */
function plain(w: Matrix): Factors {
  const { values, left, right } = svdTop(w);
  if (w.cols <= w.rows) return { left: timesTransposed(w, right), right, values };
  return { left: transpose(left), right: multiply(left, w), values };
}

/** W = V (Vᵀ W) for the eigenvectors V of the inputs' covariance. */
function principal(w: Matrix, covariance: Matrix): Factors {
  const { values, vectors } = eigSymmetric(covariance);
  return { left: transpose(vectors), right: multiply(vectors, w), values: roots(values) };
}

/**
 * The SVD of M = C^½ W G^½, taken from the Gram matrix of its smaller side, so that only that side's weight is inverted:
 * W = [W G^½ V] [Vᵀ G^-½] for V of Mᵀ M, or [C^-½ U] [Uᵀ C^½ W] for U of M Mᵀ.
 */
function weighted(w: Matrix, c: Matrix, g: Matrix | null, inputRidge: number): Factors {
  if (w.cols <= w.rows) {
    const [root, inverse] = g === null ? [null, null] : powersOf(g, [0.5, -0.5], RIDGES.gradient);
    const tilted = root === null ? w : multiply(w, root.matrix);
    const { values, vectors } = eigSymmetric(congruence(tilted, ridged(c, inputRidge)));
    const right = inverse === null ? vectors : multiply(vectors, inverse.matrix);
    return { left: timesTransposed(tilted, vectors), right, values: roots(values) };
  }
  const [root, inverse] = powersOf(c, [0.5, -0.5], inputRidge);
  const tilted = multiply(root.matrix, w);
  const outer =
    g === null ? timesTransposed(tilted, tilted) : congruence(transpose(tilted), ridged(g, RIDGES.gradient));
  const { values, vectors } = eigSymmetric(outer);
  return {
    left: timesTransposed(inverse.matrix, vectors),
    right: multiply(vectors, tilted),
    values: roots(values),
  };
}

/** Xᵀ A X for symmetric A. */
function congruence(x: Matrix, a: Matrix): Matrix {
  const columns = transpose(x);
  return timesTransposed(timesTransposed(columns, a), columns);
}

function ridged(a: Matrix, ridge: number): Matrix {
  const n = a.rows;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a.values[i * n + i];
  const values = a.values.slice();
  const share = trace > 0 ? (ridge * trace) / n : 1;
  for (let i = 0; i < n; i++) values[i * n + i] += share;
  return { ...a, values };
}

function roots(values: Float64Array): Float64Array {
  return values.map((value) => Math.sqrt(Math.max(0, value)));
}
