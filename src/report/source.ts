import { UsageError } from '../errors.js';
import type {
  CandidatesRecord,
  CompareRecord,
  CompressRecord,
  Curve,
  GroupCurves,
  LatencyRecord,
  Measured,
  PlanRecord,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from '../records/types.js';
import type { MetricScale } from './scale.js';

/** What a report is made of: records only; a sweep, a comparison, a plan, or several of them. */
export interface ReportInput {
  readonly sweep?: SweepRecord;
  /** Without a sweep its curves of the basis `tail` serve the scree panels. */
  readonly compare?: CompareRecord;
  readonly retrain?: RetrainRecord;
  readonly run?: RunRecord;
  /** Leads the report; its budget is the report's. */
  readonly plan?: PlanRecord;
  /** Single curves that the plan was made from: those that neither sweep nor comparison hold. */
  readonly candidates?: CandidatesRecord;
  /** The plan's model on disk. */
  readonly compress?: CompressRecord;
  /** Milliseconds of the original, for a plan that minimises them. */
  readonly latency?: LatencyRecord;
  /** Rise of the loss that is allowed, relative to the original's: 0.01 = 1 %. */
  readonly budget?: number;
}

export const REPORT_DEFAULTS = { budget: 0.01 } as const;

/** The record of a sweep; without one, what a comparison or a plan holds of it. A plan says itself what stays. */
export function sweepFrom({ sweep, compare, plan }: ReportInput): SweepRecord {
  const found = sweep ?? (compare === undefined ? undefined : sweepOf(compare));
  if (plan === undefined) {
    if (found === undefined) {
      throw new UsageError('A report needs the record of a sweep, of a comparison or of a plan; none was given.');
    }
    return found;
  }
  const { model, data, backend, seed, loss, metrics, notes, tool, inputs, skipped, warnings } = plan;
  const head = { model, data, backend, seed, loss, metrics, notes, tool, inputs, skipped, version: 1 } as const;
  return {
    schema: 'tdc/sweep',
    ...head,
    original: plan.original,
    ...(found?.retrained === undefined ? {} : { retrained: found.retrained }),
    ...(found?.control === undefined ? {} : { control: found.control }),
    ...(warnings === undefined ? {} : { warnings }),
    groups: withCandidates(plan, found?.groups ?? []),
  };
}

/** A plan may narrow what no sweep does: the output layer's kernel. */
function withCandidates(plan: PlanRecord, groups: readonly GroupCurves[]): readonly GroupCurves[] {
  const missing = plan.groups.filter((p) => !groups.some((g) => g.name === p.name));
  return [
    ...groups,
    ...missing.map(({ name, n }) => ({ name, n, layers: [name], tailPoints: [], curves: [] as Curve[] })),
  ];
}

/** Only curves that measured the metric, each against the original on its own rows: the records cut select in different ways. */
export function withMetric(input: ReportInput, { key, reference }: MetricScale): ReportInput {
  const { sweep, compare, candidates } = input;
  const kept = <R extends MetricSource>(record: R): R => {
    const own = record.original.metrics[key];
    const groups = record.groups.map((g) => ({
      ...g,
      curves: own === undefined ? [] : g.curves.flatMap((c) => shifted(c, key, reference - own)),
    }));
    return { ...record, groups };
  };
  return {
    ...input,
    ...(sweep === undefined ? {} : { sweep: kept(sweep) }),
    ...(compare === undefined ? {} : { compare: kept(compare) }),
    ...(candidates === undefined ? {} : { candidates: kept(candidates) }),
  };
}

interface MetricSource {
  readonly original: Measured;
  readonly groups: readonly GroupCurves[];
}

/** A curve as if its original scored what the plan's does, so that differences stay; empty where a point lacks the metric. */
function shifted(curve: Curve, key: string, by: number): Curve[] {
  const points = curve.points.flatMap((p) => {
    const value = p.metrics[key];
    return value === undefined ? [] : [{ ...p, metrics: { ...p.metrics, [key]: value + by } }];
  });
  return points.length < curve.points.length ? [] : [{ ...curve, points }];
}

/** The part of a comparison that a sweep would hold. */
function sweepOf(compare: CompareRecord): SweepRecord {
  const { axis: _, ...record } = compare;
  return { ...record, schema: 'tdc/sweep' };
}
