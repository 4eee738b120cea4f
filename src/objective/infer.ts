import type { TargetKind } from '../data/types.js';
import { UsageError } from '../errors.js';
import type { MetricInfo } from '../records/types.js';
import { LOSS_NAMES, METRIC_NAMES, type Link, type LossName, type MetricName, type Objective } from './types.js';

export interface ObjectiveOptions {
  readonly target: TargetKind;
  /** Activation of the model's last layer, tfjs spelling: `softmax`, `sigmoid`, `linear`, `tanh`, … */
  readonly activation: string;
  /** Size of the output's last axis. */
  readonly units: number;
  /** Loss in the model's training configuration, where there is one (any spelling). */
  readonly trainedWith?: string;
  readonly loss?: string;
  readonly metric?: string;
}

/**
 * Decides what is measured: an explicit loss, else the one the model was trained with where it fits the targets, else by
 * targets and last activation. Linear outputs with class labels are logits.
 *
 * @throws UsageError for an unknown name, or a loss that cannot judge these targets.
 */
export function inferObjective(options: ObjectiveOptions): Objective {
  const self = options.target === 'self';
  const notes: string[] = [];
  const loss = chooseLoss(options, notes);
  const link = linkOf(loss, options, notes);
  const metrics = chooseMetrics(link, options);
  return { loss, unit: unitOf(loss), metrics, link, self, notes };
}

function chooseLoss(options: ObjectiveOptions, notes: string[]): LossName {
  const allowed = lossesFor(options);
  if (options.loss !== undefined) {
    const named = lossName(options.loss);
    if (named === undefined) {
      throw new UsageError(`Unknown loss "${options.loss}": expected one of ${LOSS_NAMES.join(', ')}.`);
    }
    if (!allowed.includes(named)) {
      throw new UsageError(
        `The loss ${named} does not fit targets of kind "${options.target}" with ${options.units} ${options.activation} outputs: expected ${allowed.join(' or ')}.`,
      );
    }
    return named;
  }
  const trained = options.trainedWith === undefined ? undefined : lossName(options.trainedWith);
  if (trained !== undefined && allowed.includes(trained)) {
    notes.push(`loss ${trained}, as the model was trained with`);
    return trained;
  }
  const chosen = allowed[0];
  notes.push(`loss ${chosen}, from the targets (${options.target}) and the last activation (${options.activation})`);
  return chosen;
}

/** Losses that can judge these targets, the natural one first. */
function lossesFor({ target, activation, units }: ObjectiveOptions): readonly LossName[] {
  if (target === 'self') {
    const probabilities = activation === 'softmax' || activation === 'sigmoid';
    return probabilities ? ['kullbackLeibler', 'meanSquaredError'] : ['meanSquaredError', 'meanAbsoluteError'];
  }
  if (target === 'real') return ['meanSquaredError', 'meanAbsoluteError'];
  if (target === 'binary') {
    return activation === 'sigmoid' || activation === 'linear'
      ? ['binaryCrossentropy', 'meanSquaredError', 'meanAbsoluteError']
      : ['meanSquaredError', 'meanAbsoluteError'];
  }
  if (activation === 'sigmoid') return ['binaryCrossentropy', 'meanSquaredError'];
  if (activation === 'softmax' || (activation === 'linear' && units > 1)) {
    return ['categoricalCrossentropy', 'meanSquaredError'];
  }
  return ['meanSquaredError', 'meanAbsoluteError'];
}

function linkOf(loss: LossName, { activation, target }: ObjectiveOptions, notes: string[]): Link {
  if (loss === 'categoricalCrossentropy') {
    if (activation === 'linear') notes.push('linear outputs with class labels are taken as logits');
    return 'softmax';
  }
  if (loss === 'binaryCrossentropy') {
    if (activation === 'linear') notes.push('linear outputs with 0/1 targets are taken as logits');
    return 'sigmoid';
  }
  if (loss === 'kullbackLeibler') return activation === 'sigmoid' ? 'sigmoid' : 'softmax';
  if (target !== 'self' && (activation === 'softmax' || activation === 'sigmoid')) return activation;
  return activation === 'softmax' || activation === 'sigmoid' ? activation : 'linear';
}

function chooseMetrics(link: Link, options: ObjectiveOptions): readonly MetricInfo[] {
  const possible = metricsFor(link, options);
  if (options.metric === undefined) return possible.slice(0, 1).map(describe);
  const wanted = METRIC_NAMES.find((name) => name.toLowerCase() === options.metric!.replaceAll('_', '').toLowerCase());
  if (wanted === undefined) {
    throw new UsageError(`Unknown metric "${options.metric}": expected one of ${METRIC_NAMES.join(', ')}.`);
  }
  if (!possible.includes(wanted)) {
    throw new UsageError(
      `The metric ${wanted} does not fit targets of kind "${options.target}" with ${options.units} outputs: expected ${possible.join(' or ')}.`,
    );
  }
  return [wanted, ...possible.slice(0, 1).filter((name) => name !== wanted)].map(describe);
}

/** For target `self` a metric tells how often, or how closely, the narrowed model agrees with the original. */
function metricsFor(link: Link, { target, units }: ObjectiveOptions): readonly MetricName[] {
  const distances = ['meanAbsoluteError', 'meanSquaredError'] as const;
  if (target === 'real' || link === 'linear') return distances;
  if (target === 'binary' || (link === 'sigmoid' && (target === 'self' || units === 1))) {
    return ['binaryAccuracy', ...distances];
  }
  return ['accuracy', 'topK', ...distances];
}

function describe(name: MetricName): MetricInfo {
  return { name, better: name === 'meanAbsoluteError' || name === 'meanSquaredError' ? 'lower' : 'higher' };
}

function unitOf(loss: LossName): string {
  if (loss === 'meanSquaredError') return 'squared units of the output';
  if (loss === 'meanAbsoluteError') return 'units of the output';
  return 'nats';
}

/** Keras and tfjs spellings, and the usual short ones. */
function lossName(text: string): LossName | undefined {
  const key = text.replaceAll(/[_\s-]/g, '').toLowerCase();
  const aliases: Readonly<Record<string, LossName>> = {
    sparsecategoricalcrossentropy: 'categoricalCrossentropy',
    categoricalcrossentropy: 'categoricalCrossentropy',
    softmaxcrossentropy: 'categoricalCrossentropy',
    crossentropy: 'categoricalCrossentropy',
    binarycrossentropy: 'binaryCrossentropy',
    sigmoidcrossentropy: 'binaryCrossentropy',
    meansquarederror: 'meanSquaredError',
    mse: 'meanSquaredError',
    meanabsoluteerror: 'meanAbsoluteError',
    mae: 'meanAbsoluteError',
    kullbackleibler: 'kullbackLeibler',
    kullbackleiblerdivergence: 'kullbackLeibler',
    kld: 'kullbackLeibler',
  };
  return aliases[key];
}
