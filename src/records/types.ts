/** The JSON between commands. Plain, versioned, without clocks (but run.json) and without tensors. */

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

/**
 * Single curves on the steering half of select, of every set of weights that a plan may be made from: what planning starts with. Form as in
 * sweep.json; in the run folder so that another budget need not measure them again.
 */
export interface CandidatesRecord extends RecordHead {
  readonly schema: 'tdc/candidates';
  readonly original: Measured;
  readonly retrained?: PairedMeasured;
  readonly groups: readonly GroupCurves[];
  /** Bases that could not be had, with the reason. */
  readonly missing: readonly { readonly group: string; readonly basis: string; readonly reason: string }[];
}

/** What a joint plan does with one width group: keeps k of its n units, or the rank k of one kernel that makes them. */
export interface PlannedGroup {
  readonly name: string;
  /** Rank choices: the kernel that is factored. */
  readonly layer?: string;
  /** Full width, or full rank of the kernel. */
  readonly n: number;
  /** 1 <= k <= n; at k = n the group (and its kernels) stays whole. */
  readonly k: number;
  readonly basis: string;
  readonly kind: 'unit' | 'rank';
  /** Unit choices: the units that go are replaced by their mean, which the readers' biases take over; else by zero. */
  readonly folded?: boolean;
}

/**
 * A mean rise over the original, paired row by row, with its one-sided bound at the plan's confidence: in the loss's unit, or, for a
 * `metric` budget, in the metric, positive = worse.
 */
export interface Rise {
  readonly delta: number;
  readonly deltaSe: number;
  readonly upper95: number;
}

/** A rise with its two-sided interval at the plan's confidence. */
export interface RiseInterval extends Rise {
  readonly low95: number;
  readonly high95: number;
}

/** What a plan is made from: one set of weights, and one choice for every selected group. */
export interface PlanChoice {
  readonly weights: WeightsName;
  readonly groups: readonly PlannedGroup[];
}

/** A joint plan that was measured, on the bounding half of select. */
export interface JointMeasured extends PlanChoice, Measured, Rise, Cost {
  /** What the single curves add up to, the tax of the weights included; same unit as `delta`. */
  readonly predicted: number;
  /** Whether the narrowed model was trained at its widths before it was measured. */
  readonly tuned: boolean;
  /** With `--minimize latency`: predicted milliseconds for one example. */
  readonly latency?: number;
}

export type BudgetKind = 'relative' | 'abs' | 'metric' | 'explained';

export interface BudgetInfo {
  readonly kind: BudgetKind;
  /** As asked: 0.01 of the original's loss, .005 nats, … */
  readonly value: number;
  /** The rise that is allowed; unit as in {@link Rise}. */
  readonly allowed: number;
}

export type PlanVerdict = 'holds' | 'not resolved' | 'broken';
export type ReportVerdict = 'confirms' | 'does not contradict' | 'contradicts';

/** What the report split says of the plan; read once, at the end. */
export interface HeldOut extends RiseInterval {
  readonly original: Measured;
  readonly planned: Measured;
  readonly verdict: ReportVerdict;
  readonly examples: number;
  /** How often this run folder has read the report split for a plan, this time included. */
  readonly reads: number;
  /** Change of each metric, planned less original, with its two-sided interval. */
  readonly metrics: readonly {
    readonly name: string;
    readonly delta: number;
    readonly low95: number;
    readonly high95: number;
  }[];
  /** The same for the chief metric, per class, where there are at most 20 classes. */
  readonly classes?: readonly {
    readonly label: string;
    readonly examples: number;
    readonly delta: number;
    readonly low95: number;
    readonly high95: number;
  }[];
}

