import { createRandom, type Random } from '../../src/random/index.js';
import type { PlanChoice, Rise, WeightsName } from '../../src/records/types.js';
import type { Candidate, CandidateCurve, JointPoint, PlanProblem, PlanVariable } from '../../src/recommend/types.js';

/** A made-up truth: what narrowing groups, alone and together, does to the loss, on each half. */
export interface Surface {
  readonly problem: PlanProblem;
  /** Every plan that was measured, in order. */
  readonly measured: PlanChoice[];
  readonly tuned: { readonly plan: PlanChoice; readonly from: PlanChoice | undefined }[];
  readonly truth: (plan: PlanChoice) => { readonly steer: Rise; readonly bound: Rise };
}

export interface SurfaceOptions {
  readonly seed: number;
  /** Full widths. */
  readonly widths: readonly number[];
  /** Edges of the cost: products of the kept widths of two groups; -1: inputs or outputs of the model. */
  readonly edges: readonly (readonly [number, number])[];
  /** Widths that are measured, by group; default: all up to 12, else some 12. */
  readonly grids?: readonly (readonly number[])[];
  readonly bases?: readonly string[];
  readonly ranks?: boolean;
  /** Joint rise over the sum of single rises, 0.3 to 1.5 drawn from the seed where absent. */
  readonly nonAdditivity?: number;
  readonly allowed?: number;
  /** Standard error of a joint rise of the size of the budget. */
  readonly noise?: number;
  readonly weights?: readonly WeightsName[];
  readonly tax?: number;
  /** Factor on all rises; 0: nothing but noise. */
  readonly height?: number;
  /** What tuning leaves of tax and rise; absent: there is no tuning. */
  readonly tuning?: number;
}

const Z = 1.645;
const ENDS = 24;

/** Seeded, smooth but for bumps of some percent, the joint rise `nonAdditivity` times the sum where groups share it equally. */
export function surface(options: SurfaceOptions): Surface {
  const { seed, widths, edges, allowed = 0.01, noise = 0 } = options;
  const random = createRandom(seed);
  const bases = options.bases ?? ['tail'];
  const weights = options.weights ?? ['original'];
  const ratio = options.nonAdditivity ?? 0.3 + 1.2 * random.uniform();
  const shapes = weights.map(() => widths.map(() => bases.map(() => shapeOf(random, allowed))));
  const pairing = widths.map(() => widths.map(() => 0.5 + random.uniform()));
  const salts = { steer: random.integer(2 ** 30), bound: random.integer(2 ** 30), bump: random.integer(2 ** 30) };

  const single = (set: number, group: PlanChoice['groups'][number], i: number): number => {
    if (group.k === group.n) return 0;
    const basis = Math.max(0, bases.indexOf(group.basis));
    return shapes[set][i][basis](group.k / group.n) * (group.kind === 'rank' ? 0.8 : 1);
  };
  const clean = (plan: PlanChoice): number => {
    const set = weights.indexOf(plan.weights);
    const rises = plan.groups.map((group, i) => single(set, group, i));
    const total = rises.reduce((a, b) => a + b, 0);
    let [mixed, strength] = [0, 0];
    rises.forEach((a, i) =>
      rises.slice(0, i).forEach((b, j) => {
        mixed += Math.sqrt(a * b) * pairing[i][j];
        strength += Math.sqrt(a * b);
      }),
    );
    const most = ((widths.length - 1) / 2) * total;
    // strength / most is 1 where all groups give the same, 0 where one alone does
    const factor = most === 0 || strength === 0 ? 1 : 1 + (ratio - 1) * (strength / most) * (mixed / strength);
    const bump = 1 + 0.04 * (hash(salts.bump, keyOf(plan)) - 0.5);
    return total * Math.max(0.2, factor) * bump;
  };
  const half = (plan: PlanChoice, salt: number, left = 1): Rise => {
    const set = weights.indexOf(plan.weights);
    const tax = plan.weights === 'original' ? 0 : left * (options.tax ?? 0);
    const rise = left * (options.height ?? 1) * clean(plan);
    const isWhole = plan.groups.every(({ k, n }) => k === n);
    const spread =
      plan.weights === 'original' && isWhole ? 0 : noise * Math.sqrt(Math.max(0.05, (rise + tax) / allowed));
    // rows are the same for all plans: part of the error is common to all plans of a half, part is the group's, part the plan's
    const groups = plan.groups.map((group, i) => (group.k === group.n ? 0 : gauss(salt, `${set} ${i}`)));
    const shared = groups.reduce((a, b) => a + b, 0) / Math.sqrt(Math.max(1, groups.filter((g) => g !== 0).length));
    const error = isWhole ? gauss(salt, `tax ${set}`) : 0.85 * shared + 0.5 * gauss(salt, keyOf(plan));
    const delta = tax + rise + spread * error;
    return { delta, deltaSe: spread, upper95: delta + Z * spread };
  };
  const truth = (plan: PlanChoice): { steer: Rise; bound: Rise } => ({
    steer: half(plan, salts.steer),
    bound: half(plan, salts.bound),
  });
  const wholeOf = (set: WeightsName): PlanChoice => ({
    weights: set,
    groups: widths.map((n, i) => ({ name: `g${i}`, n, k: n, basis: bases[0], kind: 'unit' })),
  });
  const candidates = weights.map((set): Candidate => {
    const curve = (i: number, basis: string, kind: 'unit' | 'rank'): CandidateCurve => ({
      basis,
      kind,
      ...(kind === 'rank' ? { layer: `g${i}` } : {}),
      n: widths[i],
      points: (options.grids?.[i] ?? gridOf(widths[i])).map((k) => {
        const whole = wholeOf(set);
        const groups = whole.groups.map((group, j) => (i === j ? { ...group, k, basis, kind } : group));
        const { delta, deltaSe } = half(k === widths[i] ? whole : { weights: set, groups }, salts.steer);
        return { k, delta, deltaSe };
      }),
    });
    const variables = widths.map((n, i): PlanVariable => ({
      name: `g${i}`,
      n,
      curves: [
        ...bases.map((basis) => curve(i, basis, 'unit')),
        ...(options.ranks === true ? [curve(i, bases[0], 'rank')] : []),
      ],
    }));
    return { weights: set, full: half(wholeOf(set), salts.steer), variables };
  });

  const measured: PlanChoice[] = [];
  const tuned: { plan: PlanChoice; from: PlanChoice | undefined }[] = [];
  const point = (plan: PlanChoice, left = 1): JointPoint => {
    const [steer, bound] = [half(plan, salts.steer, left), half(plan, salts.bound, left)];
    return { steer, bound: { loss: 1 + bound.delta, se: 0.1, metrics: {}, ...bound } };
  };
  const cost = (plan: PlanChoice) => {
    const kept = (i: number): number =>
      i < 0 ? ENDS : plan.groups[i].kind === 'rank' ? plan.groups[i].n : plan.groups[i].k;
    let parameters = 0;
    for (const [from, to] of edges) {
      const [inputs, outputs] = [kept(from), kept(to)];
      const group = to < 0 ? undefined : plan.groups[to];
      const factored =
        group?.kind === 'rank' && group.k < group.n ? group.k * (inputs + outputs) : Number.POSITIVE_INFINITY;
      parameters += Math.min(inputs * outputs, factored) + outputs;
    }
    return { parameters, macs: parameters, bytes: 4 * parameters };
  };
  const problem: PlanProblem = {
    candidates,
    allowed,
    minimize: 'parameters',
    cost,
    measure: async (plan) => {
      measured.push(plan);
      return point(plan);
    },
    ...(options.tuning === undefined
      ? {}
      : {
          tune: async (plan: PlanChoice, from?: PlanChoice) => {
            tuned.push({ plan, from });
            return point(plan, options.tuning);
          },
        }),
  };
  return { problem, measured, tuned, truth };
}

