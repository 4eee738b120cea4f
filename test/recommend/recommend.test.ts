import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import type { PlanChoice } from '../../src/records/types.js';
import type { JointPoint, PlanProblem, PlanVariable } from '../../src/recommend/types.js';
import { judgePoint } from '../../src/recommend/judge.js';
import type { RecommendOptions } from '../../src/recommend/options.js';
import { contains } from '../../src/recommend/plan.js';
import { recommend, type PlanOutcome } from '../../src/recommend/recommend.js';
import { cheapestPassing } from './brute-force.js';
import { chain, gridOf, keyOf, ring, surface, type Surface, type SurfaceOptions } from './surfaces.js';

const WIDTHS = [48, 32, 20];
const SIX = WIDTHS.map((n) => gridOf(n, 6));
const SURFACE: Omit<SurfaceOptions, 'seed'> = { widths: WIDTHS, edges: chain(3), grids: SIX };

async function planned(
  options: SurfaceOptions,
  given: Partial<RecommendOptions> = {},
): Promise<Surface & { outcome: PlanOutcome }> {
  const made = surface(options);
  return { ...made, outcome: await recommend(made.problem, given) };
}

describe('recommend', () => {
  it.each([
    ['a chain', { edges: chain(3) }, 30],
    ['a ring', { edges: ring(3) }, 30],
    ['a chain with noise of a sixth of the budget', { edges: chain(3), noise: 0.0015 }, 30],
    ['a ring with noise of a third of the budget', { edges: ring(3), noise: 0.003 }, 30],
    ['two orders of the units, and ranks', { bases: ['tail', 'magnitude'], ranks: true }, 30],
    ['two sets of weights, one taxed', { weights: ['original', 'retrained'] as const, tax: 0.002, noise: 0.001 }, 20],
  ])(
    'costs at most 1.05 times the cheapest of all combinations that pass the same rule: %s',
    async (_, given, seeds) => {
      const dearer: string[] = [];
      let [found, missed] = [0, 0];
      for (let seed = 1; seed <= seeds; seed++) {
        const made = await planned({ ...SURFACE, ...given, seed });
        const { best, original } = cheapestPassing(made);
        if (best === original) continue;
        found++;
        if (made.outcome.verdict !== 'holds') missed++;
        else if (made.outcome.planned.parameters > 1.05 * best) {
          dearer.push(`seed ${seed}: ${made.outcome.planned.parameters} against ${best}`);
        }
      }
      expect(found).toBeGreaterThan(seeds / 3);
      expect(dearer).toEqual([]);
      expect(missed).toBe(0);
    },
  );

  it('gives a plan whose figures were measured, and judges it by them', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { outcome, problem, measured, truth } = await planned({ ...SURFACE, noise: 0.004, seed });
      const { weights, groups, planned: plan } = outcome;
      const { bound, steer } = truth({ weights, groups });
      expect(plan).toMatchObject({ ...bound, ...problem.cost({ weights, groups }), tuned: false });
      expect(outcome.verdict).toBe(judgePoint(bound, problem.allowed));
      expect(outcome.frontier.map(keyOf)).toEqual(measured.map(keyOf));
      expect(outcome.evaluations).toBe(measured.length);
      const narrower = outcome.frontier.filter(({ parameters }) => parameters < costOfWhole(problem));
      expect(outcome.feasible).toBe(narrower.some(({ delta }) => delta <= problem.allowed));
      // broken only where nothing narrower has its mean inside
      expect(outcome.verdict === 'broken').toBe(!outcome.feasible);
      const safe = narrower.filter((one) => Math.max(one.upper95, truth(one).steer.upper95) <= problem.allowed);
      const isSafe = Math.max(steer.upper95, bound.upper95) <= problem.allowed;
      expect(isSafe).toBe(safe.length > 0);
      expect(!isSafe || plan.parameters === Math.min(...safe.map(({ parameters }) => parameters))).toBe(true);
      const likely = narrower.filter((one) => Math.max(one.delta, truth(one).steer.delta) <= problem.allowed);
      const least = Math.min(...likely.map(({ parameters }) => parameters));
      expect(outcome.likely?.parameters).toBe(least < plan.parameters ? least : undefined);
    }
  });

  it('adds up the single curves and the tax of the weights for what it predicts', async () => {
    const { outcome, problem } = await planned({
      ...SURFACE,
      seed: 3,
      grids: WIDTHS.map((n) => Array.from({ length: n }, (_, i) => i + 1)),
      weights: ['retrained'],
      tax: 0.004,
    });
    for (const { groups, predicted } of outcome.frontier) {
      const { full, variables } = problem.candidates[0];
      const singles = groups.map(({ k }, i) => variables[i].curves[0].points[k - 1].delta - full.delta);
      // the curves' bumps of some percent are smoothed
      expect(Math.abs(predicted - full.delta - singles.reduce((a, b) => a + b, 0))).toBeLessThan(
        0.05 * (predicted - full.delta) + 1e-12,
      );
    }
  });

  it('gives the same outcome for the same problem', async () => {
    const options = {
      ...SURFACE,
      seed: 8,
      noise: 0.002,
      ranks: true,
      tuning: 0.5,
      weights: ['original', 'retrained'] as const,
    };
    expect((await planned(options)).outcome).toEqual((await planned(options)).outcome);
  });

  it.each([1, 2, 5, 17, 40])(
    'measures at most %d untuned plans, none twice, and tunes at most so many',
    async (evaluations) => {
      for (let seed = 1; seed <= 6; seed++) {
        const options = { ...SURFACE, seed, noise: 0.002, tuning: 0.4, weights: ['original', 'retrained'] as const };
        const calls: [number, number][] = [];
        const { outcome, measured, tuned } = await planned(options, {
          evaluations,
          tunings: 3,
          onProgress: (done, most) => calls.push([done, most]),
        });
        expect(measured.length).toBeLessThanOrEqual(evaluations);
        expect(tuned.length).toBeLessThanOrEqual(3);
        expect(new Set(measured.map(keyOf)).size).toBe(measured.length);
        expect(new Set(tuned.map(({ plan }) => keyOf(plan))).size).toBe(tuned.length);
        expect(outcome.evaluations).toBe(measured.length + tuned.length);
        expect(outcome.tunings).toBe(tuned.length);
        expect(calls).toEqual(Array.from({ length: outcome.evaluations }, (_, i) => [i, evaluations + 3]));
      }
    },
  );

  it('lists every group of the problem in its order, and never mixes weights', async () => {
    const { measured, problem } = await planned({
      ...SURFACE,
      seed: 4,
      ranks: true,
      weights: ['original', 'retrained'],
      noise: 0.001,
    });
    for (const { weights, groups } of measured) {
      const { variables } = problem.candidates.find((candidate) => candidate.weights === weights)!;
      expect(groups.map(({ name }) => name)).toEqual(variables.map(({ name }) => name));
      for (const { k, n, kind, layer, name } of groups) {
        expect(k >= 1 && k <= n && Number.isInteger(k)).toBe(true);
        expect(layer).toBe(kind === 'rank' ? name : undefined);
      }
    }
  });

  it('respects least widths, pins and rounding in every plan it measures', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const options = { ...SURFACE, seed, ranks: true, tuning: 0.3, noise: 0.001 };
      const { measured, tuned } = await planned(options, { roundTo: 8, min: { g0: 10 }, pin: { g1: 13 } });
      const plans = [...measured, ...tuned.map(({ plan }) => plan)];
      for (const { groups } of plans) {
        expect(groups[0].k >= 16 && groups[0].k % 8 === 0).toBe(true);
        expect(groups[1]).toMatchObject({ k: 13, kind: 'unit', basis: 'tail' });
        expect(groups[2].k % 8 === 0 || groups[2].k === groups[2].n).toBe(true);
      }
    }
  });

  it('takes the best ordering there is for a pinned width', async () => {
    const k = SIX[1][2];
    let told = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { outcome, problem } = await planned(
        { ...SURFACE, seed, bases: ['tail', 'magnitude'] },
        { pin: { g1: k } },
      );
      const [tail, magnitude] = problem.candidates[0].variables[1].curves.map(
        ({ points }) => points.find((point) => point.k === k)!.delta,
      );
      if (Math.max(tail, magnitude) < 1.2 * Math.min(tail, magnitude)) continue;
      told++;
      expect(outcome.groups[1].basis).toBe(tail < magnitude ? 'tail' : 'magnitude');
    }
    expect(told).toBeGreaterThan(3);
  });

  it('finds what holds when tuned beside a width that is pinned below what the budget allows', async () => {
    let cases = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const options = { ...SURFACE, seed, tuning: 0.05 };
      const { problem: other } = surface(options);
      const { full, variables } = other.candidates[0];
      const alone = variables[0].curves[0].points.find(({ k }) => k === SIX[0][1])!;
      const groups = WIDTHS.map((n, i) => ({
        name: `g${i}`,
        n,
        k: i === 0 ? SIX[0][1] : n,
        basis: 'tail',
        kind: 'unit' as const,
      }));
      const { steer, bound } = await other.tune!({ weights: 'original', groups });
      const holds = Math.max(steer.upper95, bound.upper95) <= other.allowed;
      if (alone.delta - full.delta <= other.allowed || !holds) continue;
      cases++;
      const { outcome } = await planned(options, { pin: { g0: SIX[0][1] } });
      expect(outcome.verdict).toBe('holds');
      expect(outcome.planned.tuned).toBe(true);
    }
    expect(cases).toBeGreaterThan(3);
  });

  it('widens what single curves call free, where tuning does not hold it', async () => {
    const { verdict, groups } = await recommend(freeAlone(), { pin: { a: 4 } });
    expect(verdict).toBe('holds');
    expect(groups.map(({ k }) => k)).toEqual([4, 17]);
  });

  it('ends where a plan beside a pinned width holds on one half of the rows only, however wide', async () => {
    const problem = freeAlone();
    const { tune: _, ...untuned } = problem;
    const outcome = await recommend(
      { ...untuned, measure: async () => ({ ...exactly(0.02), steer: { delta: 0, deltaSe: 0, upper95: 0 } }) },
      { pin: { a: 4 } },
    );
    expect(outcome.feasible).toBe(false);
    expect(outcome.frontier.map(({ groups }) => groups[1].k)).toContain(32);
  });

  it('takes no width for asked because a group is called like something that every object has', async () => {
    const { problem } = surface({ ...SURFACE, seed: 2 });
    const names = ['constructor', 'toString', '__proto__'];
    const inside = ({ weights, groups }: PlanChoice): PlanChoice => ({
      weights,
      groups: renamed(groups, (i) => `g${i}`),
    });
    const outcome = await recommend({
      ...problem,
      candidates: problem.candidates.map((candidate) => ({
        ...candidate,
        variables: candidate.variables.map((variable, i) => ({ ...variable, name: names[i] })),
      })),
      cost: (plan) => problem.cost(inside(plan)),
      measure: async (plan) => problem.measure(inside(plan)),
    });
    const plain = await recommend(problem);
    expect(outcome.groups).toEqual(renamed(plain.groups, (i) => names[i]));
  });

  it('takes the smallest of all first, for what is to be had at all', async () => {
    const { outcome, measured } = await planned({ ...SURFACE, seed: 2 });
    expect(measured[0].groups.map(({ k }) => k)).toEqual([1, 1, 1]);
    expect(outcome.feasibility.smallest).toEqual(outcome.frontier[0]);
    expect(outcome.feasibility.optimistic.parameters).toBeGreaterThanOrEqual(outcome.feasibility.smallest.parameters);
  });

  it('gives the original as it is where nothing may be narrowed, and says so', async () => {
    const { outcome, problem, measured } = await planned(
      { ...SURFACE, seed: 2, tuning: 0.1 },
      { pin: { g0: 48, g1: 32, g2: 20 } },
    );
    expect(measured).toHaveLength(1);
    expect(outcome).toMatchObject({ isOriginal: true, verdict: 'holds', weights: 'original', tunings: 0 });
    expect(outcome.groups.map(({ k }) => k)).toEqual(WIDTHS);
    expect(outcome.planned).toMatchObject({ delta: 0, parameters: costOfWhole(problem) });
    expect(outcome.stopped).toBeUndefined();
  });

  it('says what stops it, and names a budget that then holds, where no narrower plan has its mean inside', async () => {
    const { problem } = surface({ ...SURFACE, seed: 5 });
    const outcome = await recommend({ ...problem, allowed: 1e-7 });
    expect(outcome).toMatchObject({ verdict: 'broken', feasible: false });
    expect(outcome.planned.parameters).toBeLessThan(costOfWhole(problem));
    const { group, budget } = outcome.stopped!;
    expect(['g0', 'g1', 'g2']).toContain(group);
    expect(budget).toBeGreaterThan(1e-7);
    const enough = await recommend({ ...problem, allowed: budget });
    expect(enough.verdict).toBe('holds');
  });

  it('tells how many rows would settle a plan that is not resolved', async () => {
    let unresolved = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { outcome, problem } = await planned({ ...SURFACE, seed, noise: 0.05 }, { boundingRows: 500 });
      if (outcome.verdict !== 'not resolved') continue;
      unresolved++;
      const { delta, upper95 } = outcome.planned;
      const exact = 500 * ((upper95 - delta) / (problem.allowed - delta)) ** 2;
      expect(outcome.examplesNeeded).toBeGreaterThanOrEqual(exact);
      // two significant digits
      expect(outcome.examplesNeeded).toBeLessThanOrEqual(1.1 * exact + 1000);
      expect(outcome.feasible).toBe(true);
    }
    expect(unresolved).toBeGreaterThan(3);
  });

  it('takes the smallest model where narrowing costs nothing, and sees little in noise below the budget', async () => {
    expect((await planned({ ...SURFACE, seed: 1, height: 0 })).outcome.groups.map(({ k }) => k)).toEqual([1, 1, 1]);
    for (let seed = 1; seed <= 8; seed++) {
      const { outcome } = await planned({ ...SURFACE, seed, height: 0, noise: 0.005 });
      expect(outcome.verdict).toBe('holds');
      expect(outcome.planned.parameters).toBeLessThan(1.5 * outcome.feasibility.smallest.parameters);
    }
  });

  it('never says "holds" of noise alone beyond the budget without both bounds inside it', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { outcome, truth, problem } = await planned({ ...SURFACE, seed, height: 0, noise: 0.2 });
      const { steer, bound } = truth(outcome);
      expect(judgePoint(bound, problem.allowed)).toBe(outcome.verdict);
      expect(outcome.likely === undefined || steer.upper95 <= problem.allowed).toBe(true);
    }
  });

  it('finds its way for any widths, couplings and joint effects', async () => {
    const shape = fc.record({
      seed: fc.integer({ min: 1, max: 1e6 }),
      widths: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 }),
      nonAdditivity: fc.double({ min: 0.3, max: 1.5, noNaN: true }),
      noise: fc.constantFrom(0, 0.001, 0.01),
      isRing: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ isRing, ...options }) => {
        const edges = (isRing ? ring : chain)(options.widths.length);
        const { outcome, measured, problem, truth } = await planned({ ...options, edges }, { evaluations: 15 });
        expect(measured.length).toBeLessThanOrEqual(15);
        expect(new Set(measured.map(keyOf)).size).toBe(measured.length);
        expect(outcome.planned.upper95).toBe(truth(outcome).bound.upper95);
        expect(outcome.verdict).toBe(judgePoint(outcome.planned, problem.allowed));
        expect(outcome.isOriginal).toBe(options.widths.every((n) => n === 1));
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('plans fifty groups', async () => {
    const widths = Array.from({ length: 50 }, (_, i) => 16 + 3 * i);
    const { outcome, problem } = await planned({
      seed: 1,
      widths,
      edges: chain(50),
      height: 0.1,
      bases: ['tail', 'magnitude'],
    });
    expect(outcome.verdict).toBe('holds');
    expect(outcome.planned.parameters).toBeLessThan(0.9 * costOfWhole(problem));
  });

  it('passes by weights whose tax alone breaks the budget', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { outcome, measured } = await planned({ ...SURFACE, seed, weights: ['original', 'retrained'], tax: 0.03 });
      expect(outcome.weights).toBe('original');
      expect(measured.filter(({ weights }) => weights === 'retrained').length).toBeLessThan(4);
    }
  });

  it('takes figures that are no numbers for broken', async () => {
    const { problem, truth } = surface({ ...SURFACE, seed: 6 });
    const nothing = { delta: Number.NaN, deltaSe: Number.NaN, upper95: Number.NaN };
    const measure = async (plan: PlanChoice) => {
      const isBroken = plan.groups[0].k < 30;
      const { steer, bound } = isBroken ? { steer: nothing, bound: nothing } : truth(plan);
      return { steer, bound: { loss: 1, se: 1, metrics: {}, ...bound } };
    };
    const outcome = await recommend({ ...problem, measure });
    expect(outcome.verdict).toBe('holds');
    expect(outcome.groups[0].k).toBeGreaterThanOrEqual(30);
  });

  it.each([
    ['a least width of no group', { min: { nobody: 3 } }, /"nobody"/u],
    ['a pin of no group', { pin: { nobody: 3 } }, /"nobody"/u],
    ['a pin of nothing', { pin: { g0: 0 } }, /1 to 48/u],
    ['a pin beyond the width', { pin: { g0: 49 } }, /1 to 48/u],
    ['a least width that is not whole', { min: { g1: 2.5 } }, /1 to 32/u],
    ['a pin below the least width', { min: { g1: 8 }, pin: { g1: 7 } }, /below/u],
    ['rounding to nothing', { roundTo: 0 }, /multiples/u],
    ['no measurement at all', { evaluations: 0 }, /at least 1/u],
    ['half a tuning', { tunings: 0.5 }, /tunings/u],
    ['a confidence of one', { confidence: 1 }, /confidence/u],
  ])('refuses %s', async (_, options, message) => {
    const { problem } = surface({ ...SURFACE, seed: 1 });
    await expect(recommend(problem, options)).rejects.toThrow(UsageError);
    await expect(recommend(problem, options)).rejects.toThrow(message);
  });

  it('refuses to pin the units of a group whose ranks alone are known, and to plan nothing', async () => {
    const { problem } = surface({ ...SURFACE, seed: 1 });
    const [candidate] = problem.candidates;
    const variables = candidate.variables.map((variable) => ({
      ...variable,
      curves: variable.curves.map((curve) => ({ ...curve, kind: 'rank' as const, layer: 'dense' })),
    }));
    const ranks = { ...problem, candidates: [{ ...candidate, variables }] };
    await expect(recommend(ranks, { pin: { g0: 4 } })).rejects.toThrow(/ranks/u);
    await expect(recommend({ ...problem, candidates: [] })).rejects.toThrow(UsageError);
    await expect(recommend({ ...problem, allowed: 0 })).rejects.toThrow(UsageError);
    await expect(recommend({ ...problem, allowed: Number.NaN })).rejects.toThrow(UsageError);
  });

  it('passes on what measuring throws', async () => {
    const { problem } = surface({ ...SURFACE, seed: 1 });
    await expect(recommend({ ...problem, measure: failing('the backend is gone') })).rejects.toThrow(
      'the backend is gone',
    );
  });
});

