import { clean, shorten } from './escape.js';
import { integer, NBSP, percent, plain } from './format.js';
import { columnsOf, fit, pad, pen, type Pen, type TerminalOptions } from './pen.js';
import { toText } from './phrase.js';
import { costOf, likelyNeeds, oneHalfOnly, riseOf } from './planClaims.js';
import { planModel, planRows, type PlanRow } from './planRows.js';
import { riseAndBound, riseNoun } from './planScale.js';
import type { PlanView } from './planView.js';
import { isUnchanged, judged, ofTheirOwn, settled, widthsText } from './planWords.js';
import type { ReportInput } from './source.js';
import { viewReport, type ReportView } from './view.js';
import { evidence, headline, pills, SIGNS, stays } from './words.js';

const WIDEST = 80;
const NARROWEST = 40;
const MOST_ROWS = 30;
/** Columns of a bar, where there is room. */
const BAR = 16;
const TRACK = 34;
/** Columns that a name keeps. */
const LEAST_NAME = 8;

/**
 * The result of `tdc recommend` for stdout: headline, verdict, widths, the whole model, the gauge, the nearest unresolved plan. At most 80
 * columns; colour repeats what words say.
 * @param input the plan; sweep and comparison for what each group costs alone
 * @throws UsageError without any record
 */
export function renderPlanTerminal(input: ReportInput, options: TerminalOptions): string {
  const view = viewReport(input);
  const { plan } = view;
  const page = pen({ ...options, columns: Math.max(NARROWEST, Math.min(WIDEST, options.columns)) });
  const lines = [
    ...page.wrap(toText(headline(view)), 0).map(page.bold),
    ...verdictLines(view, page),
    ...(plan === undefined
      ? []
      : [
          '',
          ...widths(view, plan, page),
          ...stayLines(view, page),
          '',
          ...model(plan, page),
          ...gauge(plan, page),
          ...aside(plan, page),
        ]),
  ];
  return `${lines.map((l) => page.charset(l).trimEnd()).join('\n')}\n`;
}

/** `✔ Holds the 1 % budget: measured +0.55 %, at most +0.87 % at 95 %`; whatever does not hold in full sentences. */
export function verdictLines(view: ReportView, page: Pen): string[] {
  const { plan } = view;
  const [first, ...others] = pills(view);
  const painted = (p: typeof first, text: string): string[] =>
    p === undefined ? [] : page.wrap(`${sign(p.verdict, page)}${text}`, 2).map((l) => page.paint(p.verdict, l));
  const rest = others.flatMap((p) => painted(p, toText(p.text)));
  if (first === undefined) return page.wrap(toText(evidence(view)), 0);
  const holds = plan !== undefined && first.verdict === 'holds' && !plan.contradicted;
  if (!holds) return [...painted(first, toText(first.text)), ...rest, ...page.wrap(toText(evidence(view)), 0)];
  const noun = plan.scale.metric === undefined ? 'measured' : riseNoun(plan.scale);
  const tuned = plan.record.planned.tuned ? ', tuned' : '';
  const figures = `${noun} ${riseAndBound(plan.scale, plan.select)} at ${plan.confidence}${NBSP}%${tuned}`;
  return [...painted(first, `${toText(first.text)}: ${figures}`), ...rest];
}

function sign(mark: keyof typeof SIGNS, page: Pen): string {
  if (page.unicode) return `${SIGNS[mark]} `;
  return { holds: '', unresolved: '? ', broken: 'x ' }[mark];
}

/** Widths of columns are those of their contents; what is left over goes to names first, then to bars. */
function widths(view: ReportView, plan: PlanView, page: Pen): string[] {
  const every = planRows(view, plan);
  const rows = every.slice(0, MOST_ROWS);
  const single = rows.some((r) => r.saves !== '' || r.costs !== '');
  const baseline = plan.record.baseline;
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  const heads = [
    'width',
    'ordering',
    ...(single ? ['saves', `costs${unit}`] : []),
    ...(baseline === undefined ? [] : [fit(baseline.name, 10)]),
  ];
  const full = Math.max(...rows.map((r) => columnsOf(plain(r.n))));
  const cells = rows.map((r) => [
    widthText(r, full, page),
    r.whole ? '' : shorten(toText(r.ordering), 18),
    ...(single ? (r.whole ? ['', ''] : [plain(r.saves || '–'), plain(r.costs || '–')]) : []),
    ...(baseline === undefined ? [] : [r.baseline]),
  ]);
  const all = heads.map((h, i) => Math.max(columnsOf(h), ...cells.map((c) => columnsOf(c[i] ?? ''))));
  const sizes = fitting(all, page.columns - 2 - LEAST_NAME);
  const fixed = sizes.reduce((x, y) => x + y + 2, 2);
  const longest = Math.max(5, ...rows.map((r) => columnsOf(clean(r.group.name))));
  const name = Math.min(longest, Math.max(LEAST_NAME, page.columns - fixed - 8));
  const bar = Math.max(0, Math.min(BAR, page.columns - fixed - name - 2));
  const line = (first: string, kept: string, texts: readonly string[]): string => {
    const [width = '', ...others] = sizes.map((size, i) => pad(texts[i] ?? '', size, i > 1));
    return `  ${[first, width, ...(bar > 0 ? [kept] : []), ...others].join('  ')}`;
  };
  const more = every.length - rows.length;
  return [
    page.soft(line(pad('group', name), pad('kept', bar), heads)),
    ...rows.map((r, i) => line(page.bold(pad(fit(r.group.name, name), name)), barText(r, bar, page), cells[i] ?? [])),
    ...(more > 0 ? [`  … and ${more} more groups in the report`] : []),
  ];
}

