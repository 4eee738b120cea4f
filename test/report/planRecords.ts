import type {
  BudgetInfo,
  CompareRecord,
  CompressRecord,
  Cost,
  HeldOut,
  JointMeasured,
  PlannedGroup,
  PlanRecord,
  SweepRecord,
} from '../../src/records/types.js';
import { comparedGroup, compareRecord, FULL } from './compareRecords.js';
import { ORIGINAL_LOSS, sweepRecord } from './records.js';

/** 1 % of the original's loss, as in every record here unless a test says otherwise. */
export const ONE_PERCENT: BudgetInfo = { kind: 'relative', value: 0.01, allowed: 0.01 * ORIGINAL_LOSS };
const Z = 1.6449;

export function unit(name: string, n: number, k: number, over: Partial<PlannedGroup> = {}): PlannedGroup {
  return { name, n, k, basis: 'tail', kind: 'unit', ...over };
}

export function rank(name: string, n: number, k: number, over: Partial<PlannedGroup> = {}): PlannedGroup {
  return { name, layer: name, n, k, basis: 'kfac', kind: 'rank', ...over };
}

/** The plan of most cases: two ranks and a width. */
export const GROUPS: readonly PlannedGroup[] = [
  rank('dense_1', 64, 20),
  rank('dense_2', 32, 12),
  unit('dense_3', 16, 6),
];

/** `rise` and `bound` in % of the original's loss. */
export interface MadeJoint {
  readonly rise: number;
  readonly bound: number;
  readonly parameters: number;
  readonly groups?: readonly PlannedGroup[];
  readonly tuned?: boolean;
  readonly weights?: JointMeasured['weights'];
}

export function joint(made: MadeJoint): JointMeasured {
  const delta = (made.rise / 100) * ORIGINAL_LOSS;
  const upper95 = (made.bound / 100) * ORIGINAL_LOSS;
  return {
    weights: made.weights ?? 'original',
    groups: made.groups ?? GROUPS,
    loss: ORIGINAL_LOSS + delta,
    se: 0.01,
    metrics: { accuracy: 0.9 - delta / 5 },
    delta,
    deltaSe: (upper95 - delta) / Z,
    upper95,
    predicted: 1.2 * delta,
    tuned: made.tuned ?? false,
    ...costOf(made.parameters),
  };
}

export function costOf(parameters: number): Cost {
  return { parameters, macs: 4 * parameters, bytes: 4 * parameters };
}

/** A two-sided interval is a fifth wider than the one-sided bound. */
export function heldOut(rise: number, bound: number, over: Partial<HeldOut> = {}): HeldOut {
  const delta = (rise / 100) * ORIGINAL_LOSS;
  const upper95 = (bound / 100) * ORIGINAL_LOSS;
  const wide = 1.19 * (upper95 - delta);
  return {
    delta,
    deltaSe: (upper95 - delta) / Z,
    upper95,
    low95: delta - wide,
    high95: delta + wide,
    original: { loss: 0.51, se: 0.01, metrics: { accuracy: 0.895 } },
    planned: { loss: 0.51 + delta, se: 0.01, metrics: { accuracy: 0.894 } },
    verdict: bound <= 1 ? 'confirms' : delta - wide > 0.01 * ORIGINAL_LOSS ? 'contradicts' : 'does not contradict',
    examples: 10_000,
    reads: 1,
    metrics: [{ name: 'accuracy', delta: -0.001, low95: -0.004, high95: 0.002 }],
    ...over,
  };
}

function scaled(f: number): PlannedGroup[] {
  return GROUPS.map((g) => ({ ...g, k: Math.min(g.n, Math.round(f * g.k)) }));
}

/** What was measured on the way to {@link GROUPS}: narrower ones break, wider ones hold. */
function way(): JointMeasured[] {
  return [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.3, 1.6, 2].map((f) => {
    const rise = 0.55 * f ** -4;
    return joint({ rise, bound: rise + 0.32, parameters: Math.round(38_000 * f), groups: scaled(f) });
  });
}

export interface MadePlan extends Partial<Omit<PlanRecord, 'planned'>> {
  /** In % of the original's loss. */
  readonly rise?: number;
  readonly bound?: number;
  readonly parameters?: number;
  readonly tuned?: boolean;
}

