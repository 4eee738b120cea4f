/** Ways to order a group's units; `tail` is the order that retraining gave them. */
export const UNIT_BASES = ['tail', 'magnitude', 'taylor', 'variance', 'random'] as const;
export type UnitBasisName = (typeof UNIT_BASES)[number];

/** Ways to factor one kernel; `svd-spatial` splits a convolution along its two sides. */
export const RANK_BASES = ['svd', 'svd-spatial', 'pca', 'whitened', 'kfac'] as const;
export type RankBasisName = (typeof RANK_BASES)[number];

/** An order of a group's units: "keep k" keeps the units `order[0..k-1]`. */
export interface UnitBasis {
  readonly kind: 'unit';
  readonly name: UnitBasisName;
  /** `order[i]` is the unit that is kept i-th; each unit once. */
  readonly order: Int32Array;
}

/**
 * One kernel as a product of two. As a matrix the kernel is W [rows, cols]: at rank k the layer computes
 * (x - mean) left[:, :k] right[:k, :] + (bias + mean W); at k = n that is the layer itself.
 */
export interface RankBasis {
  readonly kind: 'rank';
  readonly name: RankBasisName;
  /** Path of the layer whose kernel it is. */
  readonly layer: string;
  readonly form: FactorForm;
  readonly kernelShape: readonly number[];
  readonly rows: number;
  readonly cols: number;
  /** Directions: min(rows, cols), for `pca` the inputs `rows`. */
  readonly n: number;
  /** Mean input [rows] (of a convolution: mean patch), so that the bias takes over what the cut loses on the average; null: none. */
  readonly mean: Float32Array | null;
  /** [rows, n] */
  readonly left: Float32Array;
  /** [n, cols] */
  readonly right: Float32Array;
  /**
   * [n], falling; the squares behind k add up to what rank k loses in the basis's own measure: `svd` ‖W - W_k‖², `pca` the variance of the
   * input, `whitened` the mean squared change of the output, `kfac` ‖C^½ (W - W_k) G^½‖².
   */
  readonly values: Float64Array;
}

/**
 * `channel`: the kernel as [kh kw in, out]: k filters of full size, then 1 x 1 (a Dense: two Dense). `spatial`: as [kh in, kw out]: a column of
 * kh x 1 into k channels, then a row of 1 x kw.
 */
export type FactorForm = 'channel' | 'spatial';
