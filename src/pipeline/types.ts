import type { DataSpec } from '../data/spec.js';
import type {
  CandidatesRecord,
  CompareRecord,
  CompressRecord,
  InspectRecord,
  LatencyRecord,
  PlanRecord,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from '../records/types.js';

/** Everything a run can be told. The CLI and the config file fill in the same record. */
export interface RunOptions {
  readonly model: string;
  /** A path, or an object: `dataSpecSchema` in src/data says what it may hold. */
  readonly data: DataSpec;
  readonly target?: string;
  readonly scale?: number;
  /** `60/20/20` or [60, 20, 20]: shares of train, select, report. */
  readonly split?: string | readonly number[];
  /** Most examples of a split, drawn by the seed; default all. */
  readonly examples?: number;
  /** Run folder; default `reports/<model name>`. */
  readonly out?: string;
  readonly force: boolean;
  readonly seed: number;
  readonly backend: 'auto' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';
  /** Default: all cores. */
  readonly threads?: number;
  /** Processes that share a sweep's jobs; the bytes are those of one. */
  readonly workers: number;
  readonly batchSize: number;
  /** Bytes that the tensors of a sweep may take, beside the model and the data. */
  readonly memory: number;
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
  /** Bases to measure; default: `tail` for a sweep, all for a comparison. */
  readonly bases?: readonly string[];
  /** Bases that remove units, bases that factor kernels, or both. */
  readonly mode: 'unit' | 'rank' | 'both';
  /** What the orderings are compared by. */
  readonly axis: 'parameters' | 'macs' | 'bytes' | 'k';
  /** Rise of the loss that a plan may cost: 0.01, `1%`, `abs:0.005`, `metric:0.005`, `explained:0.02`. Default: 0.01, with target self explained:0.01. */
  readonly budget?: string | number;
  /** What a plan makes small. */
  readonly minimize: 'parameters' | 'macs' | 'bytes' | 'latency';
  /** Of every bound and interval, 0.5..1. */
  readonly confidence: number;
  /** Epochs of training at the planned widths; 0: none. Default: from the steps needed, where there are train rows. */
  readonly tune?: number;
  /** Kept units are multiples of this, or all. */
  readonly roundTo: number;
  /** Least units kept, by group. */
  readonly min: Readonly<Record<string, number>>;
  /** Units kept, by group: these and no others. */
  readonly pin: Readonly<Record<string, number>>;
  /** Run folder or plan.json of another run, to compare with. */
  readonly baseline?: string;
  /** A plan that is not shown to hold fails the gate too. */
  readonly strict: boolean;
  /** Compressing takes the statistics of BatchNormalization anew, from train rows, where the plan was not tuned. */
  readonly estimateBatchNorm: boolean;
  /** Sizes for the first input where the model leaves them open, with or without the batch. */
  readonly inputShape?: readonly number[];
}

export const RUN_DEFAULTS = {
  force: false,
  seed: 0,
  backend: 'auto',
  workers: 1,
  batchSize: 128,
  memory: 2 ** 31,
  layers: [],
  exclude: [],
  sampler: 'geometric',
  p: 0.2,
  kMin: 1,
  learningRate: 2e-3,
  train: 'all',
  retrain: true,
  control: true,
  distill: true,
  exact: false,
  grid: 24,
  mode: 'both',
  axis: 'parameters',
  minimize: 'parameters',
  confidence: 0.95,
  roundTo: 1,
  min: {},
  pin: {},
  strict: false,
  estimateBatchNorm: false,
} as const satisfies Partial<RunOptions>;

export type StageName =
  | 'load'
  | 'retrain'
  | 'control'
  | 'tail-rank'
  | 'sweep'
  | 'compare'
  | 'candidates'
  | 'latency'
  | 'recommend'
  | 'compress'
  | 'report';

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
  readonly compare?: CompareRecord;
  readonly retrain?: RetrainRecord;
  readonly plan?: PlanRecord;
  /** Single curves that the plan was made from. */
  readonly candidates?: CandidatesRecord;
  readonly compress?: CompressRecord;
  readonly latency?: LatencyRecord;
  /** Why a gate fails (exit code 5), though all was done and written. */
  readonly gate?: string;
  readonly run: RunRecord;
}

export type { InspectRecord };

/** What a program must say; the rest has defaults. */
export type RunInput = Partial<RunOptions> & Pick<RunOptions, 'model' | 'data'>;

/** Fills in what a caller leaves out: no clock, no machine, nobody who listens. */
export function fullContext(context: Partial<RunContext>): RunContext {
  return {
    cwd: '.',
    command: '',
    now: () => 0,
    startedAt: '',
    machine: { os: '', cpu: '', cores: 0, memoryBytes: 0 },
    versions: {},
    onEvent: () => {},
    ...context,
  };
}
