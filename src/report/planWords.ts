import type { JointMeasured, PlannedGroup } from '../records/types.js';
import { integer, NBSP, percent, saving, significant } from './format.js';
import { foreign, phrase, type Phrase } from './phrase.js';
import { amount, amountText, budgetName, budgetShort, riseAndBound, riseNoun } from './planScale.js';
import { cheapestHolding, type PlanView, type RiseView } from './planView.js';
import { riseText } from './scale.js';
import type { Pill } from './words.js';

/** Groups in a list of widths before "and N more". */
const MOST_WIDTHS = 4;

export const FEWER: Readonly<Record<PlanView['cost']['name'], string>> = {
  parameters: 'fewer parameters',
  macs: 'fewer multiply-adds',
  bytes: 'fewer bytes',
  latency: 'less predicted time',
};

/** `62 % fewer parameters`. Rounds down. */
export function savingText(plan: PlanView): string {
  const { cost, record } = plan;
  if (cost.original === null) {
    const share = 1 - record.planned.parameters / Math.max(1, record.original.parameters);
    return `${percent(100 * Math.max(0, share), 'down')} ${FEWER.parameters}`;
  }
  return `${percent(100 * Math.max(0, plan.saves), 'down')} ${FEWER[cost.name]}`;
}

/** One sentence: what is gained, and what it costs. */
export function planHeadline(plan: PlanView): Phrase {
  const { scale, select, verdict, record } = plan;
  if (plan.nothing && record.stopped === undefined) return ['Nothing here is free to be narrowed'];
  if (plan.nothing || plan.infeasible) {
    return [`Every layer needs its width: nothing narrower holds ${budgetShort(scale)}`];
  }
  const saved = savingText(plan);
  if (verdict === 'unresolved') {
    const tell = `${saved}, but ${integer(record.rows.bounding)} examples cannot tell whether ${budgetShort(scale)} holds`;
    return [`${tell}${training(plan)}`];
  }
  if (verdict === 'broken') return [`${saved} cost ${amountText(scale, select.rise)}${training(plan)}`];
  return [`${saved}${holdingText(plan)}${training(plan)}`];
}

function holdingText({ scale, select, report, record }: PlanView): string {
  if (select.high < 0) return ` and ${amountText(scale, select.rise)}`;
  if (select.low <= 0 && record.report.examples > 0 && report.low > 0) {
    return `, at most ${riseText(scale, select.high, 'up')} (${riseText(scale, report.rise)} on unseen examples)`;
  }
  if (select.low <= 0) return `, no measurable ${noChange(scale)} (at most ${riseText(scale, select.high, 'up')})`;
  return ` for ${amountText(scale, select.rise)}`;
}

function noChange(scale: PlanView['scale']): string {
  return scale.metric === undefined ? 'loss' : `change of ${scale.metric.name}`;
}

/** Where the control beats the original: how much of the gain is mere training. */
function training({ control, scale, select }: PlanView): string {
  if (control === undefined || control.high >= 0) return '';
  const gain = amountText(scale, control.rise);
  if (select.high >= 0) return `; mere training gives ${gain}`;
  if (control.rise <= select.rise) return `; mere training at full width gives all of it (${gain})`;
  return `; ${amount(scale, control.rise)} of it is mere training`;
}

/** The verdict, and one where the report split says otherwise. */
export function planPills(plan: PlanView): Pill[] {
  const { scale, verdict, record } = plan;
  const name = budgetName(scale);
  const found: Pill[] = [];
  if (plan.nothing && record.stopped === undefined) {
    found.push({ verdict: 'unresolved', text: ['Every group is at the least width allowed'] });
  } else if (plan.nothing || plan.infeasible) {
    found.push({ verdict: 'broken', text: [`No narrower plan holds ${name}`] });
  } else if (verdict === 'holds') found.push({ verdict, text: [`Holds ${name}`] });
  else if (verdict === 'unresolved') found.push({ verdict, text: [`Not resolved: ${name.replace(/^the /u, '')}`] });
  else found.push({ verdict, text: [`Breaks ${name}`] });
  if (plan.contradicted && !plan.nothing && !plan.infeasible)
    found.push({ verdict: 'broken', text: ['contradicted by the report split'] });
  if (record.warnings?.some(({ kind }) => kind === 'seen') === true) {
    found.push({ verdict: 'unresolved', text: ['The model has seen the file it is judged on'] });
  }
  return found;
}

