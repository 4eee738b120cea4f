import { COLORS } from '../colors.js';
import { escapeXml } from '../escape.js';
import { integer } from '../format.js';
import { toHtml } from '../phrase.js';
import { modelTable, widthRow, type WidthRow } from '../rows.js';
import type { ReportView } from '../view.js';
import { isComparison, stays } from '../words.js';
import { bdi, scroll, type PageContext, type Section } from './markup.js';
import { planSection } from './plan.js';
import { winnersTable } from './winners.js';

/** What changes: every group's width alone, and the whole model at full width. */
export const widthsSection: Section = (context) => {
  const { view } = context;
  if (view.plan !== undefined) return planSection(view, view.plan);
  if (!isComparison(view) || view.scale.budget === null) return ownWidths(context);
  return `<div class="split"><div class="name">${winnersTable(view, staysRows(view))}</div>${fullWidth(view)}</div>`;
};

function ownWidths({ view, panels }: PageContext): string {
  const rows = view.groups.slice(0, panels).map((g) => widthRow(view, g));
  const rest = view.groups.length - rows.length;
  const budget = view.scale.budgetText;
  const what =
    budget === null
      ? 'Where each group alone has its lowest loss'
      : `Width each group needs alone for ${budget}; saves, costs: whole model`;
  const unit = view.scale.kind === 'relative' ? '' : `, ${escapeXml(view.scale.unit)}`;
  const head =
    `<thead><tr><th class="l" scope="col">group</th><th scope="col">width</th><th class="l bar" scope="col">kept</th>` +
    `<th scope="col">saves</th><th scope="col">costs${unit}</th><th scope="col" class="hide-s">at most</th></tr></thead>`;
  const body = rows.map(tableRow).join('') + staysRows(view);
  const more = rest > 0 ? `<p class="soft">${rest} more groups stand below, under the panels.</p>` : '';
  return (
    `<div class="split"><div class="name">${scroll(`<table cellpadding="4"><caption>${escapeXml(what)}</caption>${head}<tbody>${body}</tbody></table>`)}` +
    `${more}${legend(view, rows)}</div>${fullWidth(view)}</div>`
  );
}

function tableRow(row: WidthRow): string {
  const { name } = row.group;
  return (
    `<tr><th class="l nb${name.length > 16 ? ' long' : ''}" scope="row">${bdi(name)}</th><td class="nb">${widthHtml(row)}</td>` +
    `<td class="bar">${bar(row)}</td><td class="nb">${row.saves}</td><td class="nb">${row.costs}</td><td class="nb hide-s">${row.bound}</td></tr>`
  );
}

/** `256 → 102`, or why there is no such width. */
export function widthHtml({ n, k, status }: WidthRow): string {
  return {
    narrower: `${n} → <b>${integer(k)}</b>`,
    none: `${n}, lowest <b>${integer(k)}</b>`,
    full: `<b>${n}</b>`,
    unresolved: `${n} → <b class="unresolved">?</b>`,
    broken: `${n} <b class="broken">✖</b>`,
  }[status];
}

function bar({ group, k }: WidthRow): string {
  const share = ((100 * k) / Math.max(1, group.n)).toFixed(1);
  const color = group.best.curve.weights === 'original' ? COLORS.soft.light : COLORS.tail.light;
  return (
    `<svg viewBox="0 0 100 16" width="120" height="16" preserveAspectRatio="none" role="img" aria-label="${k} of ${group.n}">` +
    `<rect width="100" height="16" fill="${COLORS.paper.light}"/><rect y="2" width="100" height="12" fill="${COLORS.fill.light}"/>` +
    `<rect y="2" width="${share}" height="12" fill="${color}"/></svg>`
  );
}

/** A row per reason for all layers that stay. */
export function staysRows(view: ReportView, columns = 5): string {
  return stays(view)
    .map(
      (s) =>
        `<tr><th class="l long" scope="row">${toHtml(s.layers)}</th><td class="l soft" colspan="${columns}">${s.verb}: ${bdi(s.reason)}</td></tr>`,
    )
    .join('');
}

function legend(view: ReportView, rows: readonly WidthRow[]): string {
  const status = new Set(rows.map((r) => r.status));
  const notes = [];
  if (status.has('unresolved')) {
    const select = integer(view.sweep.data.examples.select);
    notes.push(
      `<b class="unresolved">?</b> ${select} examples can neither confirm nor rule out narrower widths; costs are those of full width.`,
    );
  }
  if (status.has('broken')) {
    notes.push('<b class="broken">✖</b> Not even full width holds; costs are those of full width.');
  }
  if (view.groups.length > 1) notes.push('Each group was narrowed alone, the others full. Together they cost more.');
  return notes.map((n) => `<p class="soft">${n}</p>`).join('');
}

function fullWidth(view: ReportView): string {
  const { columns, rows } = modelTable(view);
  const cells = (row: readonly string[]): string =>
    columns
      .map((_, i) => {
        // Retraining changes no cost: only the first column has one.
        const text = row.length === 1 && i > 0 ? '<span class="soft">same</span>' : (row[i] ?? '');
        return `<td class="nb">${text}</td>`;
      })
      .join('');
  const body = rows
    .map(
      (r) =>
        `<tr><th class="l" scope="row">${r.ours ? capital(escapeXml(r.label)) : bdi(r.label)}</th>${cells(r.cells)}</tr>`,
    )
    .join('');
  const head = columns.map((c) => `<th scope="col">${c}</th>`).join('');
  const how =
    { 1: '', 2: '; retrained with TailDropout', 3: '; retrained with TailDropout, control without it' }[
      columns.length
    ] ?? '';
  return scroll(
    `<table cellpadding="4"><caption>The model at full width${how}</caption>` +
      `<thead><tr><th class="l" scope="col">whole model</th>${head}</tr></thead><tbody>${body}</tbody></table>`,
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
