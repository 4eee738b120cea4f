import {
  equalKText,
  holdingCell,
  missingRows,
  missingText,
  rankingText,
  smallerText,
  taxText,
  weightsText,
} from './compareWords.js';
import type { ComparedCurve, ComparedGroupView } from './compareView.js';
import { clean, shorten } from './escape.js';
import { integer, percent, plain } from './format.js';
import { columnsOf, fit, pad, pen, type Pen, type TerminalOptions } from './pen.js';
import { toText } from './phrase.js';
import { riseCell } from './scale.js';
import type { ReportInput } from './source.js';
import { viewReport, type ReportView } from './view.js';
import { evidence, headline, pills, SIGNS, stays } from './words.js';

const WIDEST = 80;
const NARROWEST = 40;
const MOST_GROUPS = 12;
const MOST_MISSING = 8;

/**
 * The result of a comparison for stdout: headline, then per group every ordering with the smallest model that holds, the
 * ranking at that cost, the kernel's break-even. At most 80 columns; colour repeats what words say.
 * @throws UsageError without a comparison and without a sweep
 */
export function renderCompareTerminal(input: ReportInput, options: TerminalOptions): string {
  // The comparison leads, also where a sweep was given.
  const view = viewReport(input.compare === undefined ? input : { ...input, sweep: undefined });
  const page = pen({ ...options, columns: Math.max(NARROWEST, Math.min(WIDEST, options.columns)) });
  const groups = view.compare?.groups ?? [];
  const more = groups.length - MOST_GROUPS;
  const lines = [
    ...page.wrap(toText(headline(view)), 0).map(page.bold),
    ...pills(view).flatMap((p) =>
      page.wrap(`${SIGNS[p.verdict]} ${toText(p.text)}`, 2).map((l) => page.paint(p.verdict, l)),
    ),
    ...page.wrap(toText(evidence(view)), 0),
    ...groups.slice(0, MOST_GROUPS).flatMap((g) => ['', ...block(view, g, page)]),
    ...(more > 0 ? ['', `  … and ${more} more groups in the report`] : []),
    '',
    ...notes(view, page),
  ];
  return `${lines.map((l) => page.charset(l).trimEnd()).join('\n')}\n`;
}

function block(view: ReportView, group: ComparedGroupView, page: Pen): string[] {
  const stake = `can save at most ${plain(percent(100 * group.stake))}`;
  const name = fit(group.name, Math.max(8, page.columns - columnsOf(stake) - 2));
  const kernel = group.kernel;
  const about =
    kernel === undefined
      ? []
      : page.wrap(
          `kernel of ${shorten(kernel.layer, 40)}: rank ${integer(kernel.rank)}, larger than full above ${integer(kernel.breakEven)}${energy(group)}`,
          4,
          2,
        );
  const facts = [rankingText(view, group, 'parameters'), weightsText(view, group), smallerText(group)];
  return [
    `${page.bold(name)}  ${page.soft(stake)}`,
    ...table(view, group, page),
    ...facts.filter((f) => f.length > 0).flatMap((f) => page.wrap(toText(f), 4, 2)),
    ...about.map(page.soft),
  ];
}

/** `; heuristics: 90 % of the energy 12, 95 % 20, 99 % 55`. */
function energy({ kernel }: ComparedGroupView): string {
  const parts = [90, 95, 99].flatMap((e) => {
    const k = kernel?.selectors[`energy${e}`];
    return k == null ? [] : [`${e}\u00a0%\u00a0${integer(k)}`];
  });
  return parts.length === 0 ? '' : `; energy (a heuristic) ${parts.join(', ')}`;
}

function table(view: ReportView, group: ComparedGroupView, page: Pen): string[] {
  const rows = group.drawn.map((c) => cells(view, group, c));
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  const heads = ['ordering', 'smallest', 'saves', `costs${unit}`, 'at most'];
  const sizes = heads.map((h, i) => Math.max(columnsOf(h), ...rows.map((r) => columnsOf(r.texts[i] ?? ''))));
  const fixed = sizes.slice(1).reduce((a, b) => a + b + 2, 4);
  const first = Math.min(sizes[0] ?? 8, Math.max(8, page.columns - fixed));
  const line = (texts: readonly string[]): string =>
    texts.map((t, i) => (i === 0 ? pad(fit(t, first), first) : pad(t, sizes[i] ?? 0, i > 1))).join('  ');
  // A terminal too narrow for the rest keeps the first columns.
  const cut = (text: string): string => fit(text, page.columns - 2);
  return [
    page.soft(`  ${cut(line(heads))}`),
    ...rows.map((r) => {
      const text = cut(line(r.texts));
      return r.wins ? page.bold(`${page.unicode ? '▸' : '>'} ${text}`) : `  ${text}`;
    }),
  ];
}

function cells(view: ReportView, group: ComparedGroupView, curve: ComparedCurve): { texts: string[]; wins: boolean } {
  const { status, saves, what } = holdingCell(view, curve);
  const point = curve.view.needs ?? curve.view.points.at(-1);
  const sign = status === 'unresolved' ? '? ' : status === 'broken' ? '✖ ' : '';
  const costs =
    point === undefined ? ['', ''] : [riseCell(view.scale, point.rise), riseCell(view.scale, point.high, 'up')];
  const texts = [
    toText(curve.ordering.label),
    `${sign}${what.replace(': larger than full', ' > full')}`,
    saves,
    ...costs,
  ];
  return { texts: texts.map(plain), wins: group.winner !== undefined && curve.saves === group.winner.saves };
}

/** What every reader must know: k is no cost, what retraining did, what is missing, what stays. */
function notes(view: ReportView, page: Pen): string[] {
  const lead = view.compare?.groups[0];
  const equal = lead === undefined ? [] : page.wrap(toText(equalKText(view, lead)), 2);
  const tax = taxText(view);
  const missing = view.compare === undefined ? [] : missingRows(view.compare);
  const gone = missing.slice(0, MOST_MISSING).map((m) => `Not to be had: ${toText(missingText(m))}`);
  const more = missing.length > MOST_MISSING ? [`… and ${missing.length - MOST_MISSING} more not to be had`] : [];
  const skipped = stays(view).map((s) => `${toText(s.layers)} ${s.verb}: ${clean(s.reason)}`);
  return [
    ...equal,
    ...[...(tax === '' ? [] : [tax]), ...gone, ...more, ...skipped].flatMap((t) => page.wrap(t, 2)),
  ].map(page.soft);
}
