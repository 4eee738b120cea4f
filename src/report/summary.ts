import { integer } from './format.js';
import { clean, escapeFence, escapeMarkdown, shorten, slug } from './escape.js';
import { compareSummary } from './compareSummary.js';
import { claims } from './claims.js';
import { modelTable, widthRow } from './rows.js';
import { toMarkdown } from './phrase.js';
import { planSummary } from './planSummary.js';
import { positionOf } from './scale.js';
import type { GroupView } from './groupView.js';
import type { ReportView } from './view.js';
import { evidence, headline, isComparison, pills, stays, widthStatus } from './words.js';

/** Rows of groups before "… and N more in the report". */
export const MOST_ROWS = 20;
const BAR = 12;
const CURVE = 48;
/** Verdicts as forges show them. */
export const ICONS = { holds: '✅', unresolved: '⚠️', broken: '❌' } as const;

/** Markdown for a comment: a hidden marker first, so that the comment can be found and replaced. Text only. */
export function renderSummary(view: ReportView): string {
  if (view.plan !== undefined) return planSummary(view, view.plan);
  const { sweep } = view;
  const marks = pills(view).map((p) => `**${ICONS[p.verdict]} ${toMarkdown(p.text)}.**`);
  const parts = [
    `<!-- tdc-report ${slug(sweep.model.name)} -->\n### ${escapeMarkdown(sweep.model.name)}: ${toMarkdown(headline(view))}`,
    ...(marks.length > 0 ? [marks.join(' ')] : []),
    toMarkdown(evidence(view)),
    isComparison(view) ? compareSummary(view) : widthTable(view),
    isComparison(view) ? stayNotes(view) : footnotes(view),
    fullWidth(view),
    curves(view),
    isComparison(view) ? '' : compareSummary(view),
    details(
      'How far to trust it',
      claims(view)
        .map((c) => `- ${c.mark === 'note' ? '' : `${ICONS[c.mark]} `}**${c.title}** ${toMarkdown(c.text)}`)
        .join('\n'),
    ),
    `Full report: \`report.html\` · <sub>${provenance(view)}</sub>`,
    command(view),
  ];
  return `${parts.filter((p) => p !== '').join('\n\n')}\n`;
}

function widthTable(view: ReportView): string {
  if (view.groups.length === 0) return '';
  const rows = view.groups.slice(0, MOST_ROWS).map((g) => {
    const { n, k, status, saves, costs, bound } = widthRow(view, g);
    const width = {
      narrower: `${n} → **${integer(k)}**`,
      none: `${n}, lowest **${integer(k)}**`,
      full: `**${n}**`,
      unresolved: `${n} → ?`,
      broken: `${n} ✖`,
    }[status];
    return `| **${escapeMarkdown(shorten(g.name, 70))}** | ${width} | \`${bar(k, g.n)}\` | ${saves} | ${costs} | ${bound} |`;
  });
  const more = view.groups.length > MOST_ROWS ? `\n\n… and ${view.groups.length - MOST_ROWS} more in the report` : '';
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  return `| group | width | kept | saves | costs${unit} | at most |\n|:--|--:|:--|--:|--:|--:|\n${rows.join('\n')}${more}`;
}

