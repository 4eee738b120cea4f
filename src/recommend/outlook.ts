import type { Cost } from '../records/types.js';
import type { Plan, Planner } from './plan.js';
import { firstPlan, tablesOf } from './search.js';
import type { Space } from './space.js';
import type { PlanCost } from './types.js';

/** What is to be had at all, known before anything is measured. */
export interface Outlook {
  readonly full: PlanCost;
  /** Every group at its least. */
  readonly smallest: PlanCost;
  /** The cheapest plan whose single curves add up to no more than the budget. */
  readonly optimistic: PlanCost;
}

/** The cheapest plan that the single curves let pass; joint models cost more. */
export function optimisticPlan(planner: Planner, spaces: readonly Space[], whole: Plan, allowed: number): Plan {
  const plans = spaces.flatMap((space) => firstPlan(planner, space, allowed) ?? []);
  return plans.reduce((a, b) => (b.value < a.value ? b : a), whole);
}

export function costOf({ cost }: Plan): Cost {
  return { parameters: cost.parameters, macs: cost.macs, bytes: cost.bytes };
}

/** Every group at its cheapest, on the weights that the single curves promise the smaller rise for. */
export function bottomPlan(planner: Planner, spaces: readonly Space[]): Plan {
  const plans = spaces.map((space) => {
    const { own, options } = tablesOf(planner, space);
    const least = options.map((mine, i) => mine.reduce((best, _, o) => (own[i][o] < own[i][best] ? o : best), 0));
    return planner.plan(
      space,
      least.map((o, i) => options[i][o]),
    );
  });
  return plans.reduce((a, b) => (b.predicted < a.predicted ? b : a));
}
