import { assertTrainable } from '../../backend/index.js';
import { TUNE_DEFAULTS, tuneEpochs, type TuneOptions } from '../../compress/index.js';
import { holdBack } from '../retrain-stage.js';
import type { Session } from '../session.js';
import { pauseOf } from '../stage.js';

/** Folder of the model that was trained at its planned widths. */
export const TUNED = 'tuned';

export type Tuning = TuneOptions & { readonly epochs: number; readonly learningRate: number };

/** How narrowed models are trained at their widths; undefined: not at all, for want of train rows or by wish. */
export function tuningOf(session: Session): Tuning | undefined {
  const { options, dataset, objective, graph, backend } = session;
  const { train } = dataset.splits;
  const wanted = options.tune ?? (options.retrain ? undefined : 0);
  if (train.size === 0 || wanted === 0) return undefined;
  assertTrainable(session.loaded.model, backend.info.name);
  const rows = holdBack(train, options.seed);
  return {
    objective,
    ...rows,
    original: graph,
    epochs: wanted ?? tuneEpochs(rows.train.size, options.batchSize),
    learningRate: TUNE_DEFAULTS.learningRate,
    batchSize: options.batchSize,
    distill: options.distill,
    seed: options.seed,
    createAdam: (rate) => backend.createAdam(rate),
    pause: pauseOf(session),
  };
}
