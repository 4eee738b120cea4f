import type { BackendName } from '../types.js';

/** What `tdc doctor --json` prints. */
export interface DoctorRecord {
  readonly schema: 'tdc/doctor';
  readonly version: 1;
  readonly tool: string;
  /** In the order in which `auto` tries them. */
  readonly backends: readonly BackendDiagnosis[];
  /** The backend that `auto` takes; null where none starts. */
  readonly chosen: BackendName | null;
}

export interface BackendDiagnosis {
  readonly name: BackendName;
  /** Its packages are found, load, and the backend starts. */
  readonly available: boolean;
  /** "cpu", "gpu" or an adapter's name; null where it is not available. */
  readonly device: string | null;
  readonly variant: string | null;
  readonly threads: number;
  /** Names of the faults of tfjs 4.22 that are mended on it. */
  readonly repairs: readonly string[];
  readonly notes: readonly string[];
  /** Why it is not available, or what is wrong with it; one sentence. */
  readonly reason?: string;
  /** What to do about that. */
  readonly hint?: string;
  /** Gradients against central finite differences; `failures` names those that disagree or throw. */
  readonly gradientCheck: { readonly cases: number; readonly failed: number; readonly failures: readonly string[] };
  /** Speed of a large float32 matMul, in 1e9 multiplications and additions a second; null where it is not available. */
  readonly matmulGflops: number | null;
}
