/** A block of numbers on the host, first axis = examples. */
export interface HostArray {
  /** Sizes, the number of examples first: [N, …]. */
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/** Some examples, ready to be fed: shapes fitted to the model, pixels scaled, targets checked. */
export interface Batch {
  readonly size: number;
  /** One per model input, in the model's order: [size, …]. */
  readonly inputs: readonly HostArray[];
  /** Absent with target `self`. Classes as int32 [size]; one-hot and real targets as float32 [size, …]. */
  readonly target?: HostArray;
}

/** One of train, select, report. Rows are addressed, so that a split need not lie in memory. */
export interface Split {
  /** Number of examples. */
  readonly size: number;
  /** Reads rows (each 0 <= row < size) in the order given. */
  read(rows: Int32Array): Promise<Batch>;
}

export interface Splits {
  /** Empty (size 0) when nothing is retrained and the data was cut 0/50/50. */
  readonly train: Split;
  /** Decides. */
  readonly select: Split;
  /** Read once, at the end. */
  readonly report: Split;
}

/**
 * What the target is: `classes` integer labels [N] (count = number of classes), `onehot` rows over classes,
 * `binary` 0/1 values per output unit, `real` numbers, `self` the original model's own outputs.
 */
export type TargetKind = 'classes' | 'onehot' | 'binary' | 'real' | 'self';

export interface Dataset {
  readonly name: string;
  /** sha256:… of everything that a measurement depends on: contents, scaling, target, split, seed. */
  readonly digest: string;
  readonly splits: Splits;
  readonly target: { readonly kind: TargetKind; readonly classes?: number; readonly labels?: readonly string[] };
  /** What was done to the data, one sentence each, to be printed: "pixels scaled by 1/255", "cut 60/20/20 by seed 0, stratified". */
  readonly notes: readonly string[];
}
