import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import { TdcError } from '../errors.js';
import type { CurvePoint } from '../records/types.js';
import type { JobFarm } from '../sweep/jobs.js';
import type { MeasuringStage } from './measure-stage.js';
import type { Retrained } from './retrain-stage.js';
import type { Session } from './session.js';
import type { TailRanked } from './tail-rank-stage.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export interface Farm extends JobFarm {
  /** Ends the processes. */
  close(): void;
}

/**
 * Starts `--workers` processes that each load the same model and data and run the jobs they are given. A job is a pure function
 * of what it names, so who runs it does not matter.
 */
export function startFarm(
  session: Session,
  stage: MeasuringStage,
  made: Retrained | undefined,
  tailRanked: readonly TailRanked[],
): Farm {
  const { options, context } = session;
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / options.workers));
  const open: ToWorker = {
    kind: 'open',
    // what a worker measures is decided; where it would write does not matter to it
    options: {
      ...options,
      backend: session.backend.info.name as typeof options.backend,
      threads,
      workers: 1,
      out: session.folder,
      force: true,
    },
    cwd: context.cwd,
    stage,
    ...(made === undefined ? {} : { retrained: made.record.inputs }),
    hasControl: made?.control !== undefined,
    tailRanked: tailRanked.map(({ layer, group, folder, inputs }) => ({ layer, group, folder, inputs })),
  };
  const workers = new Set(Array.from({ length: options.workers }, () => startWorker(open)));
  const idle = [...workers];
  const abort = abortOf(context.signal);
  const replace = (worker: Worker, why: LostWorker): void => {
    workers.delete(worker);
    context.onEvent({ type: 'warning', text: `${why.message} Another one takes its place.` });
    const other = startWorker(open);
    workers.add(other);
    idle.push(other);
  };
  const run = async (index: number, left = MOST_LOST): Promise<readonly CurvePoint[]> => {
    const worker = idle.pop()!;
    try {
      const points = await Promise.race([worker.run(index), abort.promise]);
      idle.push(worker);
      return points;
    } catch (error) {
      if (!(error instanceof LostWorker)) throw error;
      if (left === 0) throw tooManyLost(error);
      replace(worker, error);
      return run(index, left - 1);
    }
  };
  return {
    size: options.workers,
    run: (index) => run(index),
    close: () => {
      abort.forget();
      for (const { child } of workers) child.kill();
    },
  };
}

/** Processes that one job may cost beside its first: what kills it again and again is not chance. */
const MOST_LOST = 2;

/** A process that is gone before its job was done. */
class LostWorker extends Error {}

/** What is finished is kept, so this is no error of the input. */
function tooManyLost(cause: LostWorker): TdcError {
  const times = MOST_LOST + 1;
  return new TdcError('unexpected', 1, `${cause.message} The same job lost ${times} workers.`, {
    hint: 'Memory may have run out: try fewer --workers or less --memory. What is finished is kept.',
    cause,
  });
}

/** Never answers; ends with the signal. One listener for all jobs. */
function abortOf(signal: AbortSignal | undefined): { readonly promise: Promise<never>; forget(): void } {
  const told = new AbortController();
  const promise = new Promise<never>((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason as Error);
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: told.signal });
  });
  // nobody may be waiting for it
  promise.catch(() => {});
  return { promise, forget: () => told.abort() };
}

interface Worker {
  readonly child: ChildProcess;
  run(index: number): Promise<readonly CurvePoint[]>;
}

function startWorker(open: ToWorker): Worker {
  const fromSource = import.meta.url.endsWith('.ts');
  const child = fork(fileURLToPath(new URL(fromSource ? './worker.ts' : './worker.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: fromSource ? ['--import', import.meta.resolve('jiti/register')] : [],
  });
  const lost = new Promise<never>((_, reject) => {
    child.on('error', (cause) => reject(new LostWorker(`A worker failed: ${cause.message}.`, { cause })));
    child.on('exit', (code, signal) => {
      reject(new LostWorker(`A worker process ended with ${signal ?? `code ${code}`} before its job was done.`));
    });
  });
  // a worker may end when nobody waits for it
  lost.catch(() => {});
  child.send(open, () => {});
  return { child, run: (index) => Promise.race([lost, askFor(child, index)]) };
}

function askFor(child: ChildProcess, index: number): Promise<readonly CurvePoint[]> {
  return new Promise((resolve, reject) => {
    const hear = (message: FromWorker): void => {
      if (message.kind === 'points' && message.index !== index) return;
      child.off('message', hear);
      if (message.kind === 'points') resolve(message.points);
      else reject(errorOf(message));
    };
    child.on('message', hear);
    child.send({ kind: 'job', index } satisfies ToWorker, () => {});
  });
}

/** What a worker refused is refused here in the same words; anything else is a bug. */
function errorOf({ code, exitCode, message, hint }: FromWorker & { kind: 'failed' }): Error {
  if (code === 'unexpected') return new Error(`A worker failed: ${message}`);
  return new TdcError(code, exitCode, message, hint === undefined ? {} : { hint });
}