/** As many of the first columns as there is room for, with two spaces before each. */
function fitting(sizes: readonly number[], room: number): number[] {
  const kept: number[] = [];
  let used = 0;
  for (const size of sizes) {
    used += size + 2;
    if (used > room) break;
    kept.push(size);
  }
  return kept;
}

function widthText({ n, what, whole }: PlanRow, full: number, page: Pen): string {
  const left = plain(n).padStart(full);
  return whole ? left : `${left} ${page.unicode ? '→' : '->'} ${plain(what)}`;
}

function barText({ kept, whole }: PlanRow, cells: number, page: Pen): string {
  const full = Math.min(cells, Math.max(1, Math.round(cells * kept)));
  const paint = whole ? page.soft : (text: string): string => page.paint('tail', text);
  return cells === 0 ? '' : paint('━'.repeat(full)) + page.soft('─'.repeat(cells - full));
}

function stayLines(view: ReportView, page: Pen): string[] {
  return stays(view).flatMap((s) =>
    page.wrap(`${toText(s.layers)} ${s.verb}: ${clean(s.reason)}`, 4, 2).map(page.soft),
  );
}

function model(plan: PlanView, page: Pen): string[] {
  const { baseline } = plan.record;
  const heads = ['original', 'narrowed', 'change', ...(baseline === undefined ? [] : [fit(baseline.name, 10)])];
  const rows = planModel(plan).map((r) => ({
    label: fit(r.label, page.columns < 60 ? 12 : 22),
    cells: [r.original, r.narrowed, r.change, r.baseline].map(plain),
  }));
  const label = Math.max(...rows.map((r) => columnsOf(r.label)));
  const widest = heads.map((h, i) => Math.max(columnsOf(h), ...rows.map((r) => columnsOf(r.cells[i] ?? ''))));
  const roomy = widest.map((w) => Math.max(w, 10));
  const room = page.columns - 2 - label;
  const fits = roomy.reduce((x, y) => x + y + 2, 0) <= room;
  const sizes = fitting(fits ? roomy : widest, room);
  const line = (name: string, values: readonly string[]): string =>
    `  ${pad(name, label)}${sizes.map((size, i) => `  ${pad(values[i] ?? '', size, true)}`).join('')}`;
  return [page.soft(line('', heads)), ...rows.map((r) => line(r.label, r.cells))];
}

/** Select and report as bars; the right end is the bound. */
function gauge(plan: PlanView, page: Pen): string[] {
  const { budget, budgetText } = plan.scale;
  const rows = judged(plan);
  const texts = rows.map((r) => plain(riseAndBound(plan.scale, r)));
  const width = Math.min(TRACK, page.columns - 14 - Math.max(...texts.map(columnsOf)));
  if (budget === null || width < 12 || plan.nothing) return [];
  const low = Math.min(0, ...rows.map((r) => r.low));
  const high = Math.max(budget, ...rows.map((r) => r.high));
  const at = (v: number): number => Math.round(((v - low) / (high - low || 1)) * (width - 1));
  const lines = rows.map((r, i) => {
    const track = Array.from({ length: width }, () => ' ');
    track[at(0)] = page.unicode ? '│' : '|';
    track[at(budget)] = page.unicode ? '┊' : '!';
    for (let c = at(r.low); c <= at(r.high); c++) track[c] = page.unicode ? '─' : '-';
    track[at(r.rise)] = page.unicode ? '●' : 'o';
    const verdictOf = r.high <= budget ? 'holds' : r.rise <= budget ? 'unresolved' : 'broken';
    return `  ${pad(r.terminal, 8)}${page.paint(verdictOf, track.join(''))}  ${texts[i] ?? ''}`;
  });
  const axis = Array.from({ length: width + 8 }, () => ' ');
  axis[at(0)] = '0';
  const label = Array.from(plain(budgetText ?? ''));
  // The label ends with the line where it would run out of the chart.
  const start = Math.max(at(0) + 2, Math.min(at(budget), width + 8 - label.length));
  label.forEach((c, i) => (axis[start + i] = c));
  return ['', ...lines, page.soft(`${' '.repeat(10)}${axis.join('').trimEnd()}`)];
}

/** What a reader must not miss: what training did alone, the likely narrower plan, what the verdict rests on. */
function aside(plan: PlanView, page: Pen): string[] {
  const { record, retrained, control, scale } = plan;
  const trained = [
    ...(retrained === undefined ? [] : [`retraining alone ${riseAndBound(scale, retrained)}`]),
    ...(control === undefined
      ? []
      : [
          `the control ${isUnchanged(control) ? 'nothing: no epoch was better than the original' : riseAndBound(scale, control)}`,
        ]),
  ];
  const text = trained.join('; ');
  const own = ofTheirOwn(plan, 'the report rows');
  const lines = [
    ...(own === '' || plan.nothing ? [] : page.wrap(own, 2)),
    ...(text === '' ? [] : page.wrap(`At full width ${text}.`, 2)),
  ].map(page.soft);
  const { likely } = record;
  if (likely === undefined) return lines.length === 0 ? [] : ['', ...lines];
  const saves =
    plan.cost.original === null
      ? ''
      : ` (${percent(100 * Math.max(0, 1 - costOf(plan, likely) / plan.cost.original), 'down')} fewer)`;
  const needed = likelyNeeds(plan);
  const settle =
    needed === null
      ? oneHalfOnly(plan)
      : ` ${settled(needed, record.rows.bounding, `; there are ${integer(record.rows.bounding)}`)}`;
  const words = `? Not resolved: ${toText(widthsText(likely))}${saves}, ${riseAndBound(scale, riseOf(plan, likely))}.${settle}`;
  return ['', ...lines, ...page.wrap(words, 2).map((l) => page.paint('unresolved', l))];
}
