/**
 * Advance widths of Helvetica/Arial in thousandths of an em, U+0020 to U+007E. A fixed table instead of a font: with a
 * font at hand the bytes of a chart would depend on the machine, and vega's guess of 0.8 em is twice too wide.
 */
const ADVANCES = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
] as const;
const OTHERS: Readonly<Record<string, number>> = {
  '\u00a0': 278,
  '\u202f': 150,
  '\u2212': 584,
  '…': 1000,
  '→': 1000,
  '·': 333,
};
/** Letters of other scripts are wider; an em is the safe side. */
const UNKNOWN = 1000;
const BOLD = 1.15;
/** The system fonts that a reader may have run up to this much wider (DejaVu Sans). */
const WIDEST_FONT = 1.17;

/** Width in px of one line of text set in Arial. */
export function textWidth(text: string, size: number, bold = false): number {
  let sum = 0;
  for (const c of text) sum += ADVANCES[(c.codePointAt(0) ?? 0) - 32] ?? OTHERS[c] ?? UNKNOWN;
  return (sum / 1000) * size * (bold ? BOLD : 1);
}

/** The width to keep free for it, whatever sans-serif font a reader has. */
export function roomFor(text: string, size: number, bold = false): number {
  return textWidth(text, size, bold) * WIDEST_FONT;
}