/** The evidence in a few sentences: what was measured, on how much, what would settle it, what examples unseen say. */
export function planEvidence(plan: PlanView): Phrase {
  if (plan.nothing || plan.infeasible) return nothingEvidence(plan);
  const { scale, select, verdict, record } = plan;
  const on = `Measured on ${integer(record.rows.bounding)} examples with all groups narrowed together${tunedText(plan)}: `;
  const what = `${on}${riseNoun(scale)} `;
  const rise = riseText(scale, select.rise);
  const bound = riseText(scale, select.high, 'up');
  const sure = `${plan.confidence}${NBSP}%`;
  const told = {
    holds: `${what}${rise}, at most ${bound} with ${sure} confidence.`,
    unresolved: `${what}${rise} is inside the budget, its ${sure} bound ${bound} is not. ${settle(plan)}`,
    broken: `${what}${rise} (bound ${bound}); the budget is ${budgetShort(scale)}.`,
  }[verdict];
  return [told, ...(verdict === 'holds' ? [] : narrowestHolding(plan)), ` ${unseen(plan)}`];
}

function tunedText({ record }: PlanView): string {
  if (!record.planned.tuned) return '';
  const epochs = record.tuning?.epochs;
  return epochs === undefined
    ? ' and tuned at their widths'
    : ` and tuned at their widths for ${integer(epochs)} epoch${epochs === 1 ? '' : 's'}`;
}

/** What would settle an unresolved plan: more examples of that kind, or a wider budget. */
function settle({ record, scale, select }: PlanView): string {
  const would = `a budget of ${riseText(scale, select.high, 'up').replace(/^\+/u, '')}`;
  const needed = record.examplesNeeded;
  if (needed === undefined) return `It would hold ${would}.`;
  const rows = record.rows.bounding;
  if (isOutOfReach(needed, rows)) return `${settled(needed, rows)} It would hold ${would}.`;
  return settled(roundUp(needed), rows, `, if the rise stays; so would ${would}`);
}

/** This many times the rows that there are, nobody collects. */
const MOST_TIMES = 1000;

/** What would settle an open question: `needed` rows where there are `rows`, or none that could be had. */
export function settled(needed: number, rows: number, rest = ''): string {
  if (isOutOfReach(needed, rows))
    return 'The rise is so near the budget that no number of examples to be had would settle it.';
  return `About ${integer(needed)} examples would settle it${rest}.`;
}

function isOutOfReach(needed: number, rows: number): boolean {
  return needed > MOST_TIMES * rows;
}

/** To a thousand; below a thousand to a hundred. */
export function roundUp(examples: number): number {
  const step = examples < 1000 ? 100 : 1000;
  return Math.ceil(examples / step) * step;
}

function narrowestHolding(plan: PlanView): Phrase {
  const found = cheapestHolding(plan);
  if (found === undefined) return [' No narrower plan that was measured is shown to hold.'];
  const saves = plan.cost.original === null ? '' : ` (${saving(1 - found.cost / plan.cost.original)})`;
  return phrase` The narrowest measured plan that holds: ${widthsText(found.source)}${saves}.`;
}

