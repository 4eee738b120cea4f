import { UsageError } from '../../errors.js';

/** Float64 numbers in rows: entry (i, j) lies at `i * cols + j`. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/**
 * A float64 copy of numbers in rows.
 * @throws UsageError when the sizes are not whole and positive, do not fit the numbers, or a number is not finite
 */
export function matrixOf(rows: number, cols: number, values: ArrayLike<number>): Matrix {
  if (!(Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0 && rows * cols === values.length)) {
    throw new UsageError(`A matrix of ${rows} x ${cols} was expected, and ${values.length} numbers were given.`);
  }
  const copy = Float64Array.from(values);
  if (!copy.every(Number.isFinite)) {
    throw new UsageError(`A matrix of ${rows} x ${cols} holds a number that is not finite.`);
  }
  return { rows, cols, values: copy };
}

export function transpose({ rows, cols, values }: Matrix): Matrix {
  const result = new Float64Array(values.length);
  // blocks of 16 x 16: both sides stay in cache
  for (let i0 = 0; i0 < rows; i0 += 16) {
    for (let j0 = 0; j0 < cols; j0 += 16) {
      const [i1, j1] = [Math.min(rows, i0 + 16), Math.min(cols, j0 + 16)];
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) result[j * rows + i] = values[i * cols + j];
    }
  }
  return { rows: cols, cols: rows, values: result };
}
