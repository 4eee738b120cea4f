import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type * as tf from '@tensorflow/tfjs';

import { assertTrainable } from '../../backend/index.js';
import { TUNE_DEFAULTS, tuneEpochs, type TuneOptions } from '../../compress/index.js';
import { DataError } from '../../errors.js';
import { disposeModel, loadModel, locateModel, writeModel } from '../../model/index.js';
import { holdBack } from '../../retrain/hold-back.js';
import type { Session } from '../session.js';
import { stampOf } from '../stamped.js';
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

/**
 * The model that was tuned for this plan. The caller disposes it.
 *
 * @throws DataError where it is of another plan; ModelError where it cannot be read
 */
export async function tunedModel({ folder }: Session, inputs: string): Promise<tf.LayersModel> {
  const { model, file } = await loadModel(await locateModel(join(folder, TUNED)));
  if (stampOf(file)?.inputs === inputs) return model;
  disposeModel(model);
  throw new DataError(`${join(folder, TUNED)} is of another plan.`, { hint: 'Run tdc recommend again.' });
}

/** Writes the tuned model; without one, that of an earlier plan goes. */
export async function keepTuned(session: Session, inputs: string, model: tf.LayersModel | undefined): Promise<void> {
  const path = join(session.folder, TUNED);
  if (model === undefined) return rm(path, { recursive: true, force: true });
  await writeModel(model, path, {
    force: true,
    userDefinedMetadata: { taildropout: { role: TUNED, inputs } },
  });
}
