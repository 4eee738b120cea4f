/** One colour and what it means. Charts carry the light value; a page swaps it by attribute selector. */
export interface Role {
  readonly name: string;
  readonly light: string;
  readonly dark: string;
}

const role = (name: string, light: string, dark: string): Role => ({ name, light, dark });

/**
 * Okabe-Ito, darkened until lines reach a contrast of 3:1 and words 4.5:1 on paper. Each light value is unique,
 * because the page tells roles apart by it.
 */
export const COLORS = {
  paper: role('paper', '#ffffff', '#14181d'),
  ink: role('ink', '#1c2127', '#e7ebf0'),
  soft: role('soft', '#59626d', '#a3adb9'),
  rule: role('rule', '#d5dae0', '#39414b'),
  faint: role('faint', '#eceff2', '#232a32'),
  fill: role('fill', '#b9c3ce', '#4a5561'),
  holds: role('holds', '#00734f', '#3ecf9f'),
  unresolved: role('unresolved', '#8a5a00', '#f0b440'),
  broken: role('broken', '#b3261e', '#ff8a80'),
  tail: role('tail', '#0072b2', '#5cb8f0'),
  // Orderings: four hues compete; the classic baselines are greys that dash and shape tell apart.
  'tail-rank': role('tail-rank', '#005c94', '#8acbf5'),
  kfac: role('kfac', '#c04a00', '#ff9a5c'),
  whitened: role('whitened', '#1b9a7f', '#2fb392'),
  pca: role('pca', '#8a3f78', '#eaa6d6'),
  svd: role('svd', '#39424c', '#ccd4dd'),
  spatial: role('spatial', '#4e565f', '#b4bdc7'),
  taylor: role('taylor', '#6f6552', '#c2b394'),
  magnitude: role('magnitude', '#7a8590', '#8793a0'),
  variance: role('variance', '#868c93', '#7f8a96'),
  random: role('random', '#8a8f95', '#78828d'),
} as const;

/** The custom properties of both themes, and the rules that recolour SVG attributes. */
export function themeCss(): string {
  const roles = Object.values(COLORS);
  const variables = (theme: 'light' | 'dark'): string => roles.map((r) => `--${r.name}:${r[theme]}`).join(';');
  const swap = roles
    .map((r) => `svg [fill="${r.light}"]{fill:var(--${r.name})}svg [stroke="${r.light}"]{stroke:var(--${r.name})}`)
    .join('');
  return (
    `:root{color-scheme:light dark;${variables('light')}}` +
    `@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}${swap}`
  );
}
