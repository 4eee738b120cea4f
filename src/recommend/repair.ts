/** A curve made fit for deciding: never rising with k, nothing at k = n, never below it. */
export interface RepairedCurve {
  readonly k: readonly number[];
  /** Rise over the same weights at full width, >= 0, same length. */
  readonly rise: readonly number[];
  /** The same as measured: may rise with k and lie below 0. */
  readonly raw: readonly number[];
  /** Standard error of the raw rise over the original. */
  readonly se: readonly number[];
}

interface RawPoint {
  readonly k: number;
  readonly delta: number;
  readonly deltaSe: number;
}

/** Standard errors below this share of the largest one count as this: an exact point outweighs the rest, but stays finite. */
const LEAST_SE = 1e-3;

/**
 * Pools what rises with k (pool adjacent violators, weights 1 / se^2; Barlow et al., 1972), takes off the value at k = n, clips at 0.
 *
 * @param points sorted by k, the last at k = n; points that are not finite are left out.
 */
export function repairCurve(points: readonly RawPoint[]): RepairedCurve {
  const kept = points.filter(({ delta, deltaSe }) => Number.isFinite(delta) && Number.isFinite(deltaSe));
  const largest = Math.max(0, ...kept.map(({ deltaSe }) => deltaSe));
  const least = largest > 0 ? LEAST_SE * largest : 1;
  const weights = kept.map(({ deltaSe }) => 1 / Math.max(least, deltaSe) ** 2);
  const fitted = nonIncreasing(
    kept.map(({ delta }) => delta),
    weights,
  );
  const atFull = fitted.at(-1) ?? 0;
  return {
    k: kept.map(({ k }) => k),
    rise: fitted.map((value) => Math.max(0, value - atFull)),
    raw: kept.map(({ delta }) => delta - kept.at(-1)!.delta),
    se: kept.map(({ deltaSe }) => deltaSe),
  };
}

/** The non-increasing sequence nearest to `values` in weighted squares. */
export function nonIncreasing(values: readonly number[], weights: readonly number[]): number[] {
  const blocks: { mean: number; weight: number; length: number }[] = [];
  values.forEach((value, i) => {
    let block = { mean: value, weight: weights[i], length: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.mean < block.mean; last = blocks.at(-1)) {
      blocks.pop();
      const weight = last.weight + block.weight;
      const mean = last.mean + (block.mean - last.mean) * (block.weight / weight);
      block = { mean, weight, length: last.length + block.length };
    }
    blocks.push(block);
  });
  return blocks.flatMap(({ mean, length }) => Array.from({ length }, () => mean));
}

/** Linear between neighbouring k; held constant outside. */
export function between(at: readonly number[], values: readonly number[], k: number): number {
  let above = at.findIndex((point) => point >= k);
  if (above < 0) above = at.length - 1;
  if (above === 0 || at[above] <= k) return values[above];
  const share = (k - at[above - 1]) / (at[above] - at[above - 1]);
  return values[above - 1] + share * (values[above] - values[above - 1]);
}
