import type { Rise } from '../records/types.js';
import { allocations } from './allocate.js';
import { costTables } from './cost-tables.js';
import { neighbours, type Worth } from './moves.js';
import { wholePlan, type Plan, type Planner } from './plan.js';
import { forcedRise, unavoidable, type Option, type Space } from './space.js';
import { fitSurrogate, unitOf, type Expectation } from './surrogate.js';
import type { JointPoint } from './types.js';

/** A joint model and what came of it. */
export interface Trial {
  readonly plan: Plan;
  readonly point: JointPoint;
  readonly tuned: boolean;
}

export interface SearchOptions {
  readonly allowed: number;
  /** Standard errors between a rise and its bound. */
  readonly z: number;
  /** Joint measurements left. */
  readonly evaluations: number;
  readonly measure: (plan: Plan) => Promise<JointPoint>;
}

/**
 * What is looked for in turn: delta + share x (upper95 - delta) <= allowed, on the steering half alone. 1 is the rule for a safe plan, 0 for a
 * likely one. Those between and beyond leave room for the other half, whose rows have errors of their own, to disagree.
 */
const GOALS = [1, 0, 1, 1.5, 1, 3, 0.5, 2, 1];
/** A measurement that may be expected to save less than this share of the original's cost is not made. */
const LEAST_GAIN = 1e-4;
/** Plans less likely to meet the goal are not tried. */
const LEAST_CHANCE = 0.03;
/** A joint rise is taken to be at least this share of every single one in it. */
const LEAST_SHARE = 0.5;
/** Ladders of plans that the single curves propose, up to these multiples of the budget. */
const LADDERS = [0.5, 1, 4];
const MOST_RUNGS = 48;
const CLIMBS = 3;
/** Plans that a set of weights keeps in mind. */
const MOST_KEPT = 400;

interface Field {
  readonly space: Space;
  readonly trials: Trial[];
  readonly pool: Map<string, Plan>;
  readonly expanded: Set<string>;
}

/**
 * Measures joint plans where the next one may be expected to save most: the probability that it holds, by a surrogate of what was measured so
 * far, times what it costs less than the cheapest that does. Stops where nothing is worth measuring.
 *
 * @param start what was measured before, counted elsewhere
 * @returns what it measured, in order
 */
export async function search(
  planner: Planner,
  spaces: readonly Space[],
  start: readonly Trial[],
  options: SearchOptions,
): Promise<Trial[]> {
  const { allowed } = options;
  const whole = wholePlan(planner, spaces[0]).value;
  const fields = spaces.map((space): Field => {
    const trials = start.filter(({ plan }) => plan.space === space);
    const pool = new Map(proposals(planner, space, allowed).map((plan) => [plan.key, plan]));
    return { space, trials, pool, expanded: new Set() };
  });
  const made: Trial[] = [];
  const misses = new Map<number, number>();
  const measured = new Set(start.map(({ plan }) => plan.key));
  const measure = async (field: Field, plan: Plan): Promise<void> => {
    const trial: Trial = { plan, point: await options.measure(plan), tuned: false };
    measured.add(plan.key);
    field.trials.push(trial);
    made.push(trial);
  };
  for (const field of fields) {
    const first = firstPlan(planner, field.space, allowed) ?? widestPlan(planner, field.space);
    if (first !== undefined && !measured.has(first.key) && made.length < options.evaluations)
      await measure(field, first);
  }
  while (made.length < options.evaluations) {
    const next = pick({ planner, fields, measured, misses, whole, options, turn: made.length });
    if (next === undefined) break;
    const { goal, field } = next;
    const plan = unfactored(planner, next.plan);
    measured.add(next.plan.key);
    if (plan !== next.plan && measured.has(plan.key)) continue;
    await measure(field, plan);
    misses.set(goal, meets(made.at(-1)!.point.steer, goal, allowed) ? 0 : (misses.get(goal) ?? 0) + 1);
  }
  return made;
}

/** The cheapest plan that the single curves allow for what the tax leaves of the budget. */
export function firstPlan(planner: Planner, space: Space, allowed: number): Plan | undefined {
  const best = allocations(tablesOf(planner, space), allowed - space.candidate.full.delta).at(-1);
  if (best === undefined) return undefined;
  const plan = unfactored(planner, planner.plan(space, best.options));
  return plan.value < wholePlan(planner, space).value ? plan : undefined;
}

/** Every group as wide as it may be; undefined where that is the whole model. */
function widestPlan(planner: Planner, space: Space): Plan | undefined {
  const plan = planner.plan(space, widestOptions(space));
  return plan.value < wholePlan(planner, space).value ? plan : undefined;
}

function widestOptions({ variables }: Space): readonly Option[] {
  return variables.map(({ options }) => options[0]);
}

/** The plan without ranks that save nothing beside what else it narrows. */
function unfactored(planner: Planner, plan: Plan): Plan {
  return plan.space.variables.reduce((now, { options }, i) => {
    if (now.options[i].group.kind === 'unit' || options[0].family >= 0) return now;
    const other = planner.plan(plan.space, now.options.with(i, options[0]));
    return other.value <= now.value ? other : now;
  }, plan);
}

const tables = new WeakMap<Space, ReturnType<typeof costTables>>();

/** The cost taken apart, once per space. */
export function tablesOf(planner: Planner, space: Space): ReturnType<typeof costTables> {
  const known = tables.get(space) ?? costTables(planner, space);
  tables.set(space, known);
  return known;
}

function proposals(planner: Planner, space: Space, allowed: number): Plan[] {
  const left = unitOf(space, allowed);
  const forced = forcedRise(space);
  const ladders = LADDERS.flatMap((times) => thinned(allocations(tablesOf(planner, space), forced + times * left)));
  return [widestOptions(space), ...ladders.map((allocation) => allocation.options)].map((options) =>
    planner.plan(space, options),
  );
}

