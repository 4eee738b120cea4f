import { COLORS } from '../colors.js';
import type { CompareView } from '../compareView.js';
import type { Ordering, Shape } from '../orderings.js';
import { toHtml } from '../phrase.js';

/** Symbols around (22, 6), as vega draws them at the size of the charts. */
const SHAPES: Readonly<Record<Shape, string>> = {
  circle: 'M19.1 6a2.9 2.9 0 1 0 5.8 0a2.9 2.9 0 1 0 -5.8 0Z',
  diamond: 'M22 2.4L25.6 6L22 9.6L18.4 6Z',
  'triangle-up': 'M22 2.6L25.2 8.6H18.8Z',
  'triangle-down': 'M22 9.4L25.2 3.4H18.8Z',
  'triangle-right': 'M25.4 6L19.4 9.2V2.8Z',
  square: 'M19.4 3.4H24.6V8.6H19.4Z',
  cross: 'M21 3H23V5H25V7H23V9H21V7H19V5H21Z',
  stroke: 'M19 6H25',
};

/** A piece of the line with its symbol. */
export function sample({ color, dash, shape, hollow }: Ordering): string {
  const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
  const symbol =
    hollow || shape === 'stroke'
      ? `<path d="${SHAPES[shape]}" fill="${COLORS.paper.light}" stroke="${color}" stroke-width="1.4"/>`
      : `<path d="${SHAPES[shape]}" fill="${color}"/>`;
  return `<svg viewBox="0 0 44 12" width="44" height="12" aria-hidden="true"><rect width="44" height="12" fill="${COLORS.paper.light}"/><path d="M0 6H44" fill="none" stroke="${color}" stroke-width="1.8"${dashes}/>${symbol}</svg>`;
}

/** Every ordering that a panel draws, once. */
export function orderingsOf({ groups, panels }: CompareView): Ordering[] {
  const found = new Map<string, Ordering>();
  for (const g of groups.slice(0, panels)) {
    for (const c of g.drawn) found.set(JSON.stringify(c.ordering.label), c.ordering);
  }
  return [...found.values()];
}

export function legend(compare: CompareView): string {
  const items = orderingsOf(compare).map((o) => `<li>${sample(o)}${toHtml(o.label)}</li>`);
  return `<ul class="legend">${items.join('')}</ul>`;
}
