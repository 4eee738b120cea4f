import { winnerRow } from './compareRows.js';
import { holdingCell, winnersText } from './compareWords.js';
import { escapeMarkdown, shorten } from './escape.js';
import { orderingsOf } from './page/legend.js';
import { toMarkdown } from './phrase.js';
import type { ReportView } from './view.js';

const MOST_ROWS = 20;
/** Groups with a column of their own. */
const MOST_COLUMNS = 4;

/** The comparison in Markdown: the winners in a sentence and a table, then every ordering. Empty without one. */
export function compareSummary(view: ReportView): string {
  const { compare } = view;
  if (compare === undefined || compare.groups.length === 0 || view.scale.budgetText === null) return '';
  const rows = compare.groups.slice(0, MOST_ROWS).flatMap((g) => {
    const row = winnerRow(view, g);
    if (row === undefined) return [];
    const to = row.wins ? `${row.n} → **${row.what}**` : `**${row.n}**`;
    return [
      `| **${escapeMarkdown(shorten(g.name, 70))}** | ${to} | ${toMarkdown(row.ordering)} | ${row.saves} | ${row.costs} | ${row.bound} |`,
    ];
  });
  const more =
    compare.groups.length > MOST_ROWS ? `\n\n… and ${compare.groups.length - MOST_ROWS} more in the report` : '';
  const unit = view.scale.kind === 'relative' ? '' : `, ${view.scale.unit}`;
  return [
    `**Which ordering keeps the most at the same cost.** ${toMarkdown(winnersText(view, compare))} Equal k is not equal cost.`,
    `| group | smallest model | ordering | saves | costs${unit} | at most |\n|:--|--:|:--|--:|--:|--:|\n${rows.join('\n')}${more}`,
    every(view),
  ].join('\n\n');
}

function every(view: ReportView): string {
  const { compare } = view;
  if (compare === undefined) return '';
  const shown = compare.groups.slice(0, MOST_COLUMNS);
  const head = shown.map((g) => escapeMarkdown(shorten(g.name, 40)));
  const rows = orderingsOf({ ...compare, panels: shown.length }).map((o) => {
    const key = JSON.stringify(o.label);
    const cells = shown.map((g) => {
      const curve = g.drawn.find((c) => JSON.stringify(c.ordering.label) === key);
      if (curve === undefined) return '–';
      const { status, saves, what } = holdingCell(view, curve);
      const text = { unresolved: '? not resolved', broken: '✖ nothing holds' }[status as string] ?? `${saves} ${what}`;
      return g.winner !== undefined && curve.saves === g.winner.saves ? `**${text}**` : text;
    });
    return `| ${toMarkdown(o.label)} | ${cells.join(' | ')} |`;
  });
  const table = `| ordering | ${head.join(' | ')} |\n|:--|${head.map(() => '--:|').join('')}\n${rows.join('\n')}`;
  return `<details><summary>Every ordering, each group alone</summary>\n\n${table}\n</details>`;
}