/** 62 % fewer parameters for 0.55 % more loss, at most 0.87 %: holds. */
export function planRecord(made: MadePlan = {}): PlanRecord {
  const { rise = 0.55, bound = 0.87, parameters = 37_440, tuned = false, ...over } = made;
  const { schema: _s, groups: _g, original: _o, retrained: _r, control: _c, ...head } = sweepRecord([]);
  const groups = over.groups ?? GROUPS;
  const weights = over.weights ?? 'original';
  const { weights: _w, groups: _j, ...planned } = joint({ rise, bound, parameters, groups, tuned, weights });
  const allowed = over.budget?.allowed ?? ONE_PERCENT.allowed;
  const whole = groups.every((g) => g.k >= g.n);
  return {
    ...head,
    schema: 'tdc/plan',
    model: { ...head.model, ...FULL },
    budget: ONE_PERCENT,
    confidence: 0.95,
    minimize: 'parameters',
    verdict: planned.upper95 <= allowed ? 'holds' : planned.delta <= allowed ? 'not resolved' : 'broken',
    feasible: !whole,
    rows: { steering: 20_000, bounding: 20_000 },
    original: { loss: ORIGINAL_LOSS, se: 0.01, metrics: { accuracy: 0.9 }, ...FULL },
    planned,
    weights,
    groups,
    control: { loss: 0.4985, se: 0.01, metrics: {}, delta: -0.0003, deltaSe: 0.0004, upper95: 0.0004 },
    retrained: { loss: 0.501, se: 0.01, metrics: {}, delta: 0.001, deltaSe: 0.0005, upper95: 0.0018 },
    feasibility: {
      smallest: joint({ rise: 480, bound: 500, parameters: 1_200, groups: groups.map((g) => ({ ...g, k: 1 })) }),
      optimistic: costOf(30_000),
      retrained: { delta: 0.001, deltaSe: 0.0005, upper95: 0.0018 },
      control: { delta: -0.0003, deltaSe: 0.0004, upper95: 0.0004 },
    },
    frontier: [...way(), joint({ rise, bound, parameters, groups, tuned, weights })],
    evaluations: 24,
    skipped: [{ layer: 'logits', reason: 'output layer: its width is the number of classes' }],
    report: heldOut(0.35, 0.79),
    ...over,
  };
}

/** Single curves of the three groups that {@link planRecord} narrows: unit and rank orderings. */
export function planCompare(over: Partial<CompareRecord> = {}): CompareRecord {
  return compareRecord(
    [comparedGroup('dense_1', 64, 1000), comparedGroup('dense_2', 32, 500), comparedGroup('dense_3', 16, 300)],
    over,
  );
}

/** The `tail` curves of the same, as a sweep has them. */
export function planSweep(compare: CompareRecord = planCompare()): SweepRecord {
  const { axis: _, groups, ...rest } = compare;
  return {
    ...rest,
    schema: 'tdc/sweep',
    groups: groups.map(({ kernels: _k, missing: _m, curves, ...g }) => ({
      ...g,
      curves: curves.filter((c) => c.basis === 'tail'),
    })),
  };
}

export function compressRecord(plan: PlanRecord = planRecord(), over: Partial<CompressRecord> = {}): CompressRecord {
  const { schema: _s, groups, weights, original, planned, ...rest } = plan;
  const { model, data, backend, seed, loss, metrics, notes, tool, inputs, version } = rest;
  return {
    schema: 'tdc/compress',
    model,
    data,
    backend,
    seed,
    loss,
    metrics,
    notes,
    tool,
    inputs,
    version,
    plan: inputs,
    weights,
    groups,
    original: {
      ...pick(original),
      fileBytes: 412e3,
    },
    compressed: {
      ...pick(planned),
      fileBytes: 155e3,
    },
    parity: {
      maxAbsDifference: 24e-8,
      maxOutput: 8.5,
      examples: 256,
    },
    ...over,
  };
}

function pick({ parameters, macs, bytes }: Cost): Cost {
  return { parameters, macs, bytes };
}
