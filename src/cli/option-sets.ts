import type { OptionName } from './options.js';

type Names = readonly OptionName[];

/** Of every command that keeps a run folder. */
export const SHARED_OPTIONS = ['config', 'out', 'force', 'seed', 'json', 'quiet'] as const satisfies Names;

export const GROUP_OPTIONS = ['layers', 'exclude', 'input-shape'] as const satisfies Names;

export const MEASURE_OPTIONS = [
  'data',
  'target',
  'scale',
  'split',
  'examples',
  'backend',
  'threads',
  'workers',
  'batch-size',
  'memory',
  'loss',
  'metric',
] as const satisfies Names;

export const RETRAIN_OPTIONS = [
  ...MEASURE_OPTIONS,
  ...GROUP_OPTIONS,
  'sampler',
  'p',
  'k-min',
  'epochs',
  'learning-rate',
  'train',
  'no-control',
  'no-distill',
] as const satisfies Names;

export const SWEEP_OPTIONS = [
  ...RETRAIN_OPTIONS,
  'no-retrain',
  'exact',
  'grid',
  'bases',
  'mode',
] as const satisfies Names;

export const PLAN_OPTIONS = [
  'budget',
  'minimize',
  'confidence',
  'tune',
  'round-to',
  'min',
  'pin',
  'baseline',
  'strict',
  ...SWEEP_OPTIONS,
] as const satisfies Names;
