import type { RankBasis, UnitBasis } from '../bases/index.js';
import type { ModelGraph } from '../graph/types.js';
import type { Cost, CurvePoint, WeightsName } from '../records/types.js';

/** The first units of a group, in the order of a basis. */
export interface KeptUnits {
  readonly units: UnitBasis;
  /** The group of the curve's graph. */
  readonly of: string;
  /** Per tail point of the group, in its order, [n]: what stands for a unit that goes, as `foldConstantUnits` does it; default: zero. */
  readonly constants?: readonly Float32Array[];
}

/** A curve to be measured: a group or a kernel of some model, in the order of a basis. */
export interface CurveSpec {
  /** The record's group that the curve stands in. */
  readonly group: string;
  /** As the record names it. */
  readonly basis: string;
  readonly weights: WeightsName;
  readonly graph: ModelGraph;
  /** What is kept: units of a group of `graph`, or directions of one of its kernels. */
  readonly keeps: KeptUnits | { readonly directions: RankBasis };
  /** The kernel, for a rank curve. */
  readonly kernel?: { readonly layer: string; readonly kernelShape: readonly number[] };
  /** Full width or rank. */
  readonly n: number;
  /** Cost of the whole model with this group or kernel at k and everything else full. */
  readonly cost: (k: number) => Cost;
}

/** A piece of a sweep: one curve, some widths. A pure function of what it names. */
export interface SweepJob {
  readonly weights: WeightsName;
  readonly group: string;
  readonly basis: string;
  /** The kernel, for a rank curve. */
  readonly layer?: string;
  /** Ascending. */
  readonly ks: readonly number[];
}

/** Widths a job measures at most: what is lost when a run is killed. */
export const MOST_WIDTHS = 64;

/** Cuts widths into jobs. */
export function cutWidths(ks: readonly number[]): readonly (readonly number[])[] {
  const parts: (readonly number[])[] = [];
  for (let start = 0; start < ks.length; start += MOST_WIDTHS) parts.push(ks.slice(start, start + MOST_WIDTHS));
  return parts;
}

/** The job of some widths of a curve. */
export function jobOf({ weights, group, basis, kernel }: CurveSpec, ks: readonly number[]): SweepJob {
  return { weights, group, basis, ...(kernel === undefined ? {} : { layer: kernel.layer }), ks };
}

/** Where the points of finished jobs are kept. */
export interface JobStore {
  /** The points of a job that was finished before; undefined: not yet. */
  get(job: SweepJob): Promise<readonly CurvePoint[] | undefined>;
  /** Keeps the points of a finished job. */
  put(job: SweepJob, points: readonly CurvePoint[]): Promise<void>;
}

/** Runs jobs in other processes. */
export interface JobFarm {
  /** How many jobs run at a time. */
  readonly size: number;
  /** @param index of the job in the sweep's list */
  run(index: number, job: SweepJob): Promise<readonly CurvePoint[]>;
}
