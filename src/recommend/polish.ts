import { holdsOnBoth } from './judge.js';
import { cheaper, WAYS, widened } from './moves.js';
import { wholePlan, type Plan, type Planner } from './plan.js';
import { likelihood, type SearchOptions, type Trial } from './search.js';
import type { Option } from './space.js';
import { unitOf } from './surrogate.js';

/** A neighbour that saves less than this share of the plan's cost is not measured. */
const LEAST_SAVING = 0.005;
/** Where all seem unlikely, the likeliest counts more than what is saved. */
const LEAST_CHANCE = 1e-6;

/**
 * Spends the measurements that are left. Where no measured plan holds on both halves, bisects between the cheapest that holds on the steering
 * half and the original. Then measures what lies a step or two from the cheapest plan that holds and costs less, the likeliest savings by the
 * steering half first; from there again where one holds, else from the next cheapest.
 *
 * @param start everything measured before
 * @returns what it measured, in order
 */
export async function polish(planner: Planner, start: readonly Trial[], options: SearchOptions): Promise<Trial[]> {
  const made: Trial[] = [];
  const measured = new Set(start.map(({ plan }) => plan.key));
  const isLeft = (): boolean => made.length < options.evaluations;
  const measure = async (plan: Plan): Promise<Trial> => {
    const trial: Trial = { plan, point: await options.measure(plan), tuned: false };
    measured.add(plan.key);
    made.push(trial);
    return trial;
  };
  const all = (): Trial[] => [...start, ...made];
  const safe = (): Plan[] =>
    all()
      .flatMap((trial) => (holdsOnBoth(trial.point, options.allowed) ? [trial.plan] : []))
      .sort((a, b) => a.value - b.value);

  if (safe().length === 0) await backOff();
  while (isLeft()) {
    const next = nextPlan();
    if (next === undefined) break;
    await measure(next);
  }
  return made;

  /** Halves the way to the original while what lies there fails. */
  async function backOff(): Promise<void> {
    const { allowed } = options;
    const from = leastOf(start.flatMap(({ plan, point }) => (point.steer.upper95 <= allowed ? [plan] : [])));
    if (from === undefined) return;
    for (const way of WAYS) {
      if (!isLeft() || safe().length > 0) return;
      const plan = widened(planner, from, way);
      if (plan.value >= wholePlan(planner, from.space).value) return;
      if (!measured.has(plan.key)) await measure(plan);
    }
  }

  /** From the cheapest that holds; where its neighbours are known, from the next. */
  function nextPlan(): Plan | undefined {
    const holding = safe();
    for (const centre of holding) {
      const next = best(centre, holding[0].value);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  function best(centre: Plan, least: number): Plan | undefined {
    const { space } = centre;
    const trials = all().filter(({ plan }) => plan.space === space);
    const chance = likelihood(space, trials, options);
    const worth = (plan: readonly Option[], value: number): number =>
      Math.max(0, least - value) * Math.max(LEAST_CHANCE, chance(plan, 1));
    const ranked = cheaper(planner, centre, worth, unitOf(space, options.allowed)).flatMap((plan) =>
      measured.has(plan.key) || plan.value > (1 - LEAST_SAVING) * least
        ? []
        : [{ plan, worth: worth(plan.options, plan.value) }],
    );
    return ranked.reduce<(typeof ranked)[number] | undefined>(
      (a, b) => (a === undefined || b.worth > a.worth ? b : a),
      undefined,
    )?.plan;
  }
}

function leastOf(plans: readonly Plan[]): Plan | undefined {
  return plans.reduce<Plan | undefined>((a, b) => (a === undefined || b.value < a.value ? b : a), undefined);
}
