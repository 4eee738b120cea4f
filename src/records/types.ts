/** The JSON between commands. Plain, versioned, without clocks (but run.json and latency.json) and without tensors. */
export * from './plan-types.js';

export interface Cost {
  /** Weights, each counted once. */
  readonly parameters: number;
  /** Multiply-adds of kernels for ONE example; a shared layer counts per call. */
  readonly macs: number;
  /** Bytes of the weights as stored on disk (quantised where the source is). */
  readonly bytes: number;
}

/** A loss with its standard error over examples. */
export interface Measured {
  readonly loss: number;
  readonly se: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Measured and paired, example by example, against the ORIGINAL model. */
export interface PairedMeasured extends Measured {
  /** Mean rise of the loss over the original's, in the loss's unit. */
  readonly delta: number;
  readonly deltaSe: number;
}

export interface BackendInfo {
  readonly name: string;
  /** The device really used: "cpu", "gpu", or an adapter's name. */
  readonly device: string;
  /** Kernel variant, as far as it changes bytes: "relaxed-simd", "simd", "stock", … */
  readonly variant: string;
  readonly threads: number;
}

export interface MetricInfo {
  readonly name: string;
  readonly better: 'higher' | 'lower';
}

/** Why figures are doubtful: the model does no better than a constant answer, or has seen the rows it is judged on. */
export interface Doubt {
  readonly kind: 'constant' | 'seen';
  readonly text: string;
}

export interface RecordHead {
  readonly schema: string;
  readonly version: 1;
  /** "taildropout 0.1.0" */
  readonly tool: string;
  /** Digest of everything this stage depended on: the same digest, the same record. */
  readonly inputs: string;
  /** Digest of the retraining (retrain.json's `inputs`) whose weights were measured; absent: none were. */
  readonly retraining?: string;
  readonly seed: number;
  readonly backend: BackendInfo;
  readonly model: { readonly name: string; readonly digest: string } & Cost;
  readonly data: {
    readonly name: string;
    readonly digest: string;
    readonly examples: { readonly train: number; readonly select: number; readonly report: number };
  };
  readonly loss: { readonly name: string; readonly unit: string };
  readonly metrics: readonly MetricInfo[];
  /** What was inferred or done; one sentence each. */
  readonly notes: readonly string[];
  /** What makes every figure doubtful. Absent: nothing. */
  readonly warnings?: readonly Doubt[];
}

export interface SkippedLayer {
  readonly layer: string;
  readonly reason: string;
}

export interface SamplerInfo {
  readonly name: string;
  readonly p: number;
  readonly kMin: number;
}

export interface EpochRecord {
  readonly epoch: number;
  readonly learningRate: number;
  /** Mean training loss over the epoch (task and distillation, with the drawn k). */
  readonly trainLoss: number;
  /** Expected loss under the sampler on the held-back slice of train (control: full width). */
  readonly expectedLoss: number;
}

export interface RetrainRecord extends RecordHead {
  readonly schema: 'tdc/retrain';
  readonly original: Measured;
  readonly retrained: PairedMeasured;
  readonly control?: PairedMeasured;
  readonly sampler: SamplerInfo;
  readonly train: 'all' | 'selected';
  readonly distill: boolean;
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  /** Expected number of draws below full width, per group, over the whole run. */
  readonly truncatedDraws: number;
  readonly groups: readonly { readonly name: string; readonly n: number; readonly layers: readonly string[] }[];
  readonly skipped: readonly SkippedLayer[];
  readonly history: readonly EpochRecord[];
  readonly controlHistory?: readonly EpochRecord[];
}

export interface CurvePoint extends PairedMeasured, Cost {
  readonly k: number;
}

export type WeightsName = 'original' | 'control' | 'retrained';

export interface Curve {
  /** "tail", "magnitude", "svd", … */
  readonly basis: string;
  readonly kind: 'unit' | 'rank';
  readonly weights: WeightsName;
  /** Rank curves: the kernel that is factored. */
  readonly layer?: string;
  readonly kernelShape?: readonly number[];
  /** Full width, or full rank of the kernel. */
  readonly n: number;
  /** Sorted by k; the last has k = n. */
  readonly points: readonly CurvePoint[];
}

export interface GroupCurves {
  readonly name: string;
  readonly n: number;
  readonly layers: readonly string[];
  readonly tailPoints: readonly string[];
  readonly curves: readonly Curve[];
}

export interface SweepRecord extends RecordHead {
  readonly schema: 'tdc/sweep';
  readonly original: Measured;
  readonly retrained?: PairedMeasured;
  readonly control?: PairedMeasured;
  readonly groups: readonly GroupCurves[];
  readonly skipped: readonly SkippedLayer[];
}

/** One kernel that rank bases factor: its spectrum, and what the usual rules would keep of it. */
export interface KernelSpectrum {
  readonly layer: string;
  readonly kernelShape: readonly number[];
  /** Full rank of the kernel as a matrix [inputs, outputs]. */
  readonly rank: number;
  /** Singular values, falling, `rank` of them. */
  readonly singularValues: readonly number[];
  /** Largest rank at which the layer split in two has fewer parameters than whole; 0: none. */
  readonly breakEven: number;
  /** Heuristics: `energy90`, `energy95`, `energy99`, `stableRank`, `effectiveRank`, … */
  readonly selectors: Readonly<Record<string, number | null>>;
}

export interface ComparedGroup extends GroupCurves {
  /** Kernels whose rank curves stand here: those that make the group's units. */
  readonly kernels: readonly KernelSpectrum[];
  /** Bases that could not be had, with the reason. */
  readonly missing: readonly { readonly basis: string; readonly reason: string }[];
}

export interface CompareRecord extends RecordHead {
  readonly schema: 'tdc/compare';
  readonly original: Measured;
  readonly retrained?: PairedMeasured;
  readonly control?: PairedMeasured;
  /** The axis that `--axis` asked for: parameters, macs, bytes or k. */
  readonly axis: 'parameters' | 'macs' | 'bytes' | 'k';
  /**
   * Width groups in the model's order; the output layer's kernel stands in an entry of its own whose `n` is its number of outputs
   * and whose curves are rank curves only. Unit curves: basis tail | magnitude | taylor | variance | random, for the weights named.
   * Rank curves: svd | svd-spatial | pca | whitened | kfac on the original's weights, tail-rank on weights of its own ("retrained").
   */
  readonly groups: readonly ComparedGroup[];
  readonly skipped: readonly SkippedLayer[];
}

/** The only record with clocks. */
export interface RunRecord {
  readonly schema: 'tdc/run';
  readonly version: 1;
  readonly tool: string;
  /** As typed: "tdc sweep model --data digits.csv". */
  readonly command: string;
  readonly startedAt: string;
  /** Seconds per stage; reused stages are marked. */
  readonly stages: readonly { readonly name: string; readonly seconds: number; readonly reused: boolean }[];
  readonly machine: { readonly os: string; readonly cpu: string; readonly cores: number; readonly memoryBytes: number };
  readonly versions: Readonly<Record<string, string>>;
}

export interface InspectRecord {
  readonly schema: 'tdc/inspect';
  readonly version: 1;
  readonly tool: string;
  readonly seed: number;
  /** Weights are read on it; nothing is measured. */
  readonly backend: BackendInfo;
  readonly model: { readonly name: string; readonly digest: string } & Cost;
  /** Empty: without data nothing is measured. */
  readonly metrics: readonly MetricInfo[];
  readonly layers: readonly {
    readonly name: string;
    readonly className: string;
    readonly outputShape: readonly (number | null)[] | readonly (readonly (number | null)[])[];
    readonly parameters: number;
    readonly macs: number;
  }[];
  readonly groups: readonly {
    readonly name: string;
    readonly n: number;
    readonly layers: readonly string[];
    readonly tailPoints: readonly string[];
    /** Cost of the whole model with this group at 1 and at n, the others full. */
    readonly smallest: Cost;
    readonly full: Cost;
    /** What the last unit costs: the whole model at n less that at n - 1. */
    readonly perUnit: Cost;
  }[];
  /** Every group above at 1: no choice of widths costs less. */
  readonly smallest: Cost;
  readonly skipped: readonly SkippedLayer[];
  readonly repairs: readonly string[];
}