/** `████░░░░`: any unit kept shows. */
export function bar(k: number, n: number, cells = BAR): string {
  const full = k === 0 ? 0 : Math.max(1, Math.round((cells * k) / Math.max(1, n)));
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** What stays and why, a sentence a reason. */
export function skipped(view: ReportView): string[] {
  return stays(view)
    .slice(0, MOST_ROWS)
    .map((s) => `${toMarkdown(s.layers)} ${s.verb}: ${escapeMarkdown(s.reason)}.`);
}

/** Under a table of orderings: nothing of it is about the stored order alone. */
function stayNotes(view: ReportView): string {
  return skipped(view)
    .map((n) => `<sub>${n}</sub>`)
    .join(' ');
}

function footnotes(view: ReportView): string {
  const notes = skipped(view);
  notes.push(
    `Saves and costs: each group alone, of the whole model${view.groups.length > 1 ? '; together is another matter' : ''}.`,
  );
  const status = new Set(view.groups.map((g) => widthStatus(view, g)));
  if (status.has('unresolved')) notes.push('?: not resolved, costs at full width.');
  if (status.has('broken')) notes.push('✖: not even full width holds.');
  return notes.map((n) => `<sub>${n}</sub>`).join(' ');
}

function fullWidth(view: ReportView): string {
  const { columns, rows } = modelTable(view);
  const lines = rows.map((r) => {
    const label = r.ours ? r.label : escapeMarkdown(r.label);
    return `| ${label} | ${columns.map((_, i) => r.cells[i] ?? '').join(' | ')} |`;
  });
  return [`| | ${columns.join(' | ')} |`, `|:--|${columns.map(() => '--:|').join('')}`, ...lines].join('\n');
}

function curves(view: ReportView): string {
  if (view.groups.length === 0) return '';
  const shown = view.groups.slice(0, MOST_ROWS);
  const names = shown.map((g) => escapeFence(shorten(g.name, 24)));
  const width = Math.max(...names.map((n) => Array.from(n).length));
  const lines = shown.flatMap((g, i) => {
    const name = (names[i] ?? '').padEnd(width);
    const at =
      g.needs !== null && g.needs.k < g.best.curve.n
        ? [`${' '.repeat(width + 4 + column(g.needs.k, g.n))}▲ ${g.needs.k}`]
        : [];
    return [`${name}  0 ${sparks(view, g)} ${g.n}`, ...at];
  });
  const floor = view.scale.budget === null ? '' : ' `▁` inside the budget at 95 %, ▲ the width needed alone.';
  return details(
    'Curves',
    `Loss above the original from 0 kept to all kept, each group alone; logarithmic.${floor}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``,
  );
}

/** Where k stands in a row of sparks. */
export function column(k: number, n: number): number {
  return Math.ceil(((CURVE - 1) * k) / Math.max(1, n));
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** The leading curve in 48 columns, straight between measured points; `▁` where the upper bounds on both sides are inside the budget. */
export function sparks(view: ReportView, group: GroupView): string {
  const { points } = group.chief;
  const { budget } = view.scale;
  const floor = positionOf(view.axis, budget ?? 0);
  let out = '';
  for (let c = 0; c < CURVE; c++) {
    const k = (c * group.n) / (CURVE - 1);
    const right = points.findIndex((p) => p.k >= k - 1e-9);
    const b = points[right];
    const a = points[Math.max(0, right - 1)];
    if (a === undefined || b === undefined) continue;
    const t = b.k > a.k ? (k - a.k) / (b.k - a.k) : 1;
    const inside = budget === null ? a.rise + t * (b.rise - a.rise) <= 0 : Math.max(a.high, b.high) <= budget;
    const height = (positionOf(view.axis, a.rise + t * (b.rise - a.rise)) - floor) / (1 - floor);
    const level = inside ? 0 : Math.max(1, Math.min(7, Math.ceil(7 * height)));
    out += Array.from(LEVELS)[level] ?? '';
  }
  return out;
}

export function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n</details>`;
}

export function provenance({ sweep }: ReportView): string {
  const { model, data, backend } = sweep;
  return `${escapeMarkdown(sweep.tool)} · seed ${sweep.seed} · model ${short(model.digest)} · data ${short(data.digest)} · ${escapeMarkdown(backend.name)}`;
}

function short(digest: string): string {
  return escapeMarkdown(digest.replace(/^sha256:/u, '').slice(0, 8));
}

/** A fence longer than any run of backticks in the command. */
export function command({ input }: ReportView): string {
  if (input.run === undefined) return '';
  const text = clean(input.run.command);
  const longest = [...text.matchAll(/`+/gu)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
