import type { Outlook } from './outlook.js';

export interface RecommendOptions {
  /** Joint measurements of untuned plans, over all sets of weights; at least 1. */
  readonly evaluations: number;
  /** Narrowed models that may be trained at their widths; 0: none. */
  readonly tunings: number;
  /** Of the one-sided bounds that `measure` gives; 0.5 < confidence < 1. */
  readonly confidence: number;
  /** Units (and ranks) are rounded up to multiples of this; the full width is always allowed. */
  readonly roundTo: number;
  /** Fewest units (or ranks) to keep, by group. */
  readonly min: Readonly<Record<string, number>>;
  /** Units to keep exactly, by group. */
  readonly pin: Readonly<Record<string, number>>;
  /** Rows of the bounding half; without them `examplesNeeded` is left out. */
  readonly boundingRows?: number;
  /** Told before the first joint model is measured. */
  readonly onOutlook?: (outlook: Outlook) => void;
  /** `done` of at most `most` joint models are measured. */
  readonly onProgress?: (done: number, most: number, detail: string) => void;
  /** Awaited before each joint model. */
  readonly pause?: () => Promise<void>;
}

export const RECOMMEND_DEFAULTS: RecommendOptions = {
  evaluations: 40,
  tunings: 6,
  confidence: 0.95,
  roundTo: 1,
  min: {},
  pin: {},
};
