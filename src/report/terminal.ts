import { bytes, integer, plain, saving, significant } from './format.js';
import { clean, shorten } from './escape.js';
import { metricRows } from './metrics.js';
import { toText } from './phrase.js';
import { riseText } from './scale.js';
import { verdictOf, viewReport, type GroupView, type ReportInput, type ReportView } from './view.js';
import { evidence, headline, isOpen, pills, SIGNS, stays, widthStatus } from './words.js';

export interface TerminalOptions {
  /** Columns of the terminal; lines are never longer than 80. */
  readonly columns: number;
  /** False: only ASCII. */
  readonly unicode: boolean;
  /** False (a pipe, NO_COLOR): the same text without escapes. */
  readonly color: boolean;
}

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

interface Pen {
  readonly columns: number;
  readonly unicode: boolean;
  wrap(text: string, hanging: number, first?: number): string[];
  bold(text: string): string;
  soft(text: string): string;
  paint(role: 'holds' | 'unresolved' | 'broken' | 'tail', text: string): string;
  charset(text: string): string;
}

function pen({ columns, unicode, color }: TerminalOptions): Pen {
  const escape = (code: string) => (text: string) => (color && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  const codes = { holds: '32', unresolved: '33', broken: '31', tail: '36' } as const;
  return {
    columns,
    unicode,
    wrap: (text, hanging, first) => wrap(plain(text), columns, hanging, first),
    bold: escape('1'),
    soft: escape('2'),
    paint: (role, text) => escape(codes[role])(text),
    charset: (text) => (unicode ? plain(text) : ascii(plain(text))),
  };
}

const ASCII: Readonly<Record<string, string>> = {
  '→': '->',
  '✔': 'ok',
  '✖': 'x',
  '…': '...',
  '–': '-',
  '━': '#',
  '─': '.',
  '●': 'o',
  '│': '|',
  '┊': '!',
  '·': '-',
  '≥': '>=',
};

/** What has no ASCII likeness becomes `?`. */
function ascii(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[^\u0000-\u007f]/gu, (c) => ASCII[c] ?? '?');
}

/** Lines of at most `columns`, the first one indented by `first`, the others by `hanging`. */
function wrap(text: string, columns: number, hanging: number, first = 0): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(first);
  let empty = true;
  for (const word of text.split(' ').flatMap((w) => chunks(w, columns - Math.max(hanging, first)))) {
    const longer = empty ? line + word : `${line} ${word}`;
    if (!empty && [...longer].length > columns) {
      lines.push(line);
      line = ' '.repeat(hanging) + word;
    } else line = longer;
    empty = false;
  }
  return [...lines, line];
}

function chunks(word: string, size: number): string[] {
  const characters = [...word];
  if (characters.length <= size) return [word];
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, i) =>
    characters.slice(i * size, (i + 1) * size).join(''),
  );
}

/** Pads by characters, not UTF-16 units. */
function pad(text: string, width: number, right = false): string {
  const fill = ' '.repeat(Math.max(0, width - [...text].length));
  return right ? fill + text : text + fill;
}

function widths(view: ReportView, page: Pen): string[] {
  if (view.groups.length === 0) return skippedLines(view, page);
  const shown = view.groups.slice(0, MOST_ROWS);
  const rows = shown.map((g) => cells(view, g, page));
  const size = (key: 'width' | 'saves' | 'costs' | 'bound', head: string): number =>
    Math.max(head.length, ...rows.map((r) => [...r[key]].length));
  const w = {
    width: size('width', 'width'),
    saves: size('saves', 'saves'),
    costs: size('costs', 'costs'),
    bound: size('bound', 'at most'),
  };
  const fixed = 2 + w.width + w.saves + w.costs + w.bound + 10;
  const name = Math.min(
    Math.max(5, ...shown.map((g) => [...clean(g.name)].length)),
    Math.max(8, page.columns - fixed - 6),
  );
  const bar = Math.max(0, Math.min(18, page.columns - fixed - name - 2));
  const head = `  ${pad('group', name)}  ${pad('width', w.width)}  ${bar > 0 ? `${pad('kept', bar)}  ` : ''}${pad('saves', w.saves, true)}  ${pad('costs', w.costs, true)}  ${pad('at most', w.bound, true)}`;
  const lines = shown.map((g, i) => {
    const r = rows[i];
    if (r === undefined) return '';
    const full = r.k === 0 ? 0 : Math.max(1, Math.round((bar * r.k) / Math.max(1, g.n)));
    const kept = bar > 0 ? `${page.paint('tail', '━'.repeat(full))}${page.soft('─'.repeat(bar - full))}  ` : '';
    return `  ${page.bold(pad(shorten(g.name, name), name))}  ${pad(r.width, w.width)}  ${kept}${pad(r.saves, w.saves, true)}  ${pad(r.costs, w.costs, true)}  ${pad(r.bound, w.bound, true)}`;
  });
  const more =
    view.groups.length > shown.length ? [`  … and ${view.groups.length - shown.length} more groups in the report`] : [];
  const note =
    view.groups.length > 1 ? page.wrap('Each group alone, the others full: together they cost more.', 2, 2) : [];
  return [page.soft(head), ...lines, ...more, ...skippedLines(view, page), ...note.map(page.soft), ...open(view, page)];
}

