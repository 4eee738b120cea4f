/** One fault of tfjs 4.22 and its mending. */
export interface Repair {
  /** For people and records: "average-pool-gradient". */
  readonly name: string;
  /** The fault, in one line. */
  readonly fault: string;
  /** Backends that have it; `all` where it lies in tfjs-core or tfjs-layers. */
  readonly backends: readonly string[] | 'all';
  /** Called once for each of those backends, after the backend is registered. */
  apply(backendName: string): void;
}
