import { winnerRow } from '../compareRows.js';
import type { ComparedCurve, ComparedGroupView, CompareView } from '../compareView.js';
import { holdingCell, missingRows, missingText } from '../compareWords.js';
import { escapeXml } from '../escape.js';
import { NBSP } from '../format.js';
import { toHtml } from '../phrase.js';
import { riseCell } from '../scale.js';
import type { ReportView } from '../view.js';
import { orderingsOf, sample } from './legend.js';
import { bdi, scroll } from './markup.js';

/** Rows of other weights and kernels; the rest stands in compare.json. */
const MOST_OTHERS = 60;
const MOST_MISSING = 20;

/** The smallest model that holds the budget alone, the groups without a panel, other weights, what could not be had. */
export function compareTables(view: ReportView, compare: CompareView): string {
  return `${holding(view, compare)}${rest(view, compare)}${missing(compare)}${others(view, compare)}`;
}

function holding(view: ReportView, compare: CompareView): string {
  const { budgetText } = view.scale;
  if (budgetText === null) return '';
  const shown = compare.groups.slice(0, compare.panels);
  const head = shown.map((g) => `<th scope="col">${bdi(g.name)}`).join('');
  const rows = orderingsOf(compare).map((o) => {
    const key = JSON.stringify(o.label);
    const found = shown.map((g) => g.drawn.find((c) => JSON.stringify(c.ordering.label) === key));
    const kinds = new Set(found.flatMap((c) => (c === undefined ? [] : [c.view.curve.kind])));
    const how = [...kinds].map((k) => (k === 'unit' ? 'removes units' : 'splits the kernel')).join(', ');
    const cells = found.map((c, i) => cell(view, shown[i], c)).join('');
    return `<tr><th class="l nb" scope="row">${sample(o)} ${toHtml(o.label)}<td class="l nb soft hide-s">${how}${cells}`;
  });
  const caption = `Smallest model that holds ${budgetText} alone: what goes of the whole model's parameters, and the width or rank that stays; every wider one holds too, at 95${NBSP}%. ◂${NBSP}smallest of all`;
  return scroll(
    `<table class="holding" cellpadding="4"><caption>${escapeXml(caption)}</caption><thead><tr><th class="l" scope="col">ordering<th class="l hide-s" scope="col">how${head}</thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

function cell(view: ReportView, group: ComparedGroupView | undefined, curve: ComparedCurve | undefined): string {
  if (curve === undefined) return '<td class="soft">–';
  const { status, saves, what } = holdingCell(view, curve);
  if (status === 'unresolved')
    return '<td class="nb"><b class="unresolved">?</b> <span class="soft">not resolved</span>';
  if (status === 'broken') return '<td class="nb"><b class="broken">✖</b> <span class="soft">nothing holds</span>';
  const number = group?.winner !== undefined && curve.saves === group.winner.saves ? `<b>◂ ${saves}</b>` : saves;
  return `<td class="nb">${number} <span class="soft">${what}</span>`;
}

/** Groups without a panel: their smallest model. */
function rest(view: ReportView, compare: CompareView): string {
  const groups = compare.groups.slice(compare.panels);
  if (groups.length === 0 || view.scale.budgetText === null) return '';
  const rows = groups.flatMap((g) => {
    const row = winnerRow(view, g);
    if (row === undefined) return [];
    const to = row.wins ? `${row.n} → <b>${row.what}</b>` : row.n;
    return [
      `<tr><th class="l long" scope="row">${bdi(g.name)}<td class="nb">${to}<td class="l">${toHtml(row.ordering)}<td class="nb">${row.saves}<td class="nb">${row.costs}`,
    ];
  });
  return scroll(
    `<table cellpadding="4"><caption>The ${groups.length} groups with less at stake</caption><thead><tr><th class="l" scope="col">group<th scope="col">smallest<th class="l" scope="col">ordering<th scope="col">saves<th scope="col">costs</thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

/** Bases that could not be had, those with one reason together. */
function missing(compare: CompareView): string {
  const rows = missingRows(compare);
  if (rows.length === 0) return '';
  const items = rows.slice(0, MOST_MISSING).map((m) => `<li>${toHtml(missingText(m))}</li>`);
  const more = rows.length > items.length ? `<li>… and ${rows.length - items.length} more in compare.json</li>` : '';
  return `<p class="soft lead-in">Not to be had:</p><ul class="facts">${items.join('')}${more}</ul>`;
}

/** The same bases on other weights, and the other kernels of a group. */
function others(view: ReportView, compare: CompareView): string {
  const all = compare.groups.flatMap((g) => g.others.map((c) => ({ g, c })));
  if (all.length === 0) return '';
  const rows = all.slice(0, MOST_OTHERS).map(({ g, c }) => {
    const { curve, needs, points } = c.view;
    const { status, saves, what } = holdingCell(view, c);
    const sign = status === 'unresolved' ? '? ' : status === 'broken' ? '✖ ' : '';
    const point = needs ?? points.at(-1);
    const where = curve.kind === 'rank' ? bdi(curve.layer ?? '') : { original: 'original', control: 'control', retrained: 'retrained' }[curve.weights]; // prettier-ignore
    const cost =
      point === undefined
        ? '<td><td>'
        : `<td>${riseCell(view.scale, point.rise)}<td>${riseCell(view.scale, point.high, 'up')}`;
    return `<tr><th class="l" scope="row">${bdi(g.name)}<td class="l nb">${toHtml(c.ordering.label)}<td class="l">${where}<td class="nb">${sign}${what}<td>${saves}${cost}`;
  });
  const more =
    all.length > rows.length ? `<p class="soft">… and ${all.length - rows.length} more in compare.json</p>` : '';
  const table = `<table class="points"><caption>Where nothing is shown to hold, costs are those of full width</caption><thead><tr><th class="l" scope="col">group<th class="l" scope="col">ordering<th class="l" scope="col">weights or kernel<th scope="col">smallest<th scope="col">saves<th scope="col">costs<th scope="col">at most</thead><tbody>${rows.join('')}</tbody></table>`;
  return `<details class="no-print"><summary>Other weights and kernels</summary>${scroll(table)}${more}</details>`;
}
