import type { CurvePoint, WeightsName } from '../records/types.js';

/** A piece of a sweep: one group, one basis, one set of weights, some widths. A pure function of what it names. */
export interface SweepJob {
  readonly weights: WeightsName;
  readonly group: string;
  /** "tail": the units as they stand. */
  readonly basis: string;
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

/** Where the points of finished jobs are kept. */
export interface JobStore {
  /** The points of a job that was finished before; undefined: not yet. */
  get(job: SweepJob): Promise<readonly CurvePoint[] | undefined>;
  /** Keeps the points of a finished job. */
  put(job: SweepJob, points: readonly CurvePoint[]): Promise<void>;
}
