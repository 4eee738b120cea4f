import type { PlanChoice } from '../records/types.js';
import { wholeOption, type Option, type Space } from './space.js';
import type { PlanCost, PlanProblem } from './types.js';

/** A plan with what is known of it before it is measured. */
export interface Plan {
  readonly space: Space;
  readonly options: readonly Option[];
  readonly key: string;
  readonly choice: PlanChoice;
  readonly cost: PlanCost;
  /** The figure that is minimised. */
  readonly value: number;
  /** Tax, and what the single curves add up to. */
  readonly predicted: number;
}

/** Makes plans, each once. */
export interface Planner {
  readonly plan: (space: Space, options: readonly Option[]) => Plan;
  /** The figure that is minimised, of any choice. */
  readonly value: (space: Space, options: readonly Option[]) => number;
}

export function createPlanner({ cost, minimize }: Pick<PlanProblem, 'cost' | 'minimize'>): Planner {
  const plans = new Map<string, Plan>();
  const plan = (space: Space, options: readonly Option[]): Plan => {
    const { weights } = space.candidate;
    const key = `${weights} ${options.map((option) => option.key).join(' ')}`;
    const known = plans.get(key);
    if (known !== undefined) return known;
    const choice: PlanChoice = { weights, groups: options.map(({ group }) => group) };
    const costs = cost(choice);
    const predicted = options.reduce((sum, { rise }) => sum + rise, space.candidate.full.delta);
    const made: Plan = { space, options, key, choice, cost: costs, value: valueOf(costs, minimize), predicted };
    plans.set(key, made);
    return made;
  };
  const value = (space: Space, options: readonly Option[]): number =>
    valueOf(cost({ weights: space.candidate.weights, groups: options.map(({ group }) => group) }), minimize);
  return { plan, value };
}

export function valueOf(cost: PlanCost, minimize: PlanProblem['minimize']): number {
  const value = cost[minimize];
  if (value === undefined) throw new Error(`The cost has no ${minimize}.`);
  return value;
}

/** Every group whole. */
export function wholePlan(planner: Planner, space: Space): Plan {
  const { candidate } = space;
  return planner.plan(
    space,
    candidate.variables.map((variable) => wholeOption(variable, candidate)),
  );
}

/** Whether `outer` keeps all that `inner` keeps, so that `inner` can start from its weights. */
export function contains(outer: PlanChoice, inner: PlanChoice): boolean {
  return (
    outer.weights === inner.weights &&
    outer.groups.every((wide, i) => {
      const narrow = inner.groups[i];
      if (wide.k === wide.n) return true;
      const isSameCurve = wide.basis === narrow.basis && wide.kind === narrow.kind && wide.layer === narrow.layer;
      return isSameCurve && (wide.folded ?? false) === (narrow.folded ?? false) && narrow.k <= wide.k;
    })
  );
}
