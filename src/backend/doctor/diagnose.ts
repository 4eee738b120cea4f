import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { BACKEND_NAMES } from '../types.js';
import type { BackendName } from '../types.js';
import { SOFTWARE_VARIANT } from '../webgpu/index.js';
import { unavailable } from './examine.js';
import type { FromWorker, ToWorker } from './messages.js';
import type { BackendDiagnosis, DoctorRecord } from './types.js';

export interface DiagnoseOptions {
  /** "taildropout 0.1.0" */
  readonly tool: string;
  /** A clock in milliseconds, for the matMul figure. */
  readonly now: () => number;
  /** Which to examine; default: all. */
  readonly backends?: readonly BackendName[];
  /** Threads for wasm; default all cores. */
  readonly threads?: number;
  /** A backend that has not answered after so many milliseconds is not available. */
  readonly timeoutMs?: number;
  /** Called before each backend. */
  readonly onBackend?: (name: BackendName) => void;
}

export const DIAGNOSE_DEFAULTS = { timeoutMs: 120_000 } as const;

/**
 * Examines every backend, one after the other, each in a process of its own: whether it starts and why not, the device
 * really used, the repairs in force, its gradients against finite differences, the speed of a matMul.
 */
export async function diagnose(options: DiagnoseOptions): Promise<DoctorRecord> {
  const backends: BackendDiagnosis[] = [];
  for (const name of options.backends ?? BACKEND_NAMES) {
    options.onBackend?.(name);
    backends.push(await examineInProcess(name, options));
  }
  const chosen = backends.find(({ available, variant }) => available && variant !== SOFTWARE_VARIANT);
  return { schema: 'tdc/doctor', version: 1, tool: options.tool, backends, chosen: chosen?.name ?? null };
}

async function examineInProcess(name: BackendName, options: DiagnoseOptions): Promise<BackendDiagnosis> {
  const worker = startWorker();
  const timeoutMs = options.timeoutMs ?? DIAGNOSE_DEFAULTS.timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<BackendDiagnosis>((resolve, reject) => {
      timer = setTimeout(() => {
        resolve(unavailable(name, `It gave no answer within ${timeoutMs / 1000} s.`, AVOID));
      }, timeoutMs);
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'done') resolve(message.diagnosis);
        else worker.send({ kind: 'time', now: options.now() } satisfies ToWorker);
      });
      worker.on('error', reject);
      worker.on('exit', (code, signal) => {
        const end = signal === null ? `exit code ${code}` : signal;
        resolve(unavailable(name, `Its native code crashed (${end}).`, AVOID));
      });
      worker.send({ kind: 'examine', backend: name, threads: options.threads } satisfies ToWorker);
    });
  } finally {
    clearTimeout(timer);
    worker.kill('SIGKILL');
  }
}

const AVOID = 'Name another backend, and remove that package if auto would take it.';

/** Run from source (in tests), the worker is TypeScript too, which Node 20 does not load by itself. */
function startWorker(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(fromSource ? './worker.ts' : './worker.js', import.meta.url));
  return fork(file, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: fromSource ? ['--import', import.meta.resolve('jiti/register')] : [],
  });
}
