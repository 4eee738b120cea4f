import type { Matrix } from './linalg/index.js';

/** Mean and mean square per unit, merged chunk by chunk in float64 (Chan, Golub & LeVeque 1983). */
export class UnitMoments {
  readonly mean: Float64Array;
  readonly #squares: Float64Array;
  readonly #counts: Float64Array;

  constructor(units: number) {
    this.mean = new Float64Array(units);
    this.#squares = new Float64Array(units);
    this.#counts = new Float64Array(units);
  }

  /** Adds `count` numbers of one unit by their mean and their sum of squared distances from it. */
  add(unit: number, count: number, mean: number, squares: number): void {
    if (count === 0) return;
    const before = this.#counts[unit];
    const distance = mean - this.mean[unit];
    this.#counts[unit] += count;
    this.mean[unit] += (distance * count) / this.#counts[unit];
    this.#squares[unit] += squares + (distance * distance * before * count) / this.#counts[unit];
  }

  get variance(): Float64Array {
    return this.#squares.map((sum, unit) => (this.#counts[unit] === 0 ? 0 : sum / this.#counts[unit]));
  }

  get meanSquare(): Float64Array {
    return this.variance.map((variance, unit) => variance + this.mean[unit] ** 2);
  }
}

/**
 * Second moments of vectors, summed in float64 from the products of chunks. The products are taken about a shift near the mean, so that
 * float32 products do not drown the covariance of inputs far from 0.
 */
export class Moments {
  readonly size: number;
  /** What is subtracted from every vector before it is multiplied. */
  readonly shift: Float32Array;
  readonly #sum: Float64Array;
  readonly #products: Float64Array;
  #count = 0;

  constructor(shift: Float32Array) {
    this.size = shift.length;
    this.shift = shift;
    this.#sum = new Float64Array(this.size);
    this.#products = new Float64Array(this.size * this.size);
  }

  /** Adds `count` shifted vectors by their sum [size] and their product Xᵀ X [size, size]. */
  add(count: number, sum: ArrayLike<number>, products: ArrayLike<number>): void {
    this.#count += count;
    for (let i = 0; i < this.#sum.length; i++) this.#sum[i] += sum[i];
    for (let i = 0; i < this.#products.length; i++) this.#products[i] += products[i];
  }

  get count(): number {
    return this.#count;
  }

  get mean(): Float64Array {
    return this.#sum.map((sum, i) => this.shift[i] + sum / this.#count);
  }

  /** E[(x - mean)(x - mean)ᵀ], exactly symmetric. */
  get covariance(): Matrix {
    const drift = this.#sum.map((sum) => sum / this.#count);
    return this.#symmetric((i, j) => drift[i] * drift[j]);
  }

  /** E[x xᵀ] of the shifted vectors. */
  get second(): Matrix {
    return this.#symmetric(() => 0);
  }

  #symmetric(less: (i: number, j: number) => number): Matrix {
    const n = this.size;
    const values = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const both = (this.#products[i * n + j] + this.#products[j * n + i]) / 2;
        values[i * n + j] = values[j * n + i] = both / this.#count - less(i, j);
      }
    }
    return { rows: n, cols: n, values };
  }
}
