import type { CompareRecord, ComparedGroup, Cost, Curve, CurvePoint, KernelSpectrum } from '../../src/records/types.js';
import { ORIGINAL_LOSS, sweepRecord } from './records.js';

/** The whole model of every comparison here. */
export const FULL: Cost = { parameters: 100_000, macs: 400_000, bytes: 400_000 };

export interface Made {
  readonly basis: string;
  readonly weights?: Curve['weights'];
  readonly layer?: string;
  readonly n: number;
  /** Parameters of the model at k. */
  readonly cost: (k: number) => number;
  /** Rise at k in % of the original's loss; `se` likewise. */
  readonly rise: (k: number) => number;
  readonly se?: number;
  readonly ks?: readonly number[];
}

const RANKS = new Set(['svd', 'svd-spatial', 'pca', 'whitened', 'kfac', 'tail-rank']);

export function comparedCurve(made: Made): Curve {
  const { basis, n, layer, weights = 'original', se = 0 } = made;
  const ks = made.ks ?? Array.from({ length: n + 1 }, (_, k) => k);
  const points = ks.map((k): CurvePoint => {
    const parameters = made.cost(k);
    const delta = (made.rise(k) / 100) * ORIGINAL_LOSS;
    return {
      k,
      loss: ORIGINAL_LOSS + delta,
      se: 0.01,
      metrics: {},
      delta,
      deltaSe: (se / 100) * ORIGINAL_LOSS,
      parameters,
      macs: 4 * parameters,
      bytes: 4 * parameters,
    };
  });
  const kind = RANKS.has(basis) ? 'rank' : 'unit';
  return { basis, kind, weights, n, points, ...(layer === undefined ? {} : { layer, kernelShape: [n, n] }) };
}

/** Halves of `from` % at every `half` k, on a floor; 0 at full. */
export function decay(n: number, half: number, floor = 0, from = 400): (k: number) => number {
  return (k) => (k >= n ? floor : floor + from * 0.5 ** (k / half));
}

export function spectrum(layer: string, rank: number, over: Partial<KernelSpectrum> = {}): KernelSpectrum {
  return {
    layer,
    kernelShape: [2 * rank, rank],
    rank,
    singularValues: Array.from({ length: rank }, (_, i) => 3 * 0.9 ** i),
    breakEven: Math.floor((2 * rank) / 3),
    selectors: { energy90: 11, energy95: 14, energy99: 22, stableRank: 5.263, knee: null },
    ...over,
  };
}

/** Units cost `perUnit` each; a rank costs three quarters of a width, so that break-even is at 2/3. */
export function comparedGroup(
  name: string,
  n: number,
  perUnit: number,
  over: Partial<ComparedGroup> = {},
): ComparedGroup {
  const width = (k: number): number => FULL.parameters - perUnit * (n - k);
  const rank = (k: number): number => FULL.parameters - perUnit * n + Math.round(1.5 * perUnit * k);
  const unit = (basis: string, half: number, weights: Curve['weights'] = 'original', floor = 0): Curve =>
    comparedCurve({ basis, n, weights, cost: width, rise: decay(n, half, floor), se: 0.1 });
  const split = (basis: string, half: number): Curve =>
    comparedCurve({ basis, n, layer: name, cost: rank, rise: decay(n, half), se: 0.1 });
  return {
    name,
    n,
    layers: [name],
    tailPoints: [`before ${name}`],
    curves: [
      unit('random', n / 6),
      unit('tail', n / 30, 'retrained', 0.1),
      unit('tail', n / 7),
      unit('magnitude', n / 12),
      unit('magnitude', n / 14, 'control', -0.1),
      unit('magnitude', n / 20, 'retrained', 0.1),
      unit('taylor', n / 13),
      unit('variance', n / 10),
      split('svd', n / 40),
      split('pca', n / 36),
      split('whitened', n / 50),
      split('kfac', n / 60),
    ],
    kernels: [spectrum(name, n)],
    missing: [{ basis: 'svd-spatial', reason: `${name}: its kernel has no two spatial sides` }],
    ...over,
  };
}

export function compareRecord(groups: readonly ComparedGroup[], over: Partial<CompareRecord> = {}): CompareRecord {
  const { schema: _s, groups: _g, ...head } = sweepRecord([]);
  return {
    ...head,
    schema: 'tdc/compare',
    model: { ...head.model, ...FULL },
    axis: 'parameters',
    groups,
    ...over,
  };
}

/** dense_1 of 64 (most at stake), dense_2 of 32, and the output layer with rank curves only. */
export function threeGroups(over: Partial<CompareRecord> = {}): CompareRecord {
  const out = comparedGroup('logits', 10, 100);
  return compareRecord(
    [
      comparedGroup('dense_2', 32, 500),
      comparedGroup('dense_1', 64, 1000),
      { ...out, curves: out.curves.filter((c) => c.kind === 'rank') },
    ],
    over,
  );
}