function thinned<T>(rungs: readonly T[]): T[] {
  if (rungs.length <= MOST_RUNGS) return [...rungs];
  return Array.from({ length: MOST_RUNGS }, (_, i) => rungs[Math.round((i * (rungs.length - 1)) / (MOST_RUNGS - 1))]);
}

interface Picking {
  readonly planner: Planner;
  readonly fields: readonly Field[];
  readonly measured: ReadonlySet<string>;
  /** By goal, how often it was missed since it was last met. */
  readonly misses: ReadonlyMap<number, number>;
  readonly whole: number;
  readonly options: SearchOptions;
  readonly turn: number;
}

interface Pick {
  readonly field: Field;
  readonly plan: Plan;
  readonly worth: number;
}

/** The plan most worth measuring for the goal whose turn it is, else for the goals after it. */
function pick(picking: Picking): (Pick & { readonly goal: number }) | undefined {
  const { fields, options, turn, whole } = picking;
  const chances = fields.map(({ space, trials }) => chancesOf(space, trials, options));
  const goals = GOALS.map((_, i) => GOALS[(turn + i) % GOALS.length]);
  for (const goal of new Set(goals)) {
    const best = bestFor(picking, chances, goal);
    if (best !== undefined && best.worth > LEAST_GAIN * whole) return { ...best, goal };
  }
  return undefined;
}

/** Probability that a plan meets a goal. */
export type Chance = (options: readonly Option[], goal: number) => number;

/** What is far from likely is not told from what is impossible. */
function chancesOf(space: Space, trials: readonly Trial[], options: SearchOptions): Chance {
  const chance = likelihood(space, trials, options);
  const left = options.allowed - space.candidate.full.delta;
  const forced = unavoidable(space);
  return (plan, goal) => {
    // one group alone was measured: narrowing the others as well hardly makes up for it
    if (plan.some(({ rise }, i) => (rise - forced[i]) * LEAST_SHARE > left)) return 0;
    const found = chance(plan, goal);
    return found < LEAST_CHANCE ? 0 : found;
  };
}

/** By a surrogate of what was measured on the steering half. */
export function likelihood(space: Space, trials: readonly Trial[], { allowed, z }: SearchOptions): Chance {
  const surrogate = fitSurrogate(space, trials.map(observed), { allowed, z });
  const known = new WeakMap<readonly Option[], Expectation>();
  return (options, goal) => {
    const expected = known.get(options) ?? surrogate.expect(options);
    known.set(options, expected);
    return normal((allowed - expected.mean - goal * expected.margin) / expected.sd);
  };
}

function bestFor(picking: Picking, chances: readonly Chance[], goal: number): Pick | undefined {
  const { fields, misses, whole, options } = picking;
  const holding = fields.flatMap(({ trials }) =>
    trials.flatMap(({ plan, point }) => (meets(point.steer, goal, options.allowed) ? [plan] : [])),
  );
  const incumbent = holding.reduce((least, plan) => Math.min(least, plan.value), whole);
  // the more often it was missed, the less a mere chance counts
  const care = 1 + (misses.get(goal) ?? 0) / 2;
  const tops = fields.flatMap((field, i) => {
    const worth = (plan: readonly Option[], value: number): number =>
      value >= incumbent ? 0 : (incumbent - value) * chances[i](plan, goal) ** care;
    const start = cheapestOf(holding.filter((plan) => plan.space === field.space)) ?? [...field.pool.values()][0];
    return climb(picking, { field, start, worth }) ?? [];
  });
  return tops.reduce<Pick | undefined>((a, b) => (a === undefined || b.worth > a.worth ? b : a), undefined);
}

function cheapestOf(plans: readonly Plan[]): Plan | undefined {
  return plans.reduce<Plan | undefined>((a, b) => (a === undefined || b.value < a.value ? b : a), undefined);
}

/** Grows the pool around its best plans, until the best is one whose neighbours are known; forgets the least of it. */
function climb(
  { planner, measured, whole, options }: Picking,
  { field, start, worth }: { field: Field; start: Plan; worth: Worth },
): Pick | undefined {
  const { pool, expanded } = field;
  const unit = unitOf(field.space, options.allowed);
  const expand = (plan: Plan): void => {
    expanded.add(plan.key);
    for (const next of neighbours(planner, plan, worth, unit)) if (next.value < whole) pool.set(next.key, next);
  };
  if (!expanded.has(start.key)) expand(start);
  for (let round = 0; ; round++) {
    const ranked = [...pool.values()].flatMap((plan): Pick[] =>
      measured.has(plan.key) ? [] : [{ field, plan, worth: worth(plan.options, plan.value) }],
    );
    const top = ranked.reduce<Pick | undefined>((a, b) => (a === undefined || b.worth > a.worth ? b : a), undefined);
    if (top !== undefined && round < CLIMBS && !expanded.has(top.plan.key)) {
      expand(top.plan);
      continue;
    }
    for (const { plan } of ranked.sort((a, b) => b.worth - a.worth).slice(MOST_KEPT)) pool.delete(plan.key);
    return top;
  }
}

/** Whether a rise, with a share of the way to its bound, is allowed. */
function meets({ delta, upper95 }: Rise, share: number, allowed: number): boolean {
  return delta + share * (upper95 - delta) <= allowed;
}

function observed({ plan, point }: Trial): { options: readonly Option[]; rise: Rise } {
  return { options: plan.options, rise: point.steer };
}

/** Probability that a standard normal variable lies below x; absolute error < 8e-8 (Abramowitz and Stegun, 26.2.17). */
function normal(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(x));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return x >= 0 ? 1 - tail : tail;
}