/** What the report split says, read after every decision. */
function unseen(plan: PlanView): string {
  const { record, report, scale, contradicted } = plan;
  const { examples } = record.report;
  if (examples === 0) return 'No examples were left that decided nothing.';
  const on = `On ${integer(examples)} examples that decided nothing`;
  if (contradicted) {
    const low = riseText(scale, record.report.low95 * scale.factor, 'down');
    return `${on} it does not hold: ${riseText(scale, report.rise)}, at least ${low}.`;
  }
  return `${on}: ${riseAndBound(scale, report)}.${spaced(ofTheirOwn(plan))}`;
}

/** A sentence that follows another, if it is one. */
export function spaced(sentence: string): string {
  return sentence === '' ? '' : ` ${sentence}`;
}

/** Losses of select and report this much apart are told. */
const UNLIKE = 0.05;

/**
 * Shares are of one loss, the original's on select, so that they can be held against the budget. Where it has another on the report split, the
 * rise as a share of that.
 */
export function ofTheirOwn({ record: { original, report }, scale }: PlanView, where = 'these'): string {
  const own = report.original.loss;
  if (scale.kind !== 'relative' || scale.explained === true || report.examples === 0 || !(own > 0)) return '';
  if (Math.abs(own / original.loss - 1) < UNLIKE) return '';
  const rise = riseText(scale, (100 * report.delta) / own);
  const unit = `${NBSP}${scale.unit}`;
  return `Every % is of the original's ${significant(original.loss, 3)}${unit} on select; of its ${significant(own, 3)}${unit} on ${where} the rise is ${rise}.`;
}

/** That every epoch was worse than the start, so that nothing changed. */
export function isUnchanged({ rise, low, high }: RiseView): boolean {
  return rise === 0 && low === 0 && high === 0;
}

function nothingEvidence(plan: PlanView): Phrase {
  const { record, scale } = plan;
  const { stopped, evaluations, rows } = record;
  const tried = `${integer(evaluations)} joint model${evaluations === 1 ? ' was' : 's were'} measured on ${integer(rows.bounding)} examples.`;
  const nearest = plan.infeasible
    ? phrase` The nearest, ${widthsText({ groups: record.groups, tuned: record.planned.tuned })} (${savingText(plan)}): ${riseNoun(scale)} ${riseAndBound(scale, plan.select)}.`
    : [];
  if (stopped === undefined) return [tried, ...nearest];
  const least = stopped.budget * scale.factor;
  const would = `${riseText(scale, least, 'up').replace(/^\+/u, '')}${scale.explained === true ? ' of what the model explains' : ''}`;
  return phrase`${tried}${nearest} ${foreign(stopped.group)} stops it: as wide as it may be, it costs most. A budget of ${would} would do.`;
}

/** `dense_1 rank 72, dense_2 32, dense_3 24`; groups that stay whole are left out. */
export function widthsText({ groups, tuned }: Pick<JointMeasured, 'groups' | 'tuned'>): Phrase {
  const narrowed = groups.filter((g) => g.k < g.n);
  const shown = narrowed.slice(0, MOST_WIDTHS).map((g) => phrase`${foreign(g.name)} ${keptText(g)}`);
  const more = narrowed.length - shown.length;
  const list = shown.flatMap((p, i) => (i === 0 ? p : [', ', ...p]));
  return [...list, ...(more > 0 ? [` and ${more} more`] : []), ...(tuned ? [', tuned'] : [])];
}

/** `rank 72`, `24`. */
export function keptText({ kind, k }: PlannedGroup): string {
  return kind === 'rank' ? `rank ${integer(k)}` : integer(k);
}

/** The lines of the gauge and of the terminal: what decided, what was unseen. */
export function judged({ record, select, report }: PlanView): (RiseView & { label: string; terminal: string })[] {
  const tuned = record.planned.tuned;
  return [
    { ...select, label: tuned ? 'tuned, select' : 'select (decides)', terminal: tuned ? 'tuned' : 'select' },
    ...(record.report.examples > 0
      ? [{ ...report, label: tuned ? 'tuned, report' : 'report (unseen)', terminal: 'report' }]
      : []),
  ];
}
