import { COLORS } from '../colors.js';
import { winnerRow, type WinnerRow } from '../compareRows.js';
import { escapeXml } from '../escape.js';
import { toHtml } from '../phrase.js';
import type { ReportView } from '../view.js';
import { bdi } from './markup.js';

/** Groups with a row here; the others stand in the comparison's own table. */
const MOST = 24;

/** The smallest model per group over all orderings, where the report is about these. `more`: rows to follow. */
export function winnersTable(view: ReportView, more: string): string {
  const rows = (view.compare?.groups ?? []).slice(0, MOST).flatMap((g) => winnerRow(view, g) ?? []);
  const unit = view.scale.kind === 'relative' ? '' : `, ${escapeXml(view.scale.unit)}`;
  const caption = `Smallest model that holds ${view.scale.budgetText ?? ''} with one group narrowed; saves, costs: whole model`;
  const head =
    `<thead><tr><th class="l" scope="col">group</th><th scope="col">smallest</th><th class="l bar" scope="col">kept</th>` +
    `<th class="l" scope="col">ordering</th><th scope="col">saves</th><th scope="col">costs${unit}</th></tr></thead>`;
  const ranks = rows.some((r) => r.wins && r.curve.view.curve.kind === 'rank');
  const notes = [
    ...(ranks ? ['Thin bar: a rank. Every unit stays, the kernel is split in two.'] : []),
    ...(rows.length > 1 ? ['Each group was narrowed alone, the others full. Together they cost more.'] : []),
  ];
  return (
    `<div class="scroll"><table cellpadding="4"><caption>${escapeXml(caption)}</caption>${head}<tbody>${rows.map(tableRow).join('')}${more}</tbody></table></div>` +
    notes.map((n) => `<p class="soft">${n}</p>`).join('')
  );
}

function tableRow(row: WinnerRow): string {
  const { name } = row.group;
  const to = row.wins ? `${row.n} → <b>${row.what}</b>` : `<b>${row.n}</b>`;
  return (
    `<tr><th class="l nb${name.length > 16 ? ' long' : ''}" scope="row">${bdi(name)}</th><td class="nb">${to}</td>` +
    `<td class="bar">${bar(row)}</td><td class="l">${toHtml(row.ordering)}</td><td class="nb">${row.saves}</td>` +
    `<td class="nb">${row.costs}</td></tr>`
  );
}

/** A unit group fills its bar; a rank is a thin bar inside a full one, because the units stay. */
function bar({ kept, curve, wins, what, n }: WinnerRow): string {
  const width = (100 * kept).toFixed(1);
  const rank = wins && curve.view.curve.kind === 'rank';
  const [y, height] = rank ? [5, 6] : [2, 12];
  const color = wins ? curve.ordering.color : COLORS.soft.light;
  return (
    `<svg viewBox="0 0 100 16" width="120" height="16" preserveAspectRatio="none" role="img" aria-label="${what === '' ? `all ${n}` : `${what} of ${n}`}">` +
    `<rect width="100" height="16" fill="${COLORS.paper.light}"/><rect y="2" width="100" height="12" fill="${COLORS.fill.light}"/>` +
    `<rect y="${y}" width="${width}" height="${height}" fill="${color}"/></svg>`
  );
}
