import type { CurvePoint } from '../records/types.js';
import type { MeasuringStage } from './measure-stage.js';
import type { TailRanked } from './tail-rank-stage.js';
import type { RunOptions } from './types.js';

/** What a worker is told: first what to work on, then job after job. */
export type ToWorker =
  | {
      readonly kind: 'open';
      readonly options: RunOptions;
      readonly cwd: string;
      readonly stage: MeasuringStage;
      /** Digest of the retraining whose models stand in the run folder; absent: none. */
      readonly retrained?: string;
      readonly hasControl: boolean;
      /** Kernels in two that stand in the run folder. */
      readonly tailRanked: readonly Omit<TailRanked, 'graph'>[];
    }
  | { readonly kind: 'job'; readonly index: number };

export type FromWorker =
  | { readonly kind: 'points'; readonly index: number; readonly points: readonly CurvePoint[] }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly exitCode: number;
      readonly message: string;
      readonly hint?: string;
    };
