import { UsageError } from '../errors.js';
import type {
  Feasibility,
  JointMeasured,
  PlanChoice,
  PlannedGroup,
  PlanVerdict,
  WeightsName,
} from '../records/types.js';
import { examplesNeeded, holdsOnBoth, judgePoint } from './judge.js';
import { RECOMMEND_DEFAULTS, type RecommendOptions } from './options.js';
import { bottomPlan, costOf, optimisticPlan } from './outlook.js';
import { createPlanner, wholePlan, type Plan, type Planner } from './plan.js';
import { polish } from './polish.js';
import { search, type Trial } from './search.js';
import { spaceOf, type Space } from './space.js';
import { tuneAlong } from './tuning.js';
import type { JointPoint, PlanProblem } from './types.js';

/** What planning found; a plan record less its head and what the report split says. */
export interface PlanOutcome {
  readonly verdict: PlanVerdict;
  /** Some plan that costs less than the original has delta <= allowed. */
  readonly feasible: boolean;
  /** There is nothing to narrow (every group is pinned, say): the plan is the original itself, which holds and saves nothing. */
  readonly isOriginal: boolean;
  readonly planned: Omit<JointMeasured, keyof PlanChoice>;
  readonly weights: WeightsName;
  /** Every group of the problem, in its order; whole ones at k = n. */
  readonly groups: readonly PlannedGroup[];
  readonly likely?: JointMeasured;
  /** Every joint model measured, tuned ones last, in the order of measuring. */
  readonly frontier: readonly JointMeasured[];
  /** Joint measurements, tuned ones included. */
  readonly evaluations: number;
  /** Narrowed models that were trained. */
  readonly tunings: number;
  readonly examplesNeeded?: number;
  readonly stopped?: { readonly group: string; readonly budget: number };
  readonly feasibility: Pick<Feasibility, 'smallest' | 'optimistic'>;
}

/**
 * The cheapest plan whose rise is shown to stay within the budget on the real model: proposed by the single curves, measured jointly, searched
 * on one half of the rows and judged on the other, then tuned at its widths where that can be had.
 *
 * @throws UsageError where there is nothing to plan, the budget is not above 0, an option lies outside its range, or `min` and `pin` fit no
 * group; and whatever `measure` and `tune` throw.
 */
export async function recommend(problem: PlanProblem, given: Partial<RecommendOptions> = {}): Promise<PlanOutcome> {
  const options: RecommendOptions = { ...RECOMMEND_DEFAULTS, ...given };
  check(problem, options);
  const spaces = problem.candidates.map((candidate) => spaceOf(candidate, options));
  const planner = createPlanner(problem);
  const whole = wholePlan(planner, spaces.find(({ candidate }) => candidate.weights === 'original') ?? spaces[0]);
  const measuring = counted(problem, options);
  const bottom = bottomPlan(planner, spaces);
  const isOriginal = bottom.value >= whole.value;
  const best = optimisticPlan(planner, spaces, whole, problem.allowed);
  options.onOutlook?.({ full: whole.cost, smallest: bottom.cost, optimistic: best.cost });
  const trials = [await measuring.measure(isOriginal ? whole : bottom)];
  if (isOriginal) return outcome({ problem, options, planner, spaces, trials, whole, isOriginal });

  const { allowed } = problem;
  const z = quantile(options.confidence);
  const evaluations = options.evaluations - 1;
  const measure = async (plan: Plan): Promise<JointPoint> => (await measuring.measure(plan)).point;
  trials.push(...(await search(planner, spaces, trials, { allowed, z, evaluations, measure })));
  const left = options.evaluations - trials.length;
  trials.push(...(await polish(planner, trials, { allowed, z, evaluations: left, measure })));
  if (problem.tune !== undefined) {
    const safe = cheapest(trials.filter((trial) => holdsOnBoth(trial.point, allowed)));
    const value = safe?.plan.value ?? whole.value;
    const near = trials.filter(({ point }) => point.steer.delta <= allowed).map(({ plan }) => plan);
    trials.push(
      ...(await tuneAlong(planner, spaces, { allowed, value, near, tunings: options.tunings, tune: measuring.tune })),
    );
  }
  return outcome({ problem, options, planner, spaces, trials, whole, isOriginal });
}

interface Found {
  readonly problem: PlanProblem;
  readonly options: RecommendOptions;
  readonly planner: Planner;
  readonly spaces: readonly Space[];
  /** The first is the smallest plan, or the original where that is all there is. */
  readonly trials: readonly Trial[];
  readonly whole: Plan;
  readonly isOriginal: boolean;
}

