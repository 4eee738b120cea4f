import { COLORS } from './colors.js';
import { escapeXml, shorten } from './escape.js';
import { integer } from './format.js';
import { orderingName } from './orderings.js';
import { budgetShort, riseAndBound } from './planScale.js';
import type { PlanView } from './planView.js';
import { toText } from './phrase.js';
import { PANEL } from './panelLabels.js';
import { riseTitle } from './scale.js';
import { FONT, type Drawn } from './svg.js';
import { roomFor } from './textWidth.js';
import type { GroupView } from './groupView.js';
import type { ReportView } from './view.js';
import { caption, headline, widthStatus } from './words.js';

const GAP = 24;
const HEAD = 26;
const COLUMNS = 3;

/** All panels on one sheet, with the headline: for a README or a paper. Own background; right without media queries. */
export function screeSheet(view: ReportView, drawn: ReadonlyMap<string, Drawn>, panels: number): string {
  const shown = view.groups.slice(0, panels);
  const columns = Math.max(1, Math.min(COLUMNS, shown.length));
  const width = Math.max(2 * PANEL.width + 3 * GAP, columns * (PANEL.width + GAP) + GAP);
  const title = `${shorten(view.sweep.model.name, 40)}: ${toText(headline(view))}`;
  const lines = wrap(title, 19, true, width - 2 * GAP);
  const about = wrap(subtitle(view), 12, false, width - 2 * GAP);
  const top = GAP + lines.length * 25 + about.length * 17 + 14;
  const cells = shown.map((group, i) => {
    const x = GAP + (i % columns) * (PANEL.width + GAP);
    const y = top + Math.floor(i / columns) * (PANEL.height + HEAD + GAP);
    return `<g transform="translate(${x},${y})">${panel(view, group, drawn)}</g>`;
  });
  const rows = Math.ceil(shown.length / columns);
  const more = view.groups.length - shown.length;
  const bottom = top + rows * (PANEL.height + HEAD + GAP);
  const footer = more > 0 ? text(GAP, bottom, `… and ${more} more groups in the report`, 12, COLORS.soft.light) : '';
  const heading = lines.map((l, i) => text(GAP, GAP + 18 + 25 * i, l, 19, COLORS.ink.light, true)).join('');
  const words = about
    .map((l, i) => text(GAP, GAP + lines.length * 25 + 12 + 17 * i, l, 12, COLORS.soft.light))
    .join('');
  return document(
    width,
    bottom + (more > 0 ? GAP / 2 : 0),
    title,
    subtitle(view),
    heading + words + cells.join('') + footer,
  );
}

/** One group on its own. */
export function groupSheet(view: ReportView, group: GroupView, drawn: ReadonlyMap<string, Drawn>): string {
  const title = `${shorten(view.sweep.model.name, 40)}, ${shorten(group.name, 80)}`;
  return document(PANEL.width, PANEL.height + HEAD, title, caption(view, group), panel(view, group, drawn));
}

function subtitle(view: ReportView): string {
  if (view.plan !== undefined) return planSubtitle(view, view.plan);
  const { scale } = view;
  const how = 'Loss above the original, one group narrowed at a time; the upper edge of the band is the 95 % bound.';
  const dot = view.groups.some((g) => widthStatus(view, g) === 'narrower')
    ? ` ● the width needed alone for ${scale.budgetText ?? ''}.`
    : '';
  const dashed = view.groups.some((g) => g.other !== undefined) ? " Dashed: the original's own weights." : '';
  return `${how}${dot}${dashed}${scale.why === undefined ? '' : ` ${scale.why}`}`;
}

function planSubtitle({ scale }: ReportView, plan: PlanView): string {
  const what =
    plan.scale.metric === undefined
      ? 'Loss above the original'
      : riseTitle(plan.scale, 'above').replace(/^./u, (c) => c.toUpperCase());
  const band = scale.metric === undefined ? '; the upper edge of the band is the 95 % bound' : '';
  const joint = `${riseAndBound(plan.scale, plan.select)}${plan.record.planned.tuned ? ', tuned' : ''}; budget ${budgetShort(plan.scale)}`;
  return `${what}, one group narrowed at a time${band}. ● the plan. All groups together: ${joint}.`;
}

function panel(view: ReportView, group: GroupView, drawn: ReadonlyMap<string, Drawn>): string {
  const chart = drawn.get(`scree-${group.id}`);
  const status = statusText(view, group);
  const room = PANEL.width - 16 - roomFor(status, 12) - 12;
  const name = fit(group.name, 14, room);
  return (
    text(6, 16, name, 14, COLORS.ink.light, true) +
    `<text x="${PANEL.left + PANEL.plotWidth}" y="16" font-size="12" text-anchor="end" fill="${COLORS.soft.light}">${escapeXml(status)}</text>` +
    `<g transform="translate(0,${HEAD})">${chart?.inner ?? ''}</g>`
  );
}

function statusText(view: ReportView, group: GroupView): string {
  const n = integer(group.best.curve.n);
  const { plan } = group;
  if (plan !== undefined && plan.group.k >= plan.group.n) return `all ${integer(plan.group.n)}`;
  if (plan !== undefined) {
    const what = plan.group.kind === 'rank' ? 'rank' : 'width';
    return `${what} ${integer(plan.group.k)} of ${integer(plan.group.n)}, ${orderingName({ basis: plan.group.basis, weights: group.chief.curve.weights })}`;
  }
  if (view.plan !== undefined) return `${n} units`;
  const status = widthStatus(view, group);
  if (status === 'narrower' && group.needs !== null) return `needs ${integer(group.needs.k)} of ${n}`;
  return {
    narrower: '',
    none: `${n} units`,
    full: `needs all ${n}`,
    unresolved: `not resolved, ${n} units`,
    broken: `full width of ${n} breaks it`,
  }[status];
}

/** The longest shortening of a name that has room. */
function fit(name: string, size: number, room: number): string {
  for (let max = 60; max > 4; max -= 2) {
    const short = shorten(name, max);
    if (roomFor(short, size, true) <= room) return short;
  }
  return shorten(name, 4);
}

function wrap(words: string, size: number, bold: boolean, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && roomFor(longer, size, bold) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

function text(x: number, y: number, value: string, size: number, color: string, bold = false): string {
  return `<text x="${x}" y="${y}" font-size="${size}"${bold ? ' font-weight="700"' : ''} fill="${color}">${escapeXml(value)}</text>`;
}

function document(width: number, height: number, title: string, about: string, inner: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}">` +
    `<title>${escapeXml(title)}</title><desc>${escapeXml(about)}</desc>` +
    `<rect width="${width}" height="${height}" fill="${COLORS.paper.light}"/>${inner}</svg>\n`
  );
}
