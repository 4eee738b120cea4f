import type { Plan, Planner } from './plan.js';
import type { Option, SpaceVariable } from './space.js';

/** How much a plan is worth measuring; larger is better. */
export type Worth = (options: readonly Option[], value: number) => number;

interface Move {
  readonly at: number;
  readonly option: Option;
  readonly single: Plan;
  /** Change of the cost, and of the single curve's rise. */
  readonly dearer: number;
  readonly worse: number;
}

/** This many moves of each direction are paired, and this many pairs become plans. */
const PAIRED = 16;
const KEPT_PAIRS = 12;
const KEPT_CHEAPER = 96;

/** Plans a step away: one group narrower or wider, or one narrower and another wider; the most promising of the latter. */
export function neighbours(planner: Planner, plan: Plan, worth: Worth, unit: number): Plan[] {
  const moves = movesFrom(planner, plan, unit);
  const narrower = top(
    moves.filter(({ dearer }) => dearer < 0),
    ({ dearer, worse }) => -dearer / (Math.max(0, worse) + 0.01 * unit),
  );
  const wider = top(
    moves.filter(({ worse }) => worse < 0),
    ({ dearer, worse }) => -worse / Math.max(dearer, Number.MIN_VALUE),
  );
  const pairs = narrower.flatMap((a) =>
    wider.flatMap((b) => {
      const value = plan.value + a.dearer + b.dearer;
      if (a.at === b.at || a.dearer + b.dearer >= 0) return [];
      const options = replaced(plan.options, [a, b]);
      return [{ options, worth: worth(options, value) }];
    }),
  );
  const best = pairs.filter((pair) => pair.worth > 0).sort((a, b) => b.worth - a.worth);
  return [
    ...moves.map(({ single }) => single),
    ...best.slice(0, KEPT_PAIRS).map(({ options }) => planner.plan(plan.space, options)),
  ];
}

/**
 * Every plan some steps away in one group or in two that costs less; of two, at least one is narrower. In large spaces the most worth of the
 * pairs whose moves promise most.
 */
export function cheaper(planner: Planner, plan: Plan, worth: Worth, unit: number): Plan[] {
  const moves = movesFrom(planner, plan, unit);
  const narrower = top(
    moves.filter(({ dearer }) => dearer < 0),
    ({ dearer, worse }) => -dearer / (Math.max(0, worse) + 0.01 * unit),
  );
  const others = top(moves, ({ dearer, worse }) => -worse - (dearer / plan.value) * unit, 2 * PAIRED);
  const pairs = narrower.flatMap((a) =>
    others.flatMap((b) => {
      const value = plan.value + a.dearer + b.dearer;
      if (a.at === b.at || value >= plan.value) return [];
      const options = replaced(plan.options, [a, b]);
      return [{ options, worth: worth(options, value) }];
    }),
  );
  const best = pairs.sort((a, b) => b.worth - a.worth).slice(0, KEPT_CHEAPER);
  const plans = [...moves.map(({ single }) => single), ...best.map(({ options }) => planner.plan(plan.space, options))];
  return plans.filter(({ value }) => value < plan.value);
}

function movesFrom(planner: Planner, plan: Plan, unit: number): Move[] {
  return plan.space.variables.flatMap((variable, at) =>
    steps(variable, plan.options[at], unit).map((option): Move => {
      const single = planner.plan(plan.space, replaced(plan.options, [{ at, option }]));
      return { at, option, single, dearer: single.value - plan.value, worse: option.rise - plan.options[at].rise };
    }),
  );
}

function top(moves: readonly Move[], score: (move: Move) => number, most = PAIRED): Move[] {
  return [...moves].sort((a, b) => score(b) - score(a)).slice(0, most);
}

function replaced(options: readonly Option[], moves: readonly Pick<Move, 'at' | 'option'>[]): Option[] {
  const changed = [...options];
  for (const { at, option } of moves) changed[at] = option;
  return changed;
}

/** Options near this one: single units and grid steps up and down, its like in other families, and whole. */
function steps(variable: SpaceVariable, from: Option, unit: number): Option[] {
  if (variable.options.length < 2) return [];
  const found = new Set<Option>();
  variable.families.forEach(({ ks, grid, at }, family) => {
    if (ks.length === 0) return;
    if (family === from.family) {
      const { k } = from.group;
      for (const next of [...stepsOf(ks, k), ...stepsOf(grid, k)]) found.add(at(next));
      for (const next of [grid.findLast((step) => step < k), grid.find((step) => step > k)]) {
        const middle = next === undefined ? undefined : ks.find((step) => step >= (k + next) / 2);
        if (middle !== undefined) found.add(at(middle));
      }
      return;
    }
    found.add(at(ks[ks.length - 1]));
    for (const rise of [from.rise, from.rise + 0.05 * unit, from.rise + 0.2 * unit, from.rise + 0.5 * unit]) {
      const alike = grid.find((k) => at(k).rise <= rise);
      if (alike !== undefined) found.add(at(alike));
    }
  });
  if (from.family >= 0 && variable.options[0].family < 0) found.add(variable.options[0]);
  found.delete(from);
  return [...found];
}

/** One and two steps down and up. */
function stepsOf(ks: readonly number[], k: number): number[] {
  const below = ks.filter((step) => step < k).slice(-2);
  return [...below, ...ks.filter((step) => step > k).slice(0, 2)];
}

/** Shares of the way to the full widths, 1/2, 3/4, …: after the last, no group is narrower than it has to be. */
export const WAYS: readonly number[] = Array.from({ length: 31 }, (_, i) => 1 - 2 ** -(i + 1));

/** Every group this share of the way to its full width; a pinned one stays. */
export function widened(planner: Planner, plan: Plan, way: number): Plan {
  return planner.plan(
    plan.space,
    plan.options.map((option, i) => widerOption(plan.space.variables[i], option, way)),
  );
}

function widerOption({ families, options }: SpaceVariable, from: Option, way: number): Option {
  if (from.family < 0) return from;
  const { ks, at } = families[from.family];
  const { k, n } = from.group;
  const next = ks.find((step) => step >= k + way * (n - k));
  if (next !== undefined) return at(next);
  return options[0].family < 0 ? options[0] : at(ks[ks.length - 1]);
}
