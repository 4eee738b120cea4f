import type { PlanChoice, PlannedGroup } from '../../src/records/types.js';
import type { Candidate, CandidateCurve, PlanProblem, PlanVariable } from '../../src/recommend/types.js';

/**
 * The plans that people make today, under the same rule on the same rows: upper95 <= allowed on both halves. Unit choices only, the
 * candidate's first unit curve in every group.
 */

/** Every width scaled by one factor; the smallest of `steps` factors that holds. */
export async function uniformPlan(problem: PlanProblem, candidate: Candidate, steps = 64): Promise<PlanChoice> {
  const at = (step: number) => choose(candidate, (variable) => Math.max(1, Math.ceil((variable.n * step) / steps)));
  let [holds, fails] = [steps, 0];
  while (holds - fails > 1) {
    const middle = (holds + fails) >> 1;
    if (await passes(problem, at(middle))) holds = middle;
    else fails = middle;
  }
  return at(holds);
}

/**
 * From the whole model down the measured widths, always the step that saves most for what its own curve rises, as long as the curves add up
 * to no more than the budget; then, where the joint model breaks it, back up step by step.
 */
export async function greedyAdditivePlan(problem: PlanProblem, candidate: Candidate): Promise<PlanChoice> {
  const whole = candidate.variables.map(({ n }) => n);
  const path = [whole];
  const { delta: tax } = candidate.full;
  const costOf = (ks: readonly number[]): number => problem.cost(choose(candidate, (_, i) => ks[i])).parameters;
  for (let ks = whole; ;) {
    const steps = candidate.variables.flatMap((variable, i) => {
      const points = curveOf(variable)?.points ?? [];
      const k = points.findLast((point) => point.k < ks[i])?.k;
      if (k === undefined) return [];
      const next = ks.map((now, j) => (i === j ? k : now));
      const rise = sumOfRises(candidate, next);
      if (tax + rise > problem.allowed) return [];
      const worse = Math.max(rise - sumOfRises(candidate, ks), 1e-12);
      return [{ next, worth: (costOf(ks) - costOf(next)) / worse }];
    });
    if (steps.length === 0) break;
    ks = steps.reduce((a, b) => (b.worth > a.worth ? b : a)).next;
    path.push(ks);
  }
  for (const ks of path.toReversed()) {
    const plan = choose(candidate, (_, i) => ks[i]);
    if (await passes(problem, plan)) return plan;
  }
  return choose(candidate, ({ n }) => n);
}

async function passes({ measure, allowed }: PlanProblem, plan: PlanChoice): Promise<boolean> {
  const { steer, bound } = await measure(plan);
  return steer.upper95 <= allowed && bound.upper95 <= allowed;
}

function sumOfRises({ variables, full }: Candidate, ks: readonly number[]): number {
  return variables.reduce((sum, variable, i) => {
    if (ks[i] === variable.n) return sum;
    const point = curveOf(variable)!.points.find(({ k }) => k === ks[i])!;
    return sum + Math.max(0, point.delta - full.delta);
  }, 0);
}

function curveOf({ curves }: PlanVariable): CandidateCurve | undefined {
  return curves.find(({ kind }) => kind === 'unit');
}

function choose({ weights, variables }: Candidate, widthOf: (variable: PlanVariable, i: number) => number): PlanChoice {
  const groups = variables.map((variable, i): PlannedGroup => {
    const { basis = 'tail', folded } = curveOf(variable) ?? {};
    const k = curveOf(variable) === undefined ? variable.n : widthOf(variable, i);
    const isFolded = folded !== undefined && k < variable.n;
    return { name: variable.name, n: variable.n, k, basis, kind: 'unit', ...(isFolded ? { folded } : {}) };
  });
  return { weights, groups };
}
