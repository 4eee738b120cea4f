import type { BackendName } from '../types.js';
import type { BackendDiagnosis } from './types.js';

/** To the process that examines a backend. The first one is the order, the others answer its questions for the time. */
export type ToWorker =
  | { readonly kind: 'examine'; readonly backend: BackendName; readonly threads: number | undefined }
  | { readonly kind: 'time'; readonly now: number };

export type FromWorker = { readonly kind: 'time?' } | { readonly kind: 'done'; readonly diagnosis: BackendDiagnosis };