describe('tuning', () => {
  it('gives a smaller plan where it takes most of the rise away', async () => {
    let [smaller, seeds] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const options = { ...SURFACE, seed, noise: 0.0005 };
      const without = (await planned(options)).outcome;
      const { outcome } = await planned({ ...options, tuning: 0.25 });
      seeds++;
      expect(outcome.planned.parameters).toBeLessThanOrEqual(without.planned.parameters);
      if (outcome.planned.tuned && outcome.verdict === 'holds') smaller++;
    }
    expect(smaller).toBeGreaterThan(0.9 * seeds);
  });

  it('changes nothing where it harms', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const without = (await planned({ ...SURFACE, seed })).outcome;
      const { outcome, tuned } = await planned({ ...SURFACE, seed, tuning: 10 });
      expect(tuned.length).toBeLessThanOrEqual(6);
      expect([outcome.groups, outcome.planned]).toEqual([without.groups, without.planned]);
    }
  });

  it('starts from the narrowest tuned plan that contains the next, from none where none does', async () => {
    let started = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { tuned } = await planned({ ...SURFACE, seed, tuning: 0.2, bases: ['tail', 'magnitude'], ranks: true });
      tuned.forEach(({ plan, from }, i) => {
        const wider = tuned.slice(0, i).filter((earlier) => contains(earlier.plan, plan));
        expect(from === undefined).toBe(wider.length === 0);
        expect([undefined, ...wider.map((earlier) => earlier.plan)]).toContain(from);
        started += from === undefined ? 0 : 1;
      });
    }
    expect(started).toBeGreaterThan(6);
  });

  it('throws what tuning throws', async () => {
    const { problem } = surface({ ...SURFACE, seed: 1 });
    await expect(recommend({ ...problem, tune: failing('the loss is no number') })).rejects.toThrow(
      'the loss is no number',
    );
  });

  it('is left alone at 0 tunings', async () => {
    const { tuned } = await planned({ ...SURFACE, seed: 1, tuning: 0.2 }, { tunings: 0 });
    expect(tuned).toEqual([]);
  });
});

