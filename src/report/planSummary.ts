import { compareSummary } from './compareSummary.js';
import { escapeFence, escapeMarkdown, shorten, slug } from './escape.js';
import { integer } from './format.js';
import { toMarkdown } from './phrase.js';
import { planClaims } from './planClaims.js';
import { COST_HEADS, feasibility, planModel, planRows } from './planRows.js';
import type { PlanView } from './planView.js';
import { bar, column, command, details, ICONS, MOST_ROWS, provenance, skipped, sparks } from './summary.js';
import { markOf } from './groupView.js';
import type { ReportView } from './view.js';
import { evidence, headline, pills } from './words.js';

/** A plan in Markdown for a comment: marker, headline, verdict and evidence, two tables, curves and trust folded. Text only. */
export function planSummary(view: ReportView, plan: PlanView): string {
  const { model } = view.sweep;
  const [first, ...others] = pills(view);
  const more = others.map((p) => ` **${ICONS[p.verdict]} ${toMarkdown(p.text)}.**`).join('');
  const verdict = first === undefined ? '' : `**${toMarkdown(first.text)}.**${more} `;
  const icon = ICONS[plan.contradicted ? 'broken' : (first?.verdict ?? plan.verdict)];
  const parts = [
    `<!-- tdc-report ${slug(model.name)} -->\n### ${icon} ${escapeMarkdown(model.name)}: ${toMarkdown(headline(view))}`,
    `${verdict}${toMarkdown(evidence(view))}`,
    widths(view, plan),
    notes(view, plan),
    wholeModel(plan),
    curves(view),
    orderings(view),
    details(
      'How far to trust it',
      `${planClaims(view, plan)
        .map((c) => `- ${c.mark === 'note' ? '' : `${ICONS[c.mark]} `}**${c.title}** ${toMarkdown(c.text)}`)
        .join('\n')}\n\n${atAll(plan)}`,
    ),
    `Full report: \`report.html\` · <sub>${provenance(view)}</sub>`,
    command(view),
  ];
  return `${parts.filter((p) => p !== '').join('\n\n')}\n`;
}

function widths(view: ReportView, plan: PlanView): string {
  const all = planRows(view, plan);
  const { baseline } = plan.record;
  const single = all.some((r) => r.saves !== '' || r.costs !== '');
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  const heads = [
    'group',
    'width',
    'kept',
    'ordering',
    ...(single ? ['saves', `costs${unit}`] : []),
    ...(baseline === undefined ? [] : [escapeMarkdown(shorten(baseline.name, 24))]),
  ];
  const rows = all.slice(0, MOST_ROWS).map((r) => {
    const cells = [
      `**${escapeMarkdown(shorten(r.group.name, 70))}**`,
      r.whole ? `**${r.n}**` : `${r.n} → **${r.what}**`,
      `\`${bar(r.group.k, r.group.n)}\``,
      r.whole ? 'whole' : toMarkdown(r.ordering),
      ...(single ? (r.whole ? ['', ''] : [r.saves || '–', r.costs || '–']) : []),
      ...(baseline === undefined ? [] : [r.baseline]),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const marks = heads.map((_, i) => ([0, 2, 3].includes(i) ? ':--' : '--:'));
  const more = all.length > MOST_ROWS ? `\n\n… and ${all.length - MOST_ROWS} more in the report` : '';
  return `| ${heads.join(' | ')} |\n|${marks.join('|')}|\n${rows.join('\n')}${more}`;
}

function notes(view: ReportView, plan: PlanView): string {
  const rows = planRows(view, plan).filter((r) => !r.whole);
  const found = [
    ...skipped(view),
    ...(rows.some((r) => r.group.kind === 'rank') ? ['A rank keeps every unit and splits the kernel in two.'] : []),
    ...(rows.some((r) => r.saves !== '' || r.costs !== '') ? ['Saves and costs: each group alone.'] : []),
    ...(rows.some((r) => r.group.folded === true) ? ['Units that go are replaced by their mean.'] : []),
  ];
  return found.map((n) => `<sub>${n}</sub>`).join(' ');
}

function wholeModel(plan: PlanView): string {
  const { baseline, planned } = plan.record;
  const heads = [
    '',
    'original',
    planned.tuned ? 'narrowed, tuned' : 'narrowed',
    'change',
    ...(baseline === undefined ? [] : [`against ${escapeMarkdown(shorten(baseline.name, 24))}`]),
  ];
  const rows = planModel(plan).map((r) => {
    const label = r.ours ? r.label : escapeMarkdown(r.label);
    const cells = [label, r.original, `**${r.narrowed}**`, r.change, ...(baseline === undefined ? [] : [r.baseline])];
    return `| ${cells.join(' | ')} |`;
  });
  return `| ${heads.join(' | ')} |\n|:--|${heads
    .slice(1)
    .map(() => '--:|')
    .join('')}\n${rows.join('\n')}`;
}

function curves(view: ReportView): string {
  if (view.groups.length === 0) return '';
  const shown = view.groups.slice(0, MOST_ROWS);
  const names = shown.map((g) => escapeFence(shorten(g.name, 24)));
  const width = Math.max(...names.map((n) => Array.from(n).length));
  const lines = shown.flatMap((g, i) => {
    const name = (names[i] ?? '').padEnd(width);
    const mark = markOf(g);
    const at = mark === undefined ? [] : [`${' '.repeat(width + 4 + column(mark.k, g.n))}▲ ${integer(mark.k)}`];
    return [`${name}  0 ${sparks(view, g)} ${g.n}`, ...at];
  });
  const floor = view.scale.budget === null ? ' ▲ the plan.' : ' `▁` inside the budget at 95 %, ▲ the plan.';
  const what = view.scale.metric === undefined ? 'Loss above the original' : 'Loss of the metric';
  return details(
    'Curves',
    `${what} from 0 kept to all kept, each group alone; logarithmic.${floor}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``,
  );
}

/** Folded away: the plan is what a comment is about. */
function orderings(view: ReportView): string {
  const text = compareSummary(view);
  return text === '' ? '' : details('Which ordering keeps the most at the same cost', text);
}

function atAll(plan: PlanView): string {
  const rows = feasibility(plan).map((r) => `| ${r.label} | ${r.cost} | ${r.costs} | ${r.bound} |`);
  const unit = plan.scale.kind === 'relative' ? '' : `, ${plan.scale.unit}`;
  return `| what could be had at all | ${COST_HEADS[plan.cost.name]} | costs${unit} | at most |\n|:--|--:|--:|--:|\n${rows.join('\n')}`;
}
