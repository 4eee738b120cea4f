import * as tf from '@tensorflow/tfjs';

import { TdcError } from '../../errors.js';
import { startBackend } from '../start.js';
import type { BackendName } from '../types.js';
import { GRADIENT_CASES } from './gradient-cases.js';
import { gradientError } from './gradient-check.js';
import type { BackendDiagnosis } from './types.js';

/** float32 rounding and the difference quotient stay under 2e-3; the known faults are off by 5e-2 and more. */
const GRADIENT_TOLERANCE = 1e-2;

export interface ExamineOptions {
  readonly backend: BackendName;
  readonly threads?: number;
  /** Milliseconds on any scale; asynchronous because the clock may be in another process. */
  readonly now: () => Promise<number>;
}

/**
 * Starts one backend in this process and looks whether it computes right and how fast.
 *
 * @returns a diagnosis in any case: what cannot be started is not available, with the reason
 */
export async function examineBackend(options: ExamineOptions): Promise<BackendDiagnosis> {
  const { backend, threads } = options;
  try {
    const started = await startBackend({ backend, ...(threads === undefined ? {} : { threads }) });
    // tfjs hands small tensors to the CPU there, and these are small
    if (backend === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
    const failures = await failedGradients();
    const matmulGflops = await matmulSpeed(options.now);
    await started.dispose();
    return {
      name: backend,
      available: true,
      device: started.info.device,
      variant: started.info.variant,
      threads: started.info.threads,
      repairs: started.repairs,
      notes: started.notes,
      ...(failures.length === 0 ? {} : WRONG_GRADIENTS),
      gradientCheck: { cases: GRADIENT_CASES.length, failed: failures.length, failures },
      matmulGflops,
    };
  } catch (error) {
    return unavailable(
      backend,
      error instanceof Error ? error.message : String(error),
      error instanceof TdcError ? error.hint : undefined,
    );
  }
}

/** The diagnosis of a backend that does not start. */
export function unavailable(name: BackendName, reason: string, hint: string | undefined): BackendDiagnosis {
  return {
    name,
    available: false,
    device: null,
    variant: null,
    threads: 0,
    repairs: [],
    notes: [],
    reason,
    ...(hint === undefined ? {} : { hint }),
    gradientCheck: { cases: 0, failed: 0, failures: [] },
    matmulGflops: null,
  };
}

const WRONG_GRADIENTS = {
  reason: 'Some gradients are wrong on this backend.',
  hint: 'Name another backend; training with wrong gradients gives wrong curves.',
};

async function failedGradients(): Promise<string[]> {
  const failures: string[] = [];
  for (const gradientCase of GRADIENT_CASES) {
    const error = await gradientError(gradientCase, { seed: 1 }).catch(() => Number.POSITIVE_INFINITY);
    if (!(error < GRADIENT_TOLERANCE)) failures.push(gradientCase.name);
  }
  return failures;
}

/** The best of two at 256, which plain JavaScript manages; where that takes less than 30 ms, of five at 1024. */
async function matmulSpeed(now: () => Promise<number>): Promise<number> {
  const small = await bestTime(256, 2, now);
  return small > 30 ? gflops(256, small) : gflops(1024, await bestTime(1024, 5, now));
}

function gflops(n: number, milliseconds: number): number {
  return Number(((2 * n ** 3) / (Math.max(milliseconds, 1e-3) * 1e6)).toPrecision(3));
}

async function bestTime(n: number, repeats: number, now: () => Promise<number>): Promise<number> {
  const a = tf.randomUniform([n, n], -1, 1, 'float32', 1);
  const b = tf.randomUniform([n, n], -1, 1, 'float32', 2);
  const times: number[] = [];
  for (let run = 0; run <= repeats; run++) {
    const before = await now();
    const product = tf.matMul(a, b);
    const corner = tf.slice(product, [0, 0], [1, 1]);
    await corner.data();
    times.push((await now()) - before);
    tf.dispose([product, corner]);
  }
  tf.dispose([a, b]);
  // the first run compiles and allocates
  return Math.min(...times.slice(1));
}
