import { COLORS } from '../colors.js';
import { escapeXml, shorten } from '../escape.js';
import { budgetShort } from '../planScale.js';
import { toHtml } from '../phrase.js';
import { COST_HEADS, feasibility, planModel, planRows, type PlanModelRow, type PlanRow } from '../planRows.js';
import type { PlanView } from '../planView.js';
import type { ReportView } from '../view.js';
import { bdi, scroll } from './markup.js';
import { staysRows } from './widths.js';

/** Rows of groups on a page; the others stand in plan.json. */
const MOST_ROWS = 120;

/** What changes: every group's width in the plan, and the whole model before and after. */
export function planSection(view: ReportView, plan: PlanView): string {
  return `<div class="split plan"><div class="name">${widths(view, plan)}</div>${model(plan)}</div>`;
}

function widths(view: ReportView, plan: PlanView): string {
  const rows = planRows(view, plan);
  const { baseline, minimize } = plan.record;
  const single = rows.some((r) => r.saves !== '' || r.costs !== '');
  const unit = view.scale.kind === 'relative' ? '' : `, ${escapeXml(view.scale.unit)}`;
  const head =
    `<thead><tr><th class="l" scope="col">group</th><th scope="col">width</th><th class="l bar" scope="col">kept</th><th class="l hide-s" scope="col">ordering</th>` +
    (single ? `<th scope="col">saves</th><th scope="col">costs${unit}</th>` : '') +
    `${baseline === undefined ? '' : `<th scope="col" class="hide-s">${name(baseline.name)}</th>`}</tr></thead>`;
  const of = minimize === 'parameters' || minimize === 'latency' ? '' : ` (${COST_HEADS[minimize]})`;
  const caption = `Widths in the plan${single ? `; saves${of} and costs are each group&#39;s alone` : ''}`;
  const columns = 3 + (single ? 2 : 0) + (baseline === undefined ? 0 : 1);
  const body =
    rows
      .slice(0, MOST_ROWS)
      .map((r) => row(r, single, baseline !== undefined))
      .join('') + staysRows(view, columns);
  const table = `<table cellpadding="4"><caption>${caption}</caption>${head}<tbody>${body}</tbody></table>`;
  return `${scroll(table)}${notes(rows, single)}`;
}

function row(r: PlanRow, single: boolean, baseline: boolean): string {
  const { name: text } = r.group;
  const to = r.whole ? `<b>${r.n}</b>` : `${r.n} → <b>${r.what}</b>`;
  return (
    `<tr><th class="l nb${text.length > 16 ? ' long' : ''}" scope="row">${bdi(text)}</th><td class="nb">${to}</td><td class="bar">${bar(r)}</td>` +
    `<td class="l hide-s">${r.whole ? '<span class="soft">whole</span>' : unbroken(toHtml(r.ordering))}</td>` +
    (single
      ? `<td class="nb">${r.whole ? '' : r.saves || '–'}</td><td class="nb">${r.whole ? '' : r.costs || '–'}</td>`
      : '') +
    `${baseline ? `<td class="nb soft hide-s">${r.baseline}</td>` : ''}</tr>`
  );
}

function unbroken(html: string): string {
  return html.replaceAll('K-FAC', '<span class="nb">K-FAC</span>');
}

/** A unit group fills its bar; a rank is a thin bar inside a full grey one, because the units stay. */
function bar({ kept, group, whole, what, n, color }: PlanRow): string {
  const width = Math.min(100, 100 * kept).toFixed(1);
  const rank = !whole && group.kind === 'rank';
  const [y, height] = rank ? [5, 6] : [2, 12];
  const fill = rank ? COLORS.fill.light : COLORS.faint.light;
  return (
    `<svg viewBox="0 0 100 16" width="120" height="16" preserveAspectRatio="none" role="img" aria-label="${whole ? `all ${n}` : `${what} of ${n}`}">` +
    `<rect width="100" height="16" fill="${COLORS.paper.light}"/><rect y="2" width="100" height="12" fill="${fill}"/>` +
    `<rect y="${y}" width="${width}" height="${height}" fill="${whole ? COLORS.fill.light : color}"/></svg>`
  );
}

function notes(rows: readonly PlanRow[], single: boolean): string {
  const shown = rows.filter((r) => !r.whole);
  const found = [
    ...(shown.some((r) => r.group.kind === 'rank')
      ? ['Thin bar: a rank. Every unit stays, the kernel is split in two.']
      : []),
    ...(shown.some((r) => r.group.folded === true)
      ? ['Units that go are replaced by their mean, which the next biases take over.']
      : []),
    ...(single && shown.some((r) => r.saves === '' || r.costs === '')
      ? ['–: not measured alone at that very width.']
      : []),
    ...(rows.length > MOST_ROWS ? [`${rows.length - MOST_ROWS} more groups stand in plan.json.`] : []),
  ];
  return found.map((n) => `<p class="soft">${n}</p>`).join('');
}

function name(text: string): string {
  return bdi(shorten(text, 12));
}

function model(plan: PlanView): string {
  const { baseline } = plan.record;
  const against = baseline === undefined ? '' : `; last column against ${bdi(shorten(baseline.name, 60))}`;
  const tuned = plan.record.planned.tuned ? ', tuned' : '';
  const head =
    `<thead><tr><th class="l" scope="col">whole model</th><th scope="col">original</th><th scope="col">narrowed${tuned}</th><th scope="col">change</th>` +
    `${baseline === undefined ? '' : `<th scope="col">${name(baseline.name)}</th>`}</tr></thead>`;
  const body = planModel(plan)
    .map((r) => modelRow(r, baseline !== undefined))
    .join('');
  const caption = plan.nothing ? 'The model stays as it is' : 'The model, all groups narrowed';
  return scroll(`<table cellpadding="4"><caption>${caption}${against}</caption>${head}<tbody>${body}</tbody></table>`);
}

function modelRow(r: PlanModelRow, baseline: boolean): string {
  const label = r.ours ? escapeXml(r.label.charAt(0).toUpperCase() + r.label.slice(1)) : bdi(r.label);
  return (
    `<tr><th class="l" scope="row">${label}</th><td class="nb">${r.original}</td><td class="nb"><b>${r.narrowed}</b></td><td class="nb">${r.change}</td>` +
    `${baseline ? `<td class="nb soft">${r.baseline}</td>` : ''}</tr>`
  );
}

/** What was to be had at all, found before the search. */
export function feasibilityTable(plan: PlanView): string {
  const unit = plan.scale.kind === 'relative' ? '' : `, ${escapeXml(plan.scale.unit)}`;
  const body = feasibility(plan)
    .map(
      (r) =>
        `<tr><th class="l" scope="row">${escapeXml(r.label)}</th><td class="nb">${r.cost}</td><td class="nb">${r.costs}</td><td class="nb">${r.bound}</td></tr>`,
    )
    .join('');
  return scroll(
    `<table cellpadding="4"><caption>What could be had at all, before the search (budget ${escapeXml(budgetShort(plan.scale))})</caption>` +
      `<thead><tr><th class="l" scope="col">model</th><th scope="col">${COST_HEADS[plan.cost.name]}</th><th scope="col">costs${unit}</th><th scope="col">at most</th></tr></thead><tbody>${body}</tbody></table>`,
  );
}
