import { RUN_DEFAULTS, type RunOptions } from '../pipeline/types.js';

/** Options of the command line that no configuration file holds. */
export interface CliOptions {
  /** Configuration file. */
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** File to draw the graph into. */
  readonly svg?: string;
}

/** What one place (flags, environment, file) says; absent: it says nothing. */
export type Given = Partial<RunOptions> & CliOptions;

/**
 * How the text of a flag or variable becomes a value: `list` is cut at commas, `numbers` too,
 * `widths` is a list of NAME=K, `size` is a number of bytes such as 2GiB, `switch` is true or false, `off` is a switch that sets its key to the opposite.
 */
export type OptionKind = 'text' | 'number' | 'size' | 'list' | 'numbers' | 'widths' | 'switch' | 'off';

export interface OptionSpec {
  readonly key: keyof Given;
  readonly kind: OptionKind;
  readonly describe: string;
  readonly group: 'Input' | 'Plan' | 'Measuring' | 'Retraining' | 'Sweep' | 'Everywhere';
  /** Shown in the help where there is no constant to show. */
  readonly standard?: string;
  readonly choices?: readonly string[];
}

const D = RUN_DEFAULTS;

/** Every option, by its name on the command line. */
export const OPTIONS = {
  data: {
    key: 'data',
    kind: 'text',
    group: 'Input',
    describe: 'Data set: a .csv, .npz, .npy or idx file (.gz too), or a folder of idx files',
  },
  target: {
    key: 'target',
    kind: 'text',
    group: 'Input',
    describe: 'Column or array to predict, or "self": the original outputs',
    standard: 'the last column, or y',
  },
  scale: {
    key: 'scale',
    kind: 'number',
    group: 'Input',
    describe: 'Factor on the inputs, such as 1/255',
    standard: '1/255 for uint8 pixels',
  },
  split: {
    key: 'split',
    kind: 'text',
    group: 'Input',
    describe: 'Percent of train/select/report',
    standard: '60/20/20',
  },
  examples: {
    key: 'examples',
    kind: 'number',
    group: 'Input',
    describe: 'Most examples of a split, drawn by the seed: a faster first answer',
    standard: 'all',
  },
  'input-shape': {
    key: 'inputShape',
    kind: 'numbers',
    group: 'Input',
    describe: 'Sizes where the model leaves one open, such as 1,64',
    standard: 'from the data',
  },
  layers: {
    key: 'layers',
    kind: 'list',
    group: 'Input',
    describe: 'Only width groups with these layers (globs, commas)',
    standard: 'every eligible group',
  },
  exclude: {
    key: 'exclude',
    kind: 'list',
    group: 'Input',
    describe: 'No width groups with these layers (globs, commas)',
  },

  backend: {
    key: 'backend',
    kind: 'text',
    group: 'Measuring',
    describe: 'TensorFlow.js backend',
    standard: D.backend,
    choices: ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'],
  },
  threads: {
    key: 'threads',
    kind: 'number',
    group: 'Measuring',
    describe: 'Threads of the backend',
    standard: 'all cores',
  },
  workers: {
    key: 'workers',
    kind: 'number',
    group: 'Measuring',
    describe: 'Processes that share the sweep',
    standard: String(D.workers),
  },
  'batch-size': {
    key: 'batchSize',
    kind: 'number',
    group: 'Measuring',
    describe: 'Examples per step',
    standard: String(D.batchSize),
  },
  memory: {
    key: 'memory',
    kind: 'size',
    group: 'Measuring',
    describe: 'What tensors may take, beside model and data',
    standard: '2GiB',
  },
  loss: { key: 'loss', kind: 'text', group: 'Measuring', describe: 'Loss to measure', standard: 'inferred' },
  metric: {
    key: 'metric',
    kind: 'text',
    group: 'Measuring',
    describe: 'Metric to measure beside the loss',
    standard: 'inferred',
  },

  sampler: {
    key: 'sampler',
    kind: 'text',
    group: 'Retraining',
    describe: 'Law of the random width',
    standard: D.sampler,
  },
  p: {
    key: 'p',
    kind: 'number',
    group: 'Retraining',
    describe: 'Mean fraction of units dropped, 0 to 1',
    standard: String(D.p),
  },
  'k-min': {
    key: 'kMin',
    kind: 'number',
    group: 'Retraining',
    describe: 'Fewest units kept',
    standard: String(D.kMin),
  },
  epochs: {
    key: 'epochs',
    kind: 'number',
    group: 'Retraining',
    describe: 'Passes over train',
    standard: 'from the draws needed',
  },
  'learning-rate': {
    key: 'learningRate',
    kind: 'number',
    group: 'Retraining',
    describe: 'Of Adam, before its cosine decay',
    standard: String(D.learningRate),
  },
  train: {
    key: 'train',
    kind: 'text',
    group: 'Retraining',
    describe: 'Which weights train',
    standard: D.train,
    choices: ['all', 'selected'],
  },
  'no-retrain': { key: 'retrain', kind: 'off', group: 'Retraining', describe: 'Measure the weights as they are' },
  'no-control': {
    key: 'control',
    kind: 'off',
    group: 'Retraining',
    describe: 'No second retraining without TailDropout',
  },
  'no-distill': {
    key: 'distill',
    kind: 'off',
    group: 'Retraining',
    describe: 'Task loss only, nothing from the original outputs',
  },

  exact: { key: 'exact', kind: 'switch', group: 'Sweep', describe: 'Every width k, however wide the layer' },
  grid: {
    key: 'grid',
    kind: 'number',
    group: 'Sweep',
    describe: 'About how many widths k above n = 64',
    standard: String(D.grid),
  },
  bases: {
    key: 'bases',
    kind: 'list',
    group: 'Sweep',
    describe: 'Orderings to measure: tail, magnitude, svd, …',
    standard: 'sweep: tail; compare-svd: all; plans: tail,magnitude,svd,whitened,kfac',
  },
  mode: {
    key: 'mode',
    kind: 'text',
    group: 'Sweep',
    describe: 'Orderings that remove units, that factor kernels, or both',
    standard: D.mode,
    choices: ['unit', 'rank', 'both'],
  },
  axis: {
    key: 'axis',
    kind: 'text',
    group: 'Sweep',
    describe: 'What the orderings are compared by',
    standard: D.axis,
    choices: ['parameters', 'macs', 'bytes', 'k'],
  },

  budget: {
    key: 'budget',
    kind: 'text',
    group: 'Plan',
    describe: 'Rise of the loss allowed: 0.01 or 1%, abs:0.005, metric:0.005, explained:0.02',
    standard: '0.01',
  },
  minimize: {
    key: 'minimize',
    kind: 'text',
    group: 'Plan',
    describe: 'What the plan makes small',
    standard: D.minimize,
    choices: ['parameters', 'macs', 'bytes', 'latency'],
  },
  confidence: {
    key: 'confidence',
    kind: 'number',
    group: 'Plan',
    describe: 'Of every bound and interval',
    standard: String(D.confidence),
  },
  tune: {
    key: 'tune',
    kind: 'number',
    group: 'Plan',
    describe: 'Epochs of training at the planned widths, 0: none',
    standard: 'from the steps needed',
  },
  'round-to': {
    key: 'roundTo',
    kind: 'number',
    group: 'Plan',
    describe: 'Kept units are multiples of this, or all',
    standard: String(D.roundTo),
  },
  min: { key: 'min', kind: 'widths', group: 'Plan', describe: 'Least units kept, NAME=K,NAME=K' },
  pin: { key: 'pin', kind: 'widths', group: 'Plan', describe: 'Units kept, neither more nor less, NAME=K' },
  baseline: {
    key: 'baseline',
    kind: 'text',
    group: 'Plan',
    describe: "Another run's folder or plan.json, to compare with",
  },
  strict: {
    key: 'strict',
    kind: 'switch',
    group: 'Plan',
    describe: 'Exit 5 unless the plan is shown to hold',
  },

  'estimate-batch-norm': {
    key: 'estimateBatchNorm',
    kind: 'switch',
    group: 'Plan',
    describe: 'Statistics of BatchNormalization anew, from train rows',
  },

  config: {
    key: 'config',
    kind: 'text',
    group: 'Everywhere',
    describe: 'Configuration file',
    standard: 'tdc.config.*',
  },
  out: { key: 'out', kind: 'text', group: 'Everywhere', describe: 'Run folder', standard: 'reports/<model name>' },
  force: { key: 'force', kind: 'switch', group: 'Everywhere', describe: 'Write over what stands in the way' },
  seed: {
    key: 'seed',
    kind: 'number',
    group: 'Everywhere',
    describe: 'Seed of the split and of every draw',
    standard: String(D.seed),
  },
  json: { key: 'json', kind: 'switch', group: 'Everywhere', describe: 'Print the record as one JSON document' },
  svg: {
    key: 'svg',
    kind: 'text',
    group: 'Everywhere',
    describe: 'Draw the graph with its groups in colour into this file',
  },
  quiet: { key: 'quiet', kind: 'switch', group: 'Everywhere', describe: 'No progress, no notes' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;
