import type { PlanChoice } from '../records/types.js';
import { allocations } from './allocate.js';
import { WAYS, widened } from './moves.js';
import { contains, type Plan, type Planner } from './plan.js';
import { tablesOf, type Trial } from './search.js';
import { forcedRise, type Space } from './space.js';
import type { JointPoint } from './types.js';

export interface TuningOptions {
  readonly allowed: number;
  /** Cost of the safe plan without tuning; only what costs less is tuned. */
  readonly value: number;
  /** Untuned plans whose mean holds on the steering half. */
  readonly near: readonly Plan[];
  /** Models that may be tuned. */
  readonly tunings: number;
  readonly tune: (plan: Plan, from: PlanChoice | undefined) => Promise<JointPoint>;
}

/** Tuning starts from this multiple of the budget, and goes on by the second, by the third where it holds with room to spare. */
const [FIRST, STEP, STRIDE] = [1, 2, 4];
/** Multiples of the budget closer than this are not told apart. */
const CLOSE = 1.1;
/** What a plan that fits into the last one may cost beyond the cheapest, to start from its weights. */
const NESTED_PRICE = 1.03;
const FARTHEST = 2 ** 12;

/**
 * Tunes plans along the frontier, from wide to narrow: what the single curves allow for 1, 2, 4, … times the budget, the tax left aside (tuning
 * takes it away), then halfway between the narrowest that holds and the widest that does not. Steered by the steering half alone.
 */
export async function tuneAlong(planner: Planner, spaces: readonly Space[], options: TuningOptions): Promise<Trial[]> {
  const { allowed, tunings, tune, value } = options;
  const made: Trial[] = [];
  const rung = (times: number): Plan | undefined =>
    rungAt(planner, spaces, times * allowed, made.filter(isHolding).at(-1)?.plan);
  let [holds, fails, times] = [0, Number.POSITIVE_INFINITY, FIRST];
  while (made.length < tunings && times < FARTHEST && fails / times > 1 + 1e-9) {
    const plan = rung(times);
    const known = made.find((trial) => trial.plan.key === plan?.key);
    if (plan === undefined || plan.value >= value || (known !== undefined && isHolding(known))) {
      // too wide to be worth it
      holds = times;
    } else if (known === undefined) {
      const point = await tune(plan, startFor(plan, made));
      const trial: Trial = { plan, point, tuned: true };
      made.push(trial);
      if (isHolding(trial)) holds = times;
      else fails = times;
    } else fails = times;
    const room = made.at(-1)?.point.steer.upper95 ?? allowed;
    if (fails === Number.POSITIVE_INFINITY) times *= room <= allowed / STRIDE ? STRIDE : STEP;
    else {
      const low = holds > 0 ? holds : fails / STRIDE ** 2;
      if (fails / low < CLOSE) break;
      times = Math.sqrt(low * fails);
    }
  }
  // where single curves cost nothing, a smaller budget gives the same plan: then towards the full widths
  const widest = dearest(made);
  if (widest !== undefined) await widen(widest.plan);
  // what nearly holds as it is will hardly fail when tuned
  for (const plan of [...options.near].sort((a, b) => a.value - b.value)) {
    const least = Math.min(value, ...made.filter(isHolding).map((trial) => trial.plan.value));
    if (made.length >= tunings || plan.value >= least) break;
    if (made.some((trial) => trial.plan.key === plan.key)) continue;
    made.push({ plan, point: await tune(plan, startFor(plan, made)), tuned: true });
  }
  return made;

  async function widen(from: Plan): Promise<void> {
    for (const way of WAYS) {
      const plan = widened(planner, from, way);
      if (made.length >= tunings || made.some(isHolding) || plan.value >= value) return;
      if (made.some((trial) => trial.plan.key === plan.key)) continue;
      made.push({ plan, point: await tune(plan, startFor(plan, made)), tuned: true });
    }
  }

  function isHolding({ point }: Trial): boolean {
    return point.steer.upper95 <= allowed;
  }
}

/** The cheapest plan for a budget on any weights, tax and pinned widths left aside; one that fits into the last that held, where it costs hardly more. */
function rungAt(planner: Planner, spaces: readonly Space[], budget: number, last: Plan | undefined): Plan | undefined {
  const plans = spaces.flatMap((space) => {
    const best = allocations(tablesOf(planner, space), budget + forcedRise(space)).at(-1);
    return best === undefined ? [] : [planner.plan(space, best.options)];
  });
  const cheapest = plans.reduce<Plan | undefined>((a, b) => (a === undefined || isBetter(a, b) ? b : a), undefined);
  if (last === undefined || cheapest === undefined) return cheapest;
  const { space, choice } = last;
  const inside = allocations(tablesOf(planner, space), budget + forcedRise(space), ({ group }, i) =>
    contains({ weights: choice.weights, groups: [choice.groups[i]] }, { weights: choice.weights, groups: [group] }),
  ).at(-1);
  const nested = inside === undefined ? undefined : planner.plan(space, inside.options);
  return nested !== undefined && nested.value <= NESTED_PRICE * cheapest.value ? nested : cheapest;
}

/** Cheaper, or as cheap and expected to cost less of the loss. */
function isBetter(a: Plan, b: Plan): boolean {
  return b.value < a.value || (b.value === a.value && b.predicted < a.predicted);
}

function dearest(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (a, b) => (a === undefined || b.plan.value > a.plan.value ? b : a),
    undefined,
  );
}

/** The narrowest tuned plan that contains this one, the one tuned last where several do. */
function startFor(plan: Plan, made: readonly Trial[]): PlanChoice | undefined {
  const wider = made.filter(
    (trial) => contains(trial.plan.choice, plan.choice) && Number.isFinite(trial.point.steer.delta),
  );
  const least = Math.min(...wider.map((trial) => trial.plan.value));
  return wider.findLast((trial) => trial.plan.value === least)?.plan.choice;
}
