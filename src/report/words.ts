import { compareEvidence, compareHeadline } from './compareLead.js';
import type { CurveView } from './curves.js';
import { integer, NBSP, percent } from './format.js';
import { orderingName } from './orderings.js';
import { foreign, listed, phrase, type Phrase } from './phrase.js';
import { planEvidence, planHeadline, planPills } from './planWords.js';
import { riseText } from './scale.js';
import type { GroupView } from './groupView.js';
import { verdictOf, type ReportView, type Verdict } from './view.js';

export const SIGNS: Readonly<Record<Verdict, string>> = { holds: '✔', unresolved: '?', broken: '✖' };

/** `40 of 64 units`, `rank 40 of 64`. */
function widthOf(curve: CurveView, k: number): string {
  const n = integer(curve.curve.n);
  return curve.curve.kind === 'rank' ? `rank ${integer(k)} of ${n}` : `${integer(k)} of ${n}${NBSP}units`;
}

/** The group that the headline is about: the most to save; without a budget the lowest narrower loss. */
export function leading(view: ReportView): GroupView | undefined {
  if (view.scale.budget !== null) return view.groups.find((g) => g.needs !== null && g.needs.k < g.best.curve.n);
  return view.groups.find((g) => g.chief.lowest.k < g.chief.curve.n);
}

/** One sentence: what is gained. */
export function headline(view: ReportView): Phrase {
  if (isConstant(view)) return ['No width can be read off: the model does no better than a constant answer'];
  if (view.plan !== undefined) return planHeadline(view.plan);
  const compared = isComparison(view) ? compareHeadline(view) : undefined;
  if (compared !== undefined) return compared;
  const group = leading(view);
  const { budgetText } = view.scale;
  if (view.groups.length === 0) return phrase`No layer of ${foreign(view.sweep.model.name)} can be narrowed`;
  if (budgetText === null) {
    if (group === undefined) return ['No narrower layer has a lower loss'];
    return phrase`${foreign(group.name)} has its lowest loss with ${widthOf(group.chief, group.chief.lowest.k)}`;
  }
  if (group?.needs != null)
    return phrase`Alone, ${foreign(group.name)} needs ${widthOf(group.best, group.needs.k)} for ${budgetText}`;
  if (view.groups.some((g) => isOpen(g.chief))) {
    return [
      `${integer(view.sweep.data.examples.select)} examples cannot tell whether narrower layers hold ${budgetText}`,
    ];
  }
  return [`Alone, every layer needs its width in this order: nothing narrower holds ${budgetText}`];
}

/** Whether the model does no better than a constant answer, so that nothing else is worth a headline. */
function isConstant(view: ReportView): boolean {
  return view.sweep.warnings?.some(({ kind }) => kind === 'constant') === true;
}

/** Whether the orderings are what the report is about: without a sweep, or where a sweep found nothing to narrow. */
export function isComparison(view: ReportView): boolean {
  return (
    view.plan === undefined &&
    view.compare !== undefined &&
    (view.input.sweep === undefined || view.groups.length === 0)
  );
}

/** Whether some narrower width is neither shown to hold nor shown to break. */
export function isOpen(curve: CurveView): boolean {
  return curve.unresolved !== null && curve.unresolved.from < curve.curve.n;
}