/** inputs -> 0 -> 1 -> … -> outputs. */
export function chain(groups: number): [number, number][] {
  return Array.from({ length: groups + 1 }, (_, i) => [i - 1, i === groups ? -1 : i]);
}

/** A chain whose first group is read by every other, so that the couplings make rings. */
export function ring(groups: number): [number, number][] {
  return [...chain(groups), ...Array.from({ length: Math.max(0, groups - 2) }, (_, i): [number, number] => [0, i + 2])];
}

export function gridOf(n: number, most = 12): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i + 1);
  return [...new Set(Array.from({ length: most }, (_, i) => Math.round(n ** (i / (most - 1)))))];
}

export function keyOf(plan: PlanChoice): string {
  return plan.weights + plan.groups.map(({ k, n, basis, kind }) => (k === n ? '-' : `${kind}${basis}${k}`)).join(',');
}

/** Falls from some dozen budgets at k = 1 to nothing, at a pace of its own. */
function shapeOf(random: Random, allowed: number): (share: number) => number {
  const height = allowed * 10 ** (0.5 + 1.5 * random.uniform());
  const pace = 2 + 6 * random.uniform();
  return (share) => height * (Math.exp(-pace * share) - Math.exp(-pace)) + 0.02 * height * (1 - share) ** 2;
}

/** 0 to 1, from a text. */
function hash(salt: number, text: string): number {
  let h = salt >>> 0;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
    h = (h ^ (h >>> 13)) >>> 0;
  }
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Standard normal, from a text (Box and Muller). */
function gauss(salt: number, text: string): number {
  const [u, v] = [hash(salt, `${text}u`), hash(salt, `${text}v`)];
  return Math.sqrt(-2 * Math.log(u + 1e-12)) * Math.cos(2 * Math.PI * v);
}
