import type { Cost, Measured, PlanChoice, Rise, WeightsName } from '../records/types.js';

/** A measured single curve as planning sees it: rises over the ORIGINAL model, in the budget's unit, on the steering half. */
export interface CandidateCurve {
  readonly basis: string;
  readonly kind: 'unit' | 'rank';
  /** Rank curves: the kernel. */
  readonly layer?: string;
  /** Unit curves: the units that go are replaced by their mean; goes into the planned group as it is. */
  readonly folded?: boolean;
  /** Full width, or full rank. */
  readonly n: number;
  /** Sorted by k, 1 <= k <= n; the last has k = n, where everything is whole. */
  readonly points: readonly { readonly k: number; readonly delta: number; readonly deltaSe: number }[];
}

/** One width group: any one of its curves may be used, at any k of 1..n (between measured k too), or it stays whole. */
export interface PlanVariable {
  readonly name: string;
  readonly n: number;
  readonly curves: readonly CandidateCurve[];
}

/** One set of weights with its own curves; a plan never mixes sets. */
export interface Candidate {
  readonly weights: WeightsName;
  /** Rise at full width over the original, steering half: the tax (0 for the original's weights). */
  readonly full: Rise;
  readonly variables: readonly PlanVariable[];
}

/** A joint plan as measured on both halves of select. */
export interface JointPoint {
  /** Decides where to look next. */
  readonly steer: Rise;
  /** Judges. */
  readonly bound: Measured & Rise;
}

/** What is minimised; black box: exact for the joint model, whatever is narrowed beside. */
export interface PlanCost extends Cost {
  /** Milliseconds, where latency is minimised. */
  readonly latency?: number;
}

export interface PlanProblem {
  readonly candidates: readonly Candidate[];
  readonly allowed: number;
  readonly minimize: 'parameters' | 'macs' | 'bytes' | 'latency';
  readonly cost: (plan: PlanChoice) => PlanCost;
  readonly measure: (plan: PlanChoice) => Promise<JointPoint>;
  /** Narrows, trains at the widths, measures. Called from wide to narrow; `from` is the tuned plan to start from, where one contains it. */
  readonly tune?: (plan: PlanChoice, from?: PlanChoice) => Promise<JointPoint>;
}
