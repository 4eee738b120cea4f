import type { PlanChoice, PlannedGroup } from '../../src/records/types.js';
import type { Surface } from './surfaces.js';

/** Every way to take one of each. */
export function* combinations<T>(sets: readonly (readonly T[])[], at = 0): Generator<T[]> {
  if (at === sets.length) {
    yield [];
    return;
  }
  for (const rest of combinations(sets, at + 1)) for (const one of sets[at]) yield [one, ...rest];
}

/**
 * Cost of the cheapest combination of measured widths that passes the rule, upper95 <= allowed on both halves; `original` where nothing
 * narrower does.
 */
export function cheapestPassing({ problem, truth }: Surface): { best: number; original: number } {
  let original = Number.POSITIVE_INFINITY;
  let best = Number.POSITIVE_INFINITY;
  for (const { weights, variables } of problem.candidates) {
    const groups = variables.map(({ name, n, curves }) => [
      { name, n, k: n, basis: curves[0].basis, kind: 'unit' } satisfies PlannedGroup,
      ...curves.flatMap(({ points, ...curve }) =>
        points.filter(({ k }) => k < curve.n).map(({ k }): PlannedGroup => ({ name, ...curve, k })),
      ),
    ]);
    original = Math.min(original, problem.cost({ weights, groups: groups.map(([whole]) => whole) }).parameters);
    for (const plan of combinations(groups)) {
      const choice: PlanChoice = { weights, groups: plan };
      const { parameters } = problem.cost(choice);
      if (parameters >= best) continue;
      const { steer, bound } = truth(choice);
      if (steer.upper95 <= problem.allowed && bound.upper95 <= problem.allowed) best = parameters;
    }
  }
  return { best: Math.min(best, original), original };
}
