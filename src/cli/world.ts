import type { DiagnoseOptions } from '../backend/doctor/diagnose.js';
import type { DoctorRecord } from '../backend/doctor/types.js';
import type { RunContext, RunOptions, RunResult } from '../pipeline/types.js';
import type { Inspected } from '../pipeline/index.js';

/** Where text goes: standard output, standard error, or a test's memory. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What `run` reads of the process that it lives in. A test hands in its own. */
export interface World {
  /** Without the executable and the script. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly date: () => Date;
  readonly machine: () => RunContext['machine'];
  /** Of what runs this: "node". */
  readonly versions: Readonly<Record<string, string>>;
  /** Standard error as a stream, where it is a terminal on which a line may move. */
  readonly terminal?: NodeJS.WritableStream;
  /** Calls the listener at the first interrupt; returns what stops listening. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Loads TensorFlow.js, and so only what measures calls it. */
  readonly loadPipeline: () => Promise<Pipeline>;
  readonly loadDoctor: () => Promise<Doctor>;
}

/** The library behind the commands, one function each. */
export interface Pipeline {
  readonly runInspect: (options: Omit<RunOptions, 'data'>, context: RunContext) => Promise<Inspected>;
  readonly runRetrain: (options: RunOptions, context: RunContext) => Promise<RunResult>;
  readonly runSweep: (options: RunOptions, context: RunContext) => Promise<RunResult>;
  readonly runCompare: (options: RunOptions, context: RunContext) => Promise<RunResult>;
  readonly runRecommend: (options: RunOptions, context: RunContext) => Promise<RunResult>;
  readonly runCompress: (options: RunOptions, context: RunContext) => Promise<RunResult>;
  readonly runReport: (folder: string, context: RunContext) => Promise<RunResult>;
}

export interface Doctor {
  readonly diagnose: (options: DiagnoseOptions) => Promise<DoctorRecord>;
}
