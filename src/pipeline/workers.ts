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
  const workers = Array.from({ length: options.workers }, () => startWorker(open));
  const idle = [...workers];
  return {
    size: workers.length,
    run: async (index) => {
      const worker = idle.pop()!;
      try {
        return await Promise.race([worker.run(index), aborted(context.signal)]);
      } finally {
        idle.push(worker);
      }
    },
    close: () => workers.forEach((worker) => worker.child.kill()),
  };
}

/** Never answers; ends with the signal. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
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
    child.on('error', (cause) => reject(new Error(`A worker failed: ${cause.message}.`, { cause })));
    child.on('exit', (code) => reject(new Error(`A worker ended with ${code ?? 'a signal'} before its job was done.`)));
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
