import type * as tf from '@tensorflow/tfjs';

import type { BackendInfo } from '../records/types.js';

export type BackendName = 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';

/** In the order in which `auto` tries them. */
export const BACKEND_NAMES: readonly BackendName[] = ['tensorflow', 'webgpu', 'wasm', 'cpu'];

export interface BackendOptions {
  /** `auto` takes the first of tensorflow, webgpu (a real GPU only), wasm and cpu that loads. */
  readonly backend: BackendName | 'auto';
  /** Threads for wasm, 1 or more; default all cores. The other backends decide themselves. */
  readonly threads?: number;
}

/** An optimizer whose learning rate can follow a schedule. The formula is that of `tf.train.adam`. */
export interface AdamLike extends tf.Optimizer {
  /** From the next step on; > 0. */
  setLearningRate(learningRate: number): void;
}

export interface StartedBackend {
  readonly info: BackendInfo;
  /** What a person should know, one sentence each: "relaxed SIMD is not available here". */
  readonly notes: readonly string[];
  /** Names of the faults of tfjs 4.22 that are mended on this backend. */
  readonly repairs: readonly string[];
  /** Gives back workers and devices. Tensors of the backend are lost. */
  readonly dispose: () => Promise<void>;
  /** The fastest right Adam here (beta1 0.9, beta2 0.999, epsilon 1e-7). The caller disposes it. */
  readonly createAdam: (learningRate: number) => AdamLike;
}
