import type { PlanRecord } from '../records/types.js';
import { budgetText, isShare, NBSP, percent, significant, twoDigits } from './format.js';
import { metricNoun, riseText, unitText, type LossScale } from './scale.js';

/**
 * The scale of a plan: in the unit of its budget, so that rises, budget and axes are read off against each other. `relative`: % of the
 * original's loss; `explained`: % of what it explains over a constant answer; `abs`: the loss's unit; `metric`: points of a share, else
 * the metric itself, positive = worse.
 */
export function planScale(plan: PlanRecord): LossScale {
  const { kind, value, allowed } = plan.budget;
  const unit = unitText(plan.loss.unit);
  if (kind === 'metric') return metricScale(plan);
  const factor = (100 * value) / allowed;
  if (kind !== 'abs' && value > 0 && allowed > 0 && Number.isFinite(factor)) {
    return {
      kind: 'relative',
      factor,
      budget: 100 * value,
      budgetText: budgetText(value),
      unit,
      ...(kind === 'explained' ? { explained: true } : {}),
    };
  }
  const text = `${Number(allowed.toPrecision(6))}${NBSP}${unit}`.replace(/-/gu, '\u2212');
  return { kind: 'absolute', factor: 1, budget: allowed, budgetText: text, unit };
}

function metricScale(plan: PlanRecord): LossScale {
  // The budget is on the chief metric, the first of the record.
  const chief = plan.metrics[0] ?? { name: 'metric', better: 'higher' as const };
  const reference = plan.original.metrics[chief.name] ?? 0;
  const share = isShare(chief.better, [reference, plan.planned.metrics[chief.name] ?? 0]);
  const factor = share ? 100 : 1;
  const name = unitText(chief.name);
  const budget = plan.budget.allowed * factor;
  const number = String(Number(budget.toPrecision(6))).replace(/-/gu, '\u2212');
  return {
    kind: 'absolute',
    factor,
    budget,
    budgetText: share ? `${number}${NBSP}pt` : number,
    unit: share ? 'pt' : name,
    metric: { name, key: chief.name, better: chief.better, reference },
  };
}

/** The scale of single curves: without a budget where their points have no bound in the plan's unit. */
export function curveScale(scale: LossScale): LossScale {
  if (scale.metric === undefined) return scale;
  const why = `The budget is on ${scale.metric.name}: curves of single groups show it without a bound, so no width is judged alone.`;
  return { ...scale, budget: null, budgetText: null, why };
}

/** `the 1 % budget`, `the budget of 0.5 pt of accuracy`. */
export function budgetName({ budgetText: text, explained, metric, unit }: LossScale): string {
  if (metric !== undefined) return `the budget of ${text ?? ''} of ${metric.name}`;
  if (explained === true) return `the budget of ${text ?? ''} of what the model explains`;
  return unit === '' ? `the budget of ${text ?? ''}` : `the ${text ?? ''} budget`;
}

/** `1 %`, `0.5 pt of accuracy`: what holds or breaks in a headline. */
export function budgetShort({ budgetText: text, explained, metric }: LossScale): string {
  if (metric !== undefined) return `${text ?? ''} of ${metric.name}`;
  return explained === true ? `${text ?? ''} of what it explains` : (text ?? '');
}

/** What a rise is a rise of, before its figure: `loss`, `loss of accuracy`. */
export function riseNoun({ metric }: LossScale): string {
  return metric === undefined ? 'loss' : metricNoun(metric);
}

/** The size of a rise, without a sign: `0.55 %`. */
export function amount(scale: LossScale, rise: number): string {
  const size = Math.abs(rise);
  if (scale.kind === 'relative') return percent(size);
  return `${scale.unit === 'pt' ? twoDigits(size) : significant(size, 2)}${NBSP}${scale.unit}`;
}

/** `0.55 % more loss`, `0.30 pt less accuracy`. */
export function amountText(scale: LossScale, rise: number): string {
  const worse = rise > 0;
  const size = amount(scale, rise);
  if (scale.explained === true) return `${size} ${worse ? 'less' : 'more'} explained`;
  if (scale.metric === undefined) return `${size} ${worse ? 'more' : 'less'} loss`;
  const { name, better } = scale.metric;
  const more = (better === 'higher') === worse ? 'less' : 'more';
  const bare = scale.unit === 'pt' ? size : significant(Math.abs(rise), 2);
  return `${bare} ${more} ${name}`;
}

/** `+0.55 %, at most +0.87 %`: the mean, and its one-sided bound rounded up. */
export function riseAndBound(scale: LossScale, point: { readonly rise: number; readonly high: number }): string {
  return `${riseText(scale, point.rise)}, at most ${riseText(scale, point.high, 'up')}`;
}