/** The evidence for the headline: what was measured, on how much, and what it does not say. */
export function evidence(view: ReportView): Phrase {
  const doubt = view.sweep.warnings?.find(({ kind }) => kind === 'constant');
  if (doubt !== undefined) return [foreign(doubt.text)];
  if (view.plan !== undefined) return planEvidence(view.plan);
  const compared = isComparison(view) ? compareEvidence(view) : [];
  if (compared.length > 0) return compared;
  const { scale, sweep } = view;
  const group = leading(view);
  const examples = `${integer(sweep.data.examples.select)} examples`;
  const together =
    view.groups.length > 1 ? ' Together the groups cost more than each alone; tdc recommend measures that.' : '';
  if (scale.budget === null) {
    const point = group?.chief.lowest;
    const low =
      point === undefined
        ? ''
        : `Loss ${riseText(scale, point.rise)}, at most ${riseText(scale, point.high, 'up')} with 95${NBSP}% confidence on ${examples}. `;
    return [`${low}${scale.why ?? ''}${together}`];
  }
  if (group?.needs == null) {
    const open = view.groups.find((g) => isOpen(g.best));
    const range = open?.best.unresolved;
    const others = view.groups.filter((g) => isOpen(g.best)).length - 1;
    const more = others > 0 ? `, and ${others} more group${others > 1 ? 's' : ''}` : '';
    const which =
      open === undefined || range == null
        ? []
        : phrase` Not resolved: ${foreign(open.name)} with ${rangeText(range.from, range.to)} of ${integer(open.n)}${more}.`;
    return [
      `Measured on ${examples}, one group at a time, the others full; a width counts when its 95${NBSP}% bound, and that of every wider one, is inside the budget.`,
      ...which,
    ];
  }
  const { needs } = group;
  const fewer = group.saves > 0 ? ` That saves ${percent(100 * group.saves, 'down')} of the model's parameters.` : '';
  return [
    `With ${widthOf(group.best, needs.k)}, measured on ${examples}${weightsText(view, group)} with every other group at full width: loss ${riseText(scale, needs.rise)}, at most ${riseText(scale, needs.high, 'up')} with 95${NBSP}% confidence.${fewer}${together}`,
  ];
}

function weightsText(view: ReportView, group: GroupView): string {
  if (view.retrained === undefined) return ", on the original's own weights,";
  return group.best.curve.weights === 'original' ? ", on the original's weights," : '';
}

export interface Pill {
  readonly verdict: Verdict;
  readonly text: Phrase;
}

/** Verdicts that the sweep allows on its own. */
export function pills(view: ReportView): Pill[] {
  const { scale, retrained } = view;
  if (isConstant(view)) return [{ verdict: 'broken', text: ['These figures mean nothing yet'] }];
  if (view.plan !== undefined) return planPills(view.plan);
  const found: Pill[] = [];
  if (view.sweep.warnings?.some(({ kind }) => kind === 'seen') === true) {
    found.push({ verdict: 'unresolved', text: ['The model has seen the file it is judged on'] });
  }
  if (retrained === undefined && view.groups.length > 0) {
    found.push({ verdict: 'unresolved', text: ['Not retrained: the units stand in the order they happen to have'] });
  }
  if (retrained !== undefined && scale.budget !== null && scale.budgetText !== null) {
    const verdict = verdictOf(retrained, scale.budget);
    if (verdict === 'unresolved') found.push({ verdict, text: [`Retraining alone: ${scale.budgetText} not resolved`] });
    if (verdict === 'broken') found.push({ verdict, text: [`Retraining alone breaks the ${scale.budgetText} budget`] });
  }
  const better = view.groups.find((g) => g.chief.better);
  if (better !== undefined) {
    const words = widthOf(better.chief, better.chief.lowest.k);
    found.push({
      verdict: 'holds',
      text: phrase`Significantly better than the original with ${words} in ${foreign(better.name)}${controlText(view)}`,
    });
  }
  return found;
}

/** Whether mere training does as much: then narrowing is not what helped. */
function controlText({ control }: ReportView): string {
  return control !== undefined && control.high < 0 ? '; so is the control at full width' : '';
}

/**
 * What is known of a group's width: narrower than full holds, only full does, narrower is not resolved, not even full
 * holds; none without a budget.
 */
export type WidthStatus = 'narrower' | 'full' | 'unresolved' | 'broken' | 'none';

export function widthStatus(view: ReportView, group: GroupView): WidthStatus {
  if (view.scale.budget === null) return 'none';
  if (group.needs !== null && group.needs.k < group.best.curve.n) return 'narrower';
  if (isOpen(group.chief)) return 'unresolved';
  if (group.needs !== null) return 'full';
  return group.chief.unresolved === null ? 'broken' : 'unresolved';
}

/** What a panel's caption says: whose weights, the width alone, what is not resolved, where the loss is lowest. */
export function caption(view: ReportView, group: GroupView): string {
  const { chief, other } = group;
  const parts: string[] = [];
  if (view.plan !== undefined) parts.push(planCaption(group));
  if (view.scale.budget !== null) parts.push(aloneText(chief, view.scale.budgetText ?? ''));
  if (view.plan === undefined || chief.better) parts.push(lowestText(view, chief));
  if (other !== undefined && view.scale.budget !== null) {
    const k = other.needs?.k;
    const all = k === other.curve.n;
    if (k === undefined) parts.push("On the original's weights nothing is shown to hold.");
    else parts.push(`On the original's weights ${all ? `all ${integer(k)}` : widthOf(other, k)}.`);
  }
  return parts.filter((p) => p !== '').join(' ');
}

