/** Truncated draws wanted per unit of the widest group: fewer leave the tail unordered (README, limits). */
export const DRAWS_PER_UNIT = 50;
/** Below this many optimizer steps a small data set has seen every k, but the weights have hardly moved. */
export const MIN_STEPS = 2000;
export const MAX_EPOCHS = 400;

/** What decides how long a retraining is, for digests: other rules, other weights. */
export const SCHEDULE_RULES = { DRAWS_PER_UNIT, MIN_STEPS, MAX_EPOCHS } as const;

export interface ScheduleOptions {
  /** Training examples per epoch. */
  readonly examples: number;
  readonly batchSize: number;
  /** Width of the widest group. */
  readonly widest: number;
  /** Probability that a draw keeps less than the full width. */
  readonly truncated: number;
  /** Overrides the choice. */
  readonly epochs?: number;
}

export interface Schedule {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Expected number of draws below full width, per group, over the whole run. */
  readonly truncatedDraws: number;
}

/**
 * How long to retrain: until about 50 n draws cut the widest group below its full width, and for no fewer than 2,000 steps.
 * What orders the features is the number of truncated draws, P(k < n) x examples x epochs, whatever p is.
 */
export function schedule(options: ScheduleOptions): Schedule {
  const { examples, batchSize, widest, truncated } = options;
  const stepsPerEpoch = Math.ceil(examples / batchSize);
  const perEpoch = truncated * examples;
  const forDraws = perEpoch > 0 ? Math.ceil((DRAWS_PER_UNIT * widest) / perEpoch) : 1;
  const forSteps = Math.ceil(MIN_STEPS / stepsPerEpoch);
  const epochs = options.epochs ?? Math.min(MAX_EPOCHS, Math.max(forDraws, forSteps));
  return { epochs, stepsPerEpoch, truncatedDraws: perEpoch * epochs };
}

/** Half a cosine from `base` at step 0 to 1 % of it at the last step (Loshchilov and Hutter, 2017, without restarts). */
export function cosineRate(base: number, step: number, steps: number): number {
  const share = steps <= 1 ? 0 : step / (steps - 1);
  return base * (0.01 + 0.99 * 0.5 * (1 + Math.cos(Math.PI * share)));
}
