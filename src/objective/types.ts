import type { MetricInfo } from '../records/types.js';

export const LOSS_NAMES = [
  'categoricalCrossentropy',
  'binaryCrossentropy',
  'meanSquaredError',
  'meanAbsoluteError',
  'kullbackLeibler',
] as const;
export type LossName = (typeof LOSS_NAMES)[number];

export const METRIC_NAMES = ['accuracy', 'binaryAccuracy', 'topK', 'meanAbsoluteError', 'meanSquaredError'] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/**
 * What a model's final numbers are before the loss: `softmax` scores over the last axis (logits), `sigmoid` one logit a
 * unit, `linear` the values themselves.
 */
export type Link = 'softmax' | 'sigmoid' | 'linear';

/** What is measured: one loss a row, in the loss's own unit, and some metrics. */
export interface Objective {
  readonly loss: LossName;
  readonly unit: string;
  /** The chief metric first. */
  readonly metrics: readonly MetricInfo[];
  readonly link: Link;
  /** The target is the original model's own output. */
  readonly self: boolean;
  /** How it was decided, one sentence each. */
  readonly notes: readonly string[];
}

/** Final numbers of a model for some rows, on the host: [rows, …, units], logits where the link is not linear. */
export interface Outputs {
  readonly values: Float32Array;
  readonly rows: number;
  /** Size of the last axis. */
  readonly units: number;
}
