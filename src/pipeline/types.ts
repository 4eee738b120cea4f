import type { InspectRecord, RetrainRecord, RunRecord, SweepRecord } from '../records/types.js';

/** A data set of one place: see interface.md, Data. `target` names a column or array, or is `self`. */
export interface DataOptions {
  readonly path: string;
  readonly format?: string;
  /** Array or column names per model input, where they differ from the model's. */
  readonly inputs?: readonly string[];
  readonly target?: string;
  readonly scale?: number;
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  /** Shares of train, select, report in percent: [60, 20, 20]. */
  readonly split?: readonly [number, number, number];
  /** Column or array whose equal values stay in one split. */
  readonly groupBy?: string;
}

/** Files of their own per split. */
export interface DataParts {
  readonly train: DataOptions | string;
  readonly select?: DataOptions | string;
  readonly report?: DataOptions | string;
}

/** Everything a run can be told. The CLI and the config file fill in the same record. */
export interface RunOptions {
  readonly model: string;
  readonly data: string | DataOptions | DataParts;
  readonly target?: string;
  readonly scale?: number;
  readonly split?: readonly [number, number, number];
  /** Run folder; default `reports/<model name>`. */
  readonly out?: string;
  readonly force: boolean;
  readonly seed: number;
  readonly backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Default: all cores. */
  readonly threads?: number;
  readonly batchSize: number;
  /** Globs on layer names; empty: every eligible group. */
  readonly layers: readonly string[];
  readonly exclude: readonly string[];
  /** Default: inferred. */
  readonly loss?: string;
  readonly metric?: string;
  readonly sampler: string;
  /** Mean fraction of units dropped, 0..1. */
  readonly p: number;
  readonly kMin: number;
  /** Default: from the truncated draws needed, about 50 n. */
  readonly epochs?: number;
  readonly learningRate: number;
  readonly train: 'all' | 'selected';
  readonly retrain: boolean;
  readonly control: boolean;
  readonly distill: boolean;
  /** Every k. */
  readonly exact: boolean;
  /** About how many log-spaced k above n = 64. */
  readonly grid: number;
  /** Sizes for inputs the model leaves open, batch excluded or included. */
  readonly inputShape?: readonly number[];
}

export const RUN_DEFAULTS = {
  force: false,
  seed: 0,
  backend: 'auto',
  batchSize: 128,
  layers: [],
  exclude: [],
  sampler: 'geometric',
  p: 0.2,
  kMin: 1,
  learningRate: 1e-3,
  train: 'all',
  retrain: true,
  control: true,
  distill: true,
  exact: false,
  grid: 24,
} as const satisfies Partial<RunOptions>;

export type StageName = 'load' | 'retrain' | 'control' | 'sweep' | 'report';

export type RunEvent =
  | { readonly type: 'start'; readonly stage: StageName; readonly detail: string }
  /** 0 <= done <= total, in steps of the stage; the loss where there is one. */
  | {
      readonly type: 'progress';
      readonly stage: StageName;
      readonly done: number;
      readonly total: number;
      readonly loss?: number;
      readonly detail?: string;
    }
  | {
      readonly type: 'end';
      readonly stage: StageName;
      readonly detail: string;
      readonly reused: boolean;
      readonly seconds: number;
    }
  /** What was inferred or done: backend, loss, scaling. */
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'warning'; readonly text: string };

/** What a library must not read for itself: clocks, folders, the machine. */
export interface RunContext {
  readonly cwd: string;
  /** As typed, for run.json and the report. */
  readonly command: string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** ISO time of the start. */
  readonly startedAt: string;
  readonly machine: RunRecord['machine'];
  readonly versions: RunRecord['versions'];
  readonly onEvent: (event: RunEvent) => void;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Absolute path of the run folder. */
  readonly folder: string;
  /** Names of the files written, relative to the folder. */
  readonly files: readonly string[];
  readonly sweep?: SweepRecord;
  readonly retrain?: RetrainRecord;
  readonly run: RunRecord;
}

export type { InspectRecord };

/*
 * Functions of this room, each ONE call behind a command:
 *   runInspect(options: Pick<RunOptions, 'model' | 'inputShape' | 'layers' | 'exclude' …>, context): Promise<InspectRecord>
 *   runRetrain(options: RunOptions, context): Promise<RunResult>      record: result.retrain
 *   runSweep(options: RunOptions, context): Promise<RunResult>        record: result.sweep
 *   runReport(folder: string, context): Promise<RunResult>            renders the records again
 */
