/** Sum in float64 with Neumaier's compensation: the order of the rows hardly matters, the bytes repeat. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}

/** Mean over examples; NaN for none. */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

/** Standard error of the mean, sqrt(s^2 / N) with the unbiased variance; 0 for fewer than two values. `center` is their mean, where it is known. */
export function standardError(values: ArrayLike<number>, center = mean(values)): number {
  if (values.length < 2) return 0;
  const squares = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const distance = values[i] - center;
    squares[i] = distance * distance;
  }
  return Math.sqrt(sum(squares) / (values.length - 1) / values.length);
}

/** Mean and standard error of the per-example differences `a - b`: pairing removes what both share. */
export function paired(a: Float64Array, b: Float64Array): { readonly delta: number; readonly deltaSe: number } {
  if (a.length !== b.length)
    throw new RangeError(`Paired lists must be equally long, got ${a.length} and ${b.length}.`);
  const differences = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) differences[i] = a[i] - b[i];
  const delta = mean(differences);
  return { delta, deltaSe: standardError(differences, delta) };
}
