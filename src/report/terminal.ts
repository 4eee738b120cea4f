import { integer, plain } from './format.js';
import { clean, shorten } from './escape.js';
import { toText } from './phrase.js';
import { modelTable, widthRow, type WidthRow } from './rows.js';
import { riseText } from './scale.js';
import type { ReportInput } from './source.js';
import { verdictOf, viewReport, type ReportView } from './view.js';
import { columnsOf, fit, pad, pen, type Pen, type TerminalOptions } from './pen.js';
import { evidence, headline, isOpen, pills, SIGNS, stays } from './words.js';

export { renderCompareTerminal } from './compareTerminal.js';
export { renderCompressTerminal } from './compressTerminal.js';
export { renderPlanTerminal } from './planTerminal.js';

const WIDEST = 80;
const NARROWEST = 40;
const MOST_ROWS = 30;

/** The result for stdout: headline, verdicts, widths, the model, intervals. Colour repeats what words say. */
export function renderTerminal(input: ReportInput, options: TerminalOptions): string {
  const view = viewReport(input);
  const page = pen({ ...options, columns: Math.max(NARROWEST, Math.min(WIDEST, options.columns)) });
  const lines = [
    ...page.wrap(toText(headline(view)), 0).map(page.bold),
    ...pills(view).flatMap((p) =>
      page.wrap(`${SIGNS[p.verdict]} ${toText(p.text)}`, 2).map((l) => page.paint(p.verdict, l)),
    ),
    ...page.wrap(toText(evidence(view)), 0),
    '',
    ...widths(view, page),
    '',
    ...model(view, page),
    ...intervals(view, page),
  ];
  return `${lines.map((l) => page.charset(l).trimEnd()).join('\n')}\n`;
}

function widths(view: ReportView, page: Pen): string[] {
  if (view.groups.length === 0) return skippedLines(view, page);
  const rows = view.groups.slice(0, MOST_ROWS).map((g) => widthRow(view, g));
  const more = view.groups.length - rows.length;
  const note =
    view.groups.length > 1 ? page.wrap('Each group alone, the others full: together they cost more.', 2, 2) : [];
  return [
    ...table(view, rows, page),
    ...(more > 0 ? [`  … and ${more} more groups in the report`] : []),
    ...skippedLines(view, page),
    ...note.map(page.soft),
    ...open(view, page),
  ];
}

/** Widths of columns are those of their contents; what is left over goes to names first, then to bars. */
function table(view: ReportView, rows: readonly WidthRow[], page: Pen): string[] {
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  const cells = rows.map((r) => [widthText(r, page), plain(r.saves), plain(r.costs), plain(r.bound)]);
  const heads = ['width', 'saves', `costs${unit}`, 'at most'];
  const sizes = heads.map((head, i) => Math.max(columnsOf(head), ...cells.map((c) => columnsOf(c[i] ?? ''))));
  const fixed = sizes.reduce((a, b) => a + b + 2, 2);
  const longest = Math.max(5, ...rows.map((r) => columnsOf(clean(r.group.name))));
  const name = Math.min(longest, Math.max(8, page.columns - fixed - 6));
  const bar = Math.max(0, Math.min(18, page.columns - fixed - name - 2));
  const line = (first: string, kept: string, texts: readonly string[]): string => {
    const [width = '', ...numbers] = texts.map((t, i) => pad(t, sizes[i] ?? 0, i > 0));
    return `  ${[first, width, ...(bar > 0 ? [kept] : []), ...numbers].join('  ')}`;
  };
  const head = page.soft(line(pad('group', name), pad('kept', bar), heads));
  return [
    head,
    ...rows.map((r, i) => line(page.bold(pad(fit(r.group.name, name), name)), barText(r, bar, page), cells[i] ?? [])),
  ];
}

function barText({ k, group }: WidthRow, cells: number, page: Pen): string {
  const full = k === 0 ? 0 : Math.min(cells, Math.max(1, Math.round((cells * k) / Math.max(1, group.n))));
  return page.paint('tail', '━'.repeat(full)) + page.soft('─'.repeat(cells - full));
}

function skippedLines(view: ReportView, page: Pen): string[] {
  return stays(view).flatMap((s) =>
    page.wrap(`${toText(s.layers)} ${s.verb}: ${clean(s.reason)}`, 4, 2).map(page.soft),
  );
}

function widthText({ n, k, status }: WidthRow, page: Pen): string {
  const full = plain(n).padStart(5);
  const to = `${full} ${page.unicode ? '→' : '->'}`;
  const kept = plain(integer(k));
  return { narrower: `${to} ${kept}`, none: `${to} ${kept}`, full, unresolved: `${to} ?`, broken: `${full} ✖` }[status];
}

/** The widths that the examples leave open, one line per group. */
function open(view: ReportView, page: Pen): string[] {
  const { budgetText } = view.scale;
  return view.groups
    .filter((g) => isOpen(g.best))
    .slice(0, 6)
    .flatMap((g) => {
      const { from, to } = g.best.unresolved ?? { from: 0, to: 0 };
      const range = from === to ? integer(from) : `${integer(from)} to ${integer(to)}`;
      return page
        .wrap(`? ${shorten(g.name, 30)}: ${range} of ${integer(g.n)} not resolved at ${budgetText ?? ''}.`, 4, 2)
        .map((l) => page.paint('unresolved', l));
    });
}

function model(view: ReportView, page: Pen): string[] {
  const { columns, rows } = modelTable(view);
  const label = Math.max(...rows.map((r) => columnsOf(fit(r.label, 24))));
  const size = Math.min(14, Math.floor((page.columns - 2 - label) / columns.length));
  const line = (name: string, values: readonly string[]): string =>
    `  ${pad(name, label)}${columns.map((_, i) => pad(plain(values[i] ?? ''), size, true)).join('')}`;
  return [page.soft(line('', columns)), ...rows.map((r) => line(fit(r.label, 24), r.cells))];
}

/** What retraining and its control did, as bars; the right end is the 95 % bound. */
function intervals(view: ReportView, page: Pen): string[] {
  const { budget, budgetText } = view.scale;
  const rows = [
    ...(view.retrained === undefined ? [] : [{ label: 'retrained', ...view.retrained }]),
    ...(view.control === undefined ? [] : [{ label: 'control', ...view.control }]),
  ];
  const width = page.columns - 46;
  if (rows.length === 0 || budget === null || width < 16) return [];
  const low = Math.min(0, ...rows.map((r) => r.low));
  const high = Math.max(budget, ...rows.map((r) => r.high));
  const at = (v: number): number => Math.round(((v - low) / (high - low)) * (width - 1));
  const lines = rows.map((r) => {
    const track = Array.from({ length: width }, () => ' ');
    track[at(0)] = page.unicode ? '│' : '|';
    track[at(budget)] = page.unicode ? '┊' : '!';
    for (let c = at(r.low); c <= at(r.high); c++) track[c] = page.unicode ? '─' : '-';
    track[at(r.rise)] = page.unicode ? '●' : 'o';
    const words = `${riseText(view.scale, r.rise)}, at most ${riseText(view.scale, r.high, 'up')}`;
    return `  ${pad(r.label, 10)}${page.paint(verdictOf(r, budget), track.join(''))}  ${plain(words)}`;
  });
  const axis = Array.from({ length: width + 8 }, () => ' ');
  axis[at(0)] = '0';
  const label = Array.from(plain(budgetText ?? ''));
  if (at(budget) > at(0) + 1) label.forEach((c, i) => (axis[at(budget) + i] = c));
  return ['', ...lines, page.soft(`${' '.repeat(12)}${axis.join('').trimEnd()}`)];
}
