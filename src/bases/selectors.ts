import { UsageError } from '../errors.js';
import type { RankSelectors } from '../records/selectors.js';
import { marchenkoPasturMedian } from './marchenkoPastur.js';

/**
 * All rules for one spectrum.
 *
 * @param values singular values, falling, >= 0
 * @param shape of the matrix they belong to; its shorter side is `values.length`
 * @throws UsageError when the spectrum is empty, negative, not finite or not falling
 */
export function rankSelectors(values: ArrayLike<number>, shape: { rows: number; cols: number }): RankSelectors {
  const sigma = checked(values);
  return {
    energy90: energyRank(sigma, 0.9),
    energy95: energyRank(sigma, 0.95),
    energy99: energyRank(sigma, 0.99),
    stableRank: stableRank(sigma),
    effectiveRank: effectiveRank(sigma),
    participationRatio: participationRatio(sigma),
    gavishDonoho: gavishDonoho(sigma, shape),
    brokenStick: brokenStick(sigma),
    marchenkoPastur: marchenkoPastur(sigma, shape),
    knee: knee(sigma),
  };
}

/** Least k whose squared singular values make up `share` (0..1] of all; 0 for a zero matrix. */
export function energyRank(sigma: readonly number[], share: number): number {
  const total = sum(squares(sigma));
  if (total === 0) return 0;
  let energy = 0;
  // the sum of all is the total to the last bit only when summed alike: k never runs past the end
  for (let k = 1; k <= sigma.length; k++) {
    energy += sigma[k - 1] ** 2;
    if (energy >= share * total) return k;
  }
  return sigma.length;
}

/** ‖W‖_F² / σ₁², from 1 to the rank; 0 for a zero matrix. */
export function stableRank(sigma: readonly number[]): number {
  return sigma[0] === 0 ? 0 : sum(squares(sigma.map((value) => value / sigma[0])));
}

/** exp of the entropy of the normalised singular values, from 1 to the rank; 0 for a zero matrix. */
export function effectiveRank(sigma: readonly number[]): number {
  const total = sum(sigma);
  if (total === 0) return 0;
  return Math.exp(-sum(sigma.filter((value) => value > 0).map((value) => (value / total) * Math.log(value / total))));
}

/** (Σλ)² / Σλ² with λ = σ², from 1 to the rank; 0 for a zero matrix. */
export function participationRatio(sigma: readonly number[]): number {
  if (sigma[0] === 0) return 0;
  const powers = squares(sigma.map((value) => value / sigma[0]));
  return sum(powers) ** 2 / sum(squares(powers));
}

/** Number of singular values above ω(β) times their median: the best hard threshold for white noise of unknown size. */
export function gavishDonoho(sigma: readonly number[], shape: { rows: number; cols: number }): number {
  return countAbove(sigma, gavishDonohoFactor(aspect(shape)) * median(sigma));
}

/** ω(β) = λ*(β) / √μ_β, 0 < β <= 1; ω(1) = 2.858. */
export function gavishDonohoFactor(beta: number): number {
  const root = Math.sqrt(beta * beta + 14 * beta + 1);
  const lambda = Math.sqrt(2 * (beta + 1) + (8 * beta) / (beta + 1 + root));
  return lambda / Math.sqrt(marchenkoPasturMedian(beta));
}

/** Number of leading eigenvalues λ = σ² whose share exceeds what the i-th longest piece of a stick broken at random has. */
export function brokenStick(sigma: readonly number[]): number {
  const lambda = squares(sigma);
  const total = sum(lambda);
  const n = lambda.length;
  let piece = 0;
  const pieces = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    piece += 1 / (i + 1);
    pieces[i] = piece / n;
  }
  const end = lambda.findIndex((value, i) => !(total > 0 && value / total > pieces[i]));
  return end < 0 ? n : end;
}

/** Number of singular values beyond the bulk that white noise of the size seen in the median would fill. */
export function marchenkoPastur(sigma: readonly number[], shape: { rows: number; cols: number }): number {
  const beta = aspect(shape);
  // σ² / N has the median s² μ_β and ends at s² (1 + √β)²
  const edge = (median(sigma) / Math.sqrt(marchenkoPasturMedian(beta))) * (1 + Math.sqrt(beta));
  return countAbove(sigma, edge);
}

/**
 * Number of singular values before the elbow of the scree plot: where the curve, scaled to the unit square, lies farthest below its
 * chord. Null for fewer than three values, and where it lies no farther below than one step along the axis (sensitivity 1).
 */
export function knee(sigma: readonly number[]): number | null {
  const last = sigma.length - 1;
  const range = sigma[0] - sigma[last];
  if (last < 2 || range === 0) return null;
  let best = 0;
  let at = 0;
  sigma.forEach((value, i) => {
    const below = 1 - i / last - (value - sigma[last]) / range;
    if (below > best) [best, at] = [below, i];
  });
  return best > 1 / last ? at : null;
}

function checked(values: ArrayLike<number>): readonly number[] {
  const sigma = Array.from(values);
  const falling = sigma.every((value, i) => value >= 0 && Number.isFinite(value) && (i === 0 || value <= sigma[i - 1]));
  if (sigma.length === 0 || !falling) {
    throw new UsageError('A spectrum of falling, finite numbers from 0 up was expected.');
  }
  return sigma;
}

function countAbove(sigma: readonly number[], threshold: number): number {
  return sigma.filter((value) => value > threshold).length;
}

/** Shorter side over longer side. */
function aspect({ rows, cols }: { rows: number; cols: number }): number {
  return Math.min(rows, cols) / Math.max(rows, cols);
}

function median(sigma: readonly number[]): number {
  const half = sigma.length / 2;
  return Number.isInteger(half) ? (sigma[half - 1] + sigma[half]) / 2 : sigma[Math.floor(half)];
}

function squares(values: readonly number[]): number[] {
  return values.map((value) => value * value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