/** The feasibility table, made before the search: what is to be had at all. */
export interface Feasibility {
  /** Every selected group at the least allowed, measured jointly, on the best weights. */
  readonly smallest: JointMeasured;
  /** Cost of the cheapest plan whose single curves add up to no more than the budget: the optimistic end. */
  readonly optimistic: Cost;
  /** Rise of retraining alone and of its control, at full width. */
  readonly retrained?: Rise;
  readonly control?: Rise;
}

export interface PlanRecord extends RecordHead {
  readonly schema: 'tdc/plan';
  readonly budget: BudgetInfo;
  readonly confidence: number;
  readonly minimize: 'parameters' | 'macs' | 'bytes' | 'latency';
  readonly verdict: PlanVerdict;
  /** Some plan that costs less than the original has delta <= allowed. */
  readonly feasible: boolean;
  /** Rows of select that steered the search, and rows that gave every figure below. */
  readonly rows: { readonly steering: number; readonly bounding: number };
  readonly original: Measured & Cost;
  readonly planned: Omit<JointMeasured, keyof PlanChoice>;
  readonly weights: WeightsName;
  readonly groups: readonly PlannedGroup[];
  readonly control?: Measured & Rise;
  readonly retrained?: Measured & Rise;
  readonly feasibility: Feasibility;
  /** The narrower plan whose mean holds, where it is not the planned one. */
  readonly likely?: JointMeasured;
  /** Every joint model measured, in the order of measuring. */
  readonly frontier: readonly JointMeasured[];
  readonly evaluations: number;
  /** Rows of the bounding half that would settle an unresolved plan, if delta stays. */
  readonly examplesNeeded?: number;
  /** Not feasible: the group that costs most where it is narrowed least, and the least budget that a measured narrower plan meets. */
  readonly stopped?: { readonly group: string; readonly budget: number };
  readonly tuning?: { readonly epochs: number; readonly learningRate: number; readonly tried: number };
  /** Another run's plan, for comparison. */
  readonly baseline?: {
    readonly name: string;
    readonly verdict: PlanVerdict;
    readonly budget: BudgetInfo;
    readonly groups: readonly PlannedGroup[];
    readonly planned: Omit<JointMeasured, keyof PlanChoice>;
  };
  readonly skipped: readonly SkippedLayer[];
  readonly report: HeldOut;
}

export interface CompressRecord extends RecordHead {
  readonly schema: 'tdc/compress';
  readonly weights: WeightsName;
  readonly groups: readonly PlannedGroup[];
  /** `fileBytes`: the manifest and its shards on disk. */
  readonly original: Cost & { readonly fileBytes: number };
  readonly compressed: Cost & { readonly fileBytes: number };
  /** The larger of both checks: narrowed against masked, and reloaded against in memory. */
  readonly parity: { readonly maxAbsDifference: number; readonly maxOutput: number; readonly examples: number };
  /** What storing the weights as the source did (uint8, uint16, float16) adds to the loss, on the bounding half of select. */
  readonly quantisation?: { readonly dtype: string } & Rise;
  /** Whether the weights are those that were trained at the plan's widths. */
  readonly tuned?: boolean;
  readonly batchNorm?: 'kept' | 're-estimated';
}

/** Milliseconds, measured: the only record beside run.json that a clock went into. */
export interface LatencyRecord {
  readonly schema: 'tdc/latency';
  readonly version: 1;
  readonly tool: string;
  readonly inputs: string;
  readonly backend: BackendInfo;
  readonly batch: number;
  /** Median of one example's forward pass with one group at k, the others full. */
  readonly groups: readonly {
    readonly name: string;
    readonly points: readonly { readonly k: number; readonly ms: number }[];
  }[];
  readonly full: number;
  /** Set by compress: whole models, before and after. */
  readonly models?: { readonly original: number; readonly compressed: number };
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
  readonly model: { readonly name: string; readonly digest: string } & Cost;
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
  /** Every group at 1: no choice of widths costs less. */
  readonly smallest: Cost;
  readonly skipped: readonly SkippedLayer[];
  readonly repairs: readonly string[];
}
