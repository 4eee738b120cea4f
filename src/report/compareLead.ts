import type { ComparedCurve, ComparedGroupView, CompareView } from './compareView.js';
import { WEIGHTS } from './compareWords.js';
import { integer, NBSP, percent } from './format.js';
import { foreign, phrase, type Phrase } from './phrase.js';
import { riseText } from './scale.js';
import type { ReportView } from './view.js';

/** The group and curve that a headline is about: the largest saving of all. */
export function leadingOrdering(compare: CompareView): { group: ComparedGroupView; curve: ComparedCurve } | undefined {
  let found: { group: ComparedGroupView; curve: ComparedCurve } | undefined;
  for (const group of compare.groups) {
    const curve = group.winner;
    if (curve !== undefined && curve.saves > (found?.curve.saves ?? 0)) found = { group, curve };
  }
  return found;
}

/** One sentence of a comparison that stands alone; undefined where no ordering saves. */
export function compareHeadline(view: ReportView): Phrase | undefined {
  const lead = view.compare === undefined ? undefined : leadingOrdering(view.compare);
  const needs = lead?.curve.view.needs;
  if (lead === undefined || needs == null || view.scale.budgetText === null) return undefined;
  const { curve, group } = lead;
  const n = integer(curve.view.curve.n);
  const what =
    curve.view.curve.kind === 'rank' ? `rank ${integer(needs.k)} of ${n}` : `${integer(needs.k)} of ${n}${NBSP}units`;
  return phrase`Alone, ${foreign(group.name)} needs ${what} for ${view.scale.budgetText} (${curve.ordering.label})`;
}

export function compareEvidence(view: ReportView): Phrase {
  const lead = view.compare === undefined ? undefined : leadingOrdering(view.compare);
  const needs = lead?.curve.view.needs;
  if (view.compare === undefined || lead === undefined || needs == null) return [];
  const { scale, sweep } = view;
  const together =
    view.compare.groups.length > 1
      ? ' Together the groups cost more than each alone; tdc recommend measures that.'
      : '';
  const orderings = lead.group.drawn.length;
  return [
    `Measured on ${integer(sweep.data.examples.select)} examples on ${WEIGHTS[lead.curve.view.curve.weights]} with every other group at full width: loss ${riseText(scale, needs.rise)}, at most ${riseText(scale, needs.high, 'up')} with 95${NBSP}% confidence. That saves ${percent(100 * lead.curve.saves, 'down')} of the model's parameters${orderings > 1 ? `, the most of ${orderings} orderings` : ''}.${together}`,
  ];
}
