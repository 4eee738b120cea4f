import { COLORS } from '../colors.js';
import { escapeXml } from '../escape.js';
import { bytes, integer, saving, significant } from '../format.js';
import { metricRows } from '../metrics.js';
import { toHtml } from '../phrase.js';
import { riseCell } from '../scale.js';
import type { GroupView, ReportView } from '../view.js';
import { stays, widthStatus } from '../words.js';
import { bdi, scroll, type Section } from './markup.js';

/** What changes: every group's width alone, and the whole model at full width. */
export const widthsSection: Section = ({ view, panels }) => {
  const shown = view.groups.slice(0, panels);
  const rest = view.groups.length - shown.length;
  const budget = view.scale.budgetText;
  const what =
    budget === null
      ? 'Where each group alone has its lowest loss'
      : `Width each group needs alone for ${budget}; saves, costs: whole model`;
  const unit = view.scale.kind === 'relative' ? '' : `, ${escapeXml(view.scale.unit)}`;
  const head = `<thead><tr><th class="l" scope="col">group</th><th scope="col">width</th><th class="l bar" scope="col">kept</th><th scope="col">saves</th><th scope="col">costs${unit}</th><th scope="col" class="hide-s">at most</th></tr></thead>`;
  const rows = shown.map((g) => widthRow(view, g)).join('') + staysRows(view);
  const more = rest > 0 ? `<p class="soft">${rest} more groups stand below, under the panels.</p>` : '';
  return (
    `<div class="split"><div class="name">${scroll(`<table cellpadding="4"><caption>${escapeXml(what)}</caption>${head}<tbody>${rows}</tbody></table>`)}` +
    `${more}${legend(view, shown)}</div>${modelTable(view)}</div>`
  );
};

function widthRow(view: ReportView, group: GroupView): string {
  const cells = widthCells(view, group);
  return (
    `<tr><th class="l nb${group.name.length > 16 ? ' long' : ''}" scope="row">${bdi(group.name)}</th><td class="nb">${cells.width}</td>` +
    `<td class="bar">${bar(group, cells.k)}</td><td class="nb">${cells.saves}</td><td class="nb">${cells.costs}</td><td class="nb hide-s">${cells.bound}</td></tr>`
  );
}

/** The cells of a row, as HTML of our own numbers. */
export function widthCells(
  view: ReportView,
  group: GroupView,
): { k: number; width: string; saves: string; costs: string; bound: string } {
  const status = widthStatus(view, group);
  const n = integer(group.best.curve.n);
  const end = group.chief.points.at(-1);
  const point = status === 'narrower' ? group.needs : status === 'none' ? group.chief.lowest : end;
  const k = point?.k ?? group.n;
  const width = {
    narrower: `${n} → <b>${integer(k)}</b>`,
    none: k < group.n ? `${n}, lowest <b>${integer(k)}</b>` : n,
    full: `<b>${n}</b>`,
    unresolved: `${n} → <b class="unresolved">?</b>`,
    broken: `${n} <b class="broken">✖</b>`,
  }[status];
  const total = view.sweep.model.parameters;
  const saves =
    status === 'unresolved' || status === 'broken' || point == null || total === 0
      ? '–'
      : saving(Math.max(0, 1 - point.source.parameters / total));
  const costs = point == null ? '–' : riseCell(view.scale, point.rise);
  const bound = point == null ? '–' : riseCell(view.scale, point.high, 'up');
  return { k, width, saves, costs, bound };
}

function bar(group: GroupView, k: number): string {
  const share = ((100 * k) / Math.max(1, group.n)).toFixed(1);
  const color = group.best.curve.weights === 'original' ? COLORS.soft.light : COLORS.tail.light;
  return (
    `<svg viewBox="0 0 100 16" width="120" height="16" preserveAspectRatio="none" role="img" aria-label="${k} of ${group.n}">` +
    `<rect width="100" height="16" fill="${COLORS.paper.light}"/><rect y="2" width="100" height="12" fill="${COLORS.fill.light}"/>` +
    `<rect y="2" width="${share}" height="12" fill="${color}"/></svg>`
  );
}

function staysRows(view: ReportView): string {
  return stays(view.sweep.skipped)
    .map(
      (s) =>
        `<tr><th class="l long" scope="row">${toHtml(s.layers)}</th><td class="l soft" colspan="5">stays: ${bdi(s.reason)}</td></tr>`,
    )
    .join('');
}

function legend(view: ReportView, groups: readonly GroupView[]): string {
  const status = new Set(groups.map((g) => widthStatus(view, g)));
  const notes = [];
  const select = integer(view.sweep.data.examples.select);
  if (status.has('unresolved'))
    notes.push(
      `<b class="unresolved">?</b> narrower widths exist that ${select} examples can neither confirm nor rule out; costs are those of full width.`,
    );
  if (status.has('broken'))
    notes.push('<b class="broken">✖</b> not even full width, retrained, holds; costs are those of full width.');
  if (view.groups.length > 1) notes.push('Each group was narrowed alone, the others full. Together they cost more.');
  return notes.map((n) => `<p class="soft">${n}</p>`).join('');
}

function modelTable(view: ReportView): string {
  const { sweep, retrained, control } = view;
  const columns = [
    { name: 'original', measured: sweep.original },
    ...(retrained === undefined ? [] : [{ name: 'retrained', measured: retrained.measured }]),
    ...(control === undefined ? [] : [{ name: 'control', measured: control.measured }]),
  ];
  const row = (name: string, cells: readonly string[]): string =>
    `<tr><th class="l" scope="row">${name}</th>${cells.map((c) => `<td class="nb">${c}</td>`).join('')}</tr>`;
  const same = (value: string): string[] =>
    columns.map((_, i) => (i === 0 ? `<b>${value}</b>` : '<span class="soft">same</span>'));
  const rises = [retrained, control].flatMap((f) => (f === undefined ? [] : [`${riseCell(view.scale, f.rise)}`]));
  const bounds = [retrained, control].flatMap((f) =>
    f === undefined ? [] : [`${riseCell(view.scale, f.high, 'up')}`],
  );
  const rows = [
    row('Parameters', same(integer(sweep.model.parameters))),
    row('Multiply-adds', same(integer(sweep.model.macs))),
    row('File', same(bytes(sweep.model.bytes))),
    row(
      `Loss, ${escapeXml(view.scale.unit)}`,
      columns.map((c) => significant(c.measured.loss)),
    ),
    ...(rises.length > 0 ? [row('loss change', ['', ...rises]), row('at most, 95 %', ['', ...bounds])] : []),
    ...metricRows(
      view,
      columns.map((c) => c.measured.metrics),
    ).map((m) => row(bdi(m.name), m.cells)),
  ];
  const caption =
    retrained === undefined
      ? 'The model at full width'
      : `The model at full width; retrained with TailDropout${control === undefined ? '' : ', control without it'}`;
  const head = columns.map((c) => `<th scope="col">${c.name}</th>`).join('');
  return scroll(
    `<table cellpadding="4"><caption>${caption}</caption><thead><tr><th class="l" scope="col">whole model</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}
