import type {
  BackendInfo,
  Cost,
  GroupCurves,
  Measured,
  PairedMeasured,
  RecordHead,
  SkippedLayer,
  WeightsName,
} from './types.js';

/**
 * Single curves on the steering half of select, of every set of weights that a plan may be made from: what planning starts with. Form as in
 * sweep.json; in the run folder so that another budget need not measure them again.
 */
export interface CandidatesRecord extends RecordHead {
  readonly schema: 'tdc/candidates';
  /** Rows of select's steering half that the curves were measured on. */
  readonly rows?: number;
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
  /** plan.json's `inputs`. */
  readonly plan: string;
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
  /** The same with every group at its least that was timed. */
  readonly smallest: number;
  /** Set by compress: whole models, before and after. */
  readonly models?: { readonly original: number; readonly compressed: number };
}