function skippedLines(view: ReportView, page: Pen): string[] {
  return stays(view.sweep.skipped).flatMap((s) =>
    page.wrap(`${toText(s.layers)} stays: ${clean(s.reason)}`, 4, 2).map(page.soft),
  );
}

function cells(
  view: ReportView,
  group: GroupView,
  page: Pen,
): { k: number; width: string; saves: string; costs: string; bound: string } {
  const status = widthStatus(view, group);
  const point =
    status === 'narrower' ? group.needs : status === 'none' ? group.chief.lowest : group.chief.points.at(-1);
  const n = plain(integer(group.best.curve.n));
  const k = point?.k ?? group.n;
  const to = (text: string): string => `${n.padStart(5)} ${page.unicode ? '→' : '->'} ${text}`;
  const width = {
    narrower: to(plain(integer(k))),
    none: to(plain(integer(k))),
    full: n.padStart(5),
    unresolved: to('?'),
    broken: `${n.padStart(5)} ✖`,
  }[status];
  const total = view.sweep.model.parameters;
  const known = point != null && status !== 'unresolved' && status !== 'broken' && total > 0;
  return {
    k,
    width,
    saves: known ? plain(saving(Math.max(0, 1 - point.source.parameters / total))) : page.unicode ? '–' : '-',
    costs: point == null ? '' : plain(riseText(view.scale, point.rise)),
    bound: point == null ? '' : plain(riseText(view.scale, point.high, 'up')),
  };
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
  const { sweep } = view;
  const full = [view.retrained, view.control].filter((f) => f !== undefined);
  const names = [
    'original',
    ...(view.retrained === undefined ? [] : ['retrained']),
    ...(view.control === undefined ? [] : ['control']),
  ];
  const measured = [sweep.original, ...full.map((f) => f.measured)];
  const rows: [string, string[]][] = [
    ['parameters', [integer(sweep.model.parameters)]],
    ['multiply-adds', [integer(sweep.model.macs)]],
    ['file', [bytes(sweep.model.bytes)]],
    [`loss, ${view.scale.unit}`, measured.map((m) => significant(m.loss))],
    ...(full.length > 0
      ? [['change', ['', ...full.map((f) => riseText(view.scale, f.rise))]] satisfies [string, string[]]]
      : []),
    ...metricRows(
      view,
      measured.map((m) => m.metrics),
    ).map((m): [string, string[]] => [shorten(m.name, 24), m.cells]),
  ];
  const label = Math.max(...rows.map(([name]) => [...name].length));
  const size = Math.min(14, Math.floor((page.columns - 2 - label) / names.length));
  const line = (name: string, values: readonly string[]): string =>
    `  ${pad(name, label)}${names.map((_, i) => pad(plain(values[i] ?? ''), size, true)).join('')}`;
  return [page.soft(line('', names)), ...rows.map(([name, values]) => line(name, values))];
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
  const label = [...plain(budgetText ?? '')];
  if (at(budget) > at(0) + 1) label.forEach((c, i) => (axis[at(budget) + i] = c));
  return ['', ...lines, page.soft(`${' '.repeat(12)}${axis.join('').trimEnd()}`)];
}