/** Which curve the plan stands on, and whether its point on it was measured. */
function planCaption({ chief, plan }: GroupView): string {
  const { curve } = chief;
  const whose = {
    original: "the original's weights",
    control: "the control's weights",
    retrained: 'the retrained weights',
  };
  const parts = [`${capital(orderingName(curve))} on ${whose[curve.weights]}.`];
  if (plan === undefined) return `${parts[0] ?? ''} Not in the plan.`;
  if (plan.group.k >= plan.group.n) parts.push('The plan leaves it whole.');
  else if (plan.rise === null) parts.push(`The plan keeps ${planKept(plan)}; its own curve was not at hand.`);
  else if (plan.point === undefined)
    parts.push(`The plan's ${planKept(plan)} lies between measured widths of this curve.`);
  if (plan.group.folded === true) parts.push('What goes is replaced by its mean.');
  return parts.join(' ');
}

function planKept({ group }: NonNullable<GroupView['plan']>): string {
  return group.kind === 'rank' ? `rank ${integer(group.k)}` : integer(group.k);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `Alone, 40 units would hold; 36 to 39 not resolved.` */
export function aloneText(curve: CurveView, budget: string): string {
  const { needs, unresolved } = curve;
  const n = curve.curve.n;
  const unit = (k: number): string =>
    curve.curve.kind === 'rank' ? `rank ${integer(k)}` : `${integer(k)} unit${k === 1 ? '' : 's'}`;
  const range = unresolved === null ? '' : rangeText(unresolved.from, unresolved.to);
  if (needs === null) {
    if (unresolved === null) return `Alone, not even full width holds ${budget}.`;
    return unresolved.from === n
      ? `Alone, full width is not resolved at ${budget}.`
      : `Alone, nothing is shown to hold ${budget}; ${range} not resolved.`;
  }
  const holds =
    needs.k >= n ? `Alone, nothing narrower than ${unit(n)} is shown to hold` : `Alone, ${unit(needs.k)} would hold`;
  return `${holds}${range === '' ? '' : `; ${range} not resolved`}.`;
}

function rangeText(from: number, to: number): string {
  return from === to ? integer(from) : `${integer(from)} to ${integer(to)}`;
}

/** Says where the loss is lowest, if narrower than full, and whether that beats the original for sure. */
export function lowestText(view: ReportView, curve: CurveView): string {
  const { lowest } = curve;
  if (lowest.k >= curve.curve.n) return '';
  const rise = riseText(view.scale, lowest.rise);
  if (!curve.better) return `Lowest with ${integer(lowest.k)} (${rise}).`;
  return `Significantly better than the original with ${widthOf(curve, lowest.k)}: ${rise}, at most ${riseText(view.scale, lowest.high, 'up')}.`;
}

/** Layers that stay as they are, those with the same reason together. A comparison may split the kernel of a layer that keeps its units. */
export function stays(view: ReportView): { readonly layers: Phrase; readonly verb: string; readonly reason: string }[] {
  const byReason = new Map<string, string[]>();
  for (const { layer, reason } of view.sweep.skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), layer]);
  return [...byReason].map(([reason, layers]) => {
    const shown = layers.slice(0, MOST_NAMES).map(foreign);
    const more = layers.length - shown.length;
    const several = layers.length > 1;
    const split = view.plan?.record.groups.some(
      (g) => g.kind === 'rank' && g.k < g.n && layers.includes(g.layer ?? g.name),
    );
    const verb =
      isComparison(view) || split === true
        ? several
          ? 'keep their units'
          : 'keeps its units'
        : several
          ? 'stay'
          : 'stays';
    return {
      layers: more > 0 ? phrase`${shown.flatMap((n) => [n, ', '])}… and ${more} more` : listed(shown),
      verb,
      reason,
    };
  });
}

const MOST_NAMES = 8;
