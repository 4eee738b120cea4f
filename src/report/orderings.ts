import type { Curve } from '../records/types.js';
import { COLORS } from './colors.js';
import { foreign, type Phrase } from './phrase.js';
import { unitText } from './scale.js';

/** How an ordering looks in every chart and what it is called. */
export interface Ordering {
  /** For people; of an unknown basis the name in the record. */
  readonly label: Phrase;
  /** Light value of a role of COLORS. */
  readonly color: string;
  /** Dash pattern in px; empty: solid. */
  readonly dash: readonly number[];
  /** A symbol of vega. */
  readonly shape: Shape;
  readonly hollow: boolean;
}

export type Shape =
  | 'circle'
  | 'diamond'
  | 'triangle-up'
  | 'triangle-down'
  | 'triangle-right'
  | 'square'
  | 'cross'
  | 'stroke';

const ordering = (
  label: string,
  color: keyof typeof COLORS,
  dash: readonly number[],
  shape: Shape,
  hollow = false,
): Ordering => ({ label: [label], color: COLORS[color].light, dash, shape, hollow });

/** In the order of tables and legends. Hue, dash and shape differ, so that none is needed alone. */
const ORDERINGS: Readonly<Record<string, Ordering>> = {
  tail: ordering('TailDropout', 'tail', [], 'circle'),
  'tail-rank': ordering('TailDropout rank', 'tail-rank', [7, 2.5], 'circle', true),
  kfac: ordering('K-FAC', 'kfac', [10, 2], 'diamond'),
  whitened: ordering('whitened SVD', 'whitened', [6, 2, 1.5, 2], 'triangle-up'),
  pca: ordering('PCA', 'pca', [3, 2], 'triangle-down'),
  svd: ordering('SVD', 'svd', [6, 4], 'square'),
  'svd-spatial': ordering('spatial SVD', 'spatial', [2, 2.5], 'square', true),
  taylor: ordering('Taylor', 'taylor', [9, 3, 2, 3], 'triangle-right'),
  magnitude: ordering('magnitude', 'magnitude', [1.5, 3], 'cross'),
  variance: ordering('variance', 'variance', [4, 3], 'stroke'),
  random: ordering('random', 'random', [1, 4.5], 'triangle-right', true),
};

/** Units as they stand in a file: without retraining no ordering was made. */
const STORED = { ...ORDERINGS['tail'], label: ['stored order'] } as Ordering;

/** Place of a basis in tables and legends; unknown ones come last. */
export function rankOf(basis: string): number {
  const at = Object.keys(ORDERINGS).indexOf(basis);
  return at < 0 ? Infinity : at;
}

/** The look of a curve's basis; an unknown basis gets a look of its own and keeps its name. */
export function orderingOf({ basis, weights }: Pick<Curve, 'basis' | 'weights'>): Ordering {
  if (basis === 'tail' && weights !== 'retrained') return STORED;
  const known = Object.hasOwn(ORDERINGS, basis) ? ORDERINGS[basis] : undefined;
  return (
    known ?? { label: [foreign(basis)], color: COLORS.soft.light, dash: [1, 2, 4, 2], shape: 'cross', hollow: false }
  );
}

/** The same as plain words: of an unknown basis letters and digits only, safe wherever words are. */
export function orderingName(curve: Pick<Curve, 'basis' | 'weights'>): string {
  const parts = orderingOf(curve).label.map((p) => (typeof p === 'string' ? p : unitText(p.foreign)));
  return parts.join('');
}

/** The set of weights that a basis is best known on: what TailDropout orders is retrained, a classic basis cuts the original. */
export function bestWeights(basis: string): readonly Curve['weights'][] {
  return basis === 'tail' || basis === 'tail-rank'
    ? ['retrained', 'control', 'original']
    : ['original', 'control', 'retrained'];
}