function failing(message: string): () => Promise<never> {
  return () => Promise.reject(new Error(message));
}

function costOfWhole({ candidates, cost }: Surface['problem']): number {
  const [{ weights, variables }] = candidates;
  const groups = variables.map(({ name, n }) => ({ name, n, k: n, basis: 'tail', kind: 'unit' as const }));
  return cost({ weights, groups }).parameters;
}

function renamed(groups: PlanChoice['groups'], to: (i: number) => string): PlanChoice['groups'] {
  return groups.map((group, i) => ({ ...group, name: to(i) }));
}

/** Two groups of 32: `a` costs 0.05 until it is tuned; `b` nothing alone, but 0.1 where it keeps less than half beside `a`. */
function freeAlone(): PlanProblem {
  const whole = { delta: 0, deltaSe: 0, upper95: 0 };
  return {
    candidates: [{ weights: 'original', full: whole, variables: [flat('a', 0.05), flat('b', 0)] }],
    allowed: 0.01,
    minimize: 'parameters',
    cost: ({ groups: [a, b] }) => {
      const parameters = 100 * (a.k + b.k);
      return { parameters, macs: parameters, bytes: 4 * parameters };
    },
    measure: async ({ groups: [, b] }) => exactly(0.05 + (b.k < 16 ? 0.1 : 0)),
    tune: async ({ groups: [, b] }) => exactly(b.k < 16 ? 0.1 : 0),
  };
}

function flat(name: string, delta: number): PlanVariable {
  const points = [1, 4, 16, 31, 32].map((k) => ({ k, delta: k < 32 ? delta : 0, deltaSe: 0 }));
  return { name, n: 32, curves: [{ basis: 'tail', kind: 'unit', n: 32, points }] };
}

function exactly(delta: number): JointPoint {
  const rise = { delta, deltaSe: 0, upper95: delta };
  return { steer: rise, bound: { loss: 1, se: 0, metrics: {}, ...rise } };
}