function outcome({ problem, options, planner, spaces, trials, whole, isOriginal }: Found): PlanOutcome {
  const { allowed } = problem;
  const narrower = trials.filter(({ plan }) => plan.value < whole.value);
  const safe = cheapest(narrower.filter((trial) => holdsOnBoth(trial.point, allowed)));
  const likely = cheapest(narrower.filter((trial) => isLikely(trial, allowed)));
  const chosen = isOriginal ? trials[0] : (safe ?? likely ?? nearest(narrower, allowed));
  const { weights, groups, ...planned } = jointMeasured(chosen);
  const feasible = narrower.some(({ point }) => point.bound.delta <= allowed);
  const needed =
    options.boundingRows === undefined ? undefined : examplesNeeded(planned, allowed, options.boundingRows);
  const isDifferent = likely !== undefined && likely !== chosen && likely.plan.value < chosen.plan.value;
  return {
    verdict: judgePoint(planned, allowed),
    feasible,
    isOriginal,
    planned,
    weights,
    groups,
    ...(isDifferent ? { likely: jointMeasured(likely) } : {}),
    frontier: trials.map(jointMeasured),
    evaluations: trials.length,
    tunings: trials.filter(({ tuned }) => tuned).length,
    ...(needed === undefined ? {} : { examplesNeeded: needed }),
    ...(feasible || isOriginal ? {} : stoppedBy(spaces, chosen, narrower)),
    feasibility: {
      smallest: jointMeasured(trials[0]),
      optimistic: costOf(optimisticPlan(planner, spaces, whole, allowed)),
    },
  };
}

function isLikely({ point }: Trial, allowed: number): boolean {
  return point.steer.delta <= allowed && point.bound.delta <= allowed;
}

function cheapest(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (a, b) => (a === undefined || b.plan.value < a.plan.value ? b : a),
    undefined,
  );
}

/** What the bounding half lets pass, if anything; of those the one whose worse half is best. */
function nearest(trials: readonly Trial[], allowed: number): Trial {
  const passing = trials.filter(({ point }) => point.bound.delta <= allowed);
  return (passing.length > 0 ? passing : trials).reduce((a, b) => (worse(b) < worse(a) ? b : a));
}

function worse({ point }: Trial): number {
  return orInfinite(Math.max(point.steer.delta, point.bound.delta));
}

/** The group whose least narrowing costs most, and the budget that some measured plan would hold on both halves. */
function stoppedBy(spaces: readonly Space[], chosen: Trial, narrower: readonly Trial[]): Pick<PlanOutcome, 'stopped'> {
  const space = spaces.find((candidate) => candidate === chosen.plan.space)!;
  const least = space.variables.flatMap(({ name, options }) => {
    const narrowed = options.filter(({ family }) => family >= 0).map(({ rise }) => rise);
    return narrowed.length === 0 ? [] : [{ name, rise: Math.min(...narrowed) }];
  });
  const group = least.reduce((a, b) => (b.rise > a.rise ? b : a)).name;
  const needed = narrower.map(({ point }) => orInfinite(Math.max(point.steer.upper95, point.bound.upper95)));
  const budget = Math.min(...needed);
  return Number.isFinite(budget) ? { stopped: { group, budget } } : {};
}

function jointMeasured({ plan, point, tuned }: Trial): JointMeasured {
  const { latency } = plan.cost;
  const { loss, se, metrics, delta, deltaSe, upper95 } = point.bound;
  return {
    ...plan.choice,
    loss,
    se,
    metrics,
    delta,
    deltaSe,
    upper95,
    ...costOf(plan),
    predicted: plan.predicted,
    tuned,
    ...(latency === undefined ? {} : { latency }),
  };
}

interface Counted {
  readonly measure: (plan: Plan) => Promise<Trial>;
  readonly tune: (plan: Plan, from: PlanChoice | undefined) => Promise<JointPoint>;
}

function counted({ measure, tune, minimize }: PlanProblem, options: RecommendOptions): Counted {
  const most = options.evaluations + (tune === undefined ? 0 : options.tunings);
  let done = 0;
  const report = async (plan: Plan, how: string): Promise<void> => {
    const { weights } = plan.choice;
    options.onProgress?.(done++, most, `${how} on the ${weights} weights, ${minimize} ${Math.round(plan.value)}`);
    await options.pause?.();
  };
  return {
    measure: async (plan) => {
      await report(plan, 'joint plan');
      return { plan, point: await measure(plan.choice), tuned: false };
    },
    tune: async (plan, from) => {
      await report(plan, 'tuned plan');
      return tune!(plan.choice, from);
    },
  };
}

function check({ candidates, allowed }: PlanProblem, { evaluations, tunings, confidence }: RecommendOptions): void {
  if (candidates.length === 0 || candidates.some(({ variables }) => variables.length === 0)) {
    throw new UsageError('There is no width group to plan.');
  }
  if (!(allowed > 0) || !Number.isFinite(allowed)) {
    throw new UsageError(`The allowed rise must be above 0 and finite, got ${allowed}.`);
  }
  if (!Number.isInteger(evaluations) || evaluations < 1) {
    throw new UsageError(`Planning needs a whole number of at least 1 joint measurements, got ${evaluations}.`);
  }
  if (!Number.isInteger(tunings) || tunings < 0) {
    throw new UsageError(`The number of tunings must be a whole number of at least 0, got ${tunings}.`);
  }
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new UsageError(`The confidence must lie between 0.5 and 1, got ${confidence}.`);
  }
}

/** The normal quantile to some hundredths (Tukey's lambda), for steering before a first bound is measured. */
function quantile(share: number): number {
  return (share ** 0.135 - (1 - share) ** 0.135) / 0.1975;
}

function orInfinite(value: number): number {
  return Number.isFinite(value) ? value : Number.POSITIVE_INFINITY;
}
