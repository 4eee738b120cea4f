import { join } from 'node:path';

import { assertTrainable } from '../backend/index.js';
import { DataError } from '../errors.js';
import { measureRows, summarize, summarizePaired } from '../evaluate/measure.js';
import type { ModelGraph } from '../graph/types.js';
import { expectedTruncatedDraws } from '../layers/index.js';
import { cloneModel, disposeModel, modelDigest, writeModel } from '../model/index.js';
import { readRecord, writeRecord } from '../records/store.js';
import type { EpochRecord, RetrainRecord } from '../records/types.js';
import { holdBack } from '../retrain/hold-back.js';
import { retrain, type RetrainOptions } from '../retrain/retrain.js';
import { samplerFor } from '../retrain/sampler-for.js';
import { schedule, SCHEDULE_RULES } from '../retrain/schedule.js';
import { rowsOf } from '../sweep/chunk-size.js';
import { graphLike } from './read.js';
import { headOf, stageDigest, type Session } from './session.js';
import { graphFrom, stampedFrom } from './stamped.js';
import { markFolder, pauseOf, reused, timed, type Clocked } from './stage.js';

/** Models that retraining made, with the record of how. The caller disposes the graphs' models. */
export interface Retrained {
  readonly record: RetrainRecord;
  /** Digests of the models' weights: what later stages measure. */
  readonly weights: readonly string[];
  readonly retrained: ModelGraph;
  readonly control?: ModelGraph;
}

/** Retrains with TailDropout, and without it as a control; or takes what stands in the run folder for the same inputs. */
export async function retrainStage(session: Session, stages: Clocked[]): Promise<Retrained> {
  const { dataset, folder } = session;
  if (dataset.splits.train.size === 0) {
    throw new DataError('Retraining needs train rows, and this data set was cut without any.', {
      hint: 'Give the train split a share with --split, or measure without retraining with --no-retrain.',
    });
  }
  const kept = await keptRetraining(session, stages);
  if (kept !== undefined) return kept;
  assertTrainable(session.loaded.model, session.backend.info.name);
  const made = await trainBoth(session, retrainDigest(session), stages);
  await writeRecord(folder, 'retrain.json', made.record);
  return made;
}

/** What stands in the run folder for the same inputs; undefined: nothing does. */
export async function keptRetraining(session: Session, stages: Clocked[]): Promise<Retrained | undefined> {
  const kept = await reuse(session, retrainDigest(session));
  if (kept !== undefined) reused(session, stages, 'retrain');
  return kept;
}

function retrainDigest(session: Session): string {
  const { options, backend } = session;
  const { sampler, p, kMin, epochs, batchSize, learningRate, train, distill, control } = options;
  // sums over a batch are split by threads, so other threads may give other bytes
  const more = {
    sampler,
    p,
    kMin,
    epochs,
    batchSize,
    learningRate,
    train,
    distill,
    control,
    threads: backend.info.threads,
    rules: SCHEDULE_RULES,
  };
  return stageDigest(session, 'retrain', more);
}

async function reuse(session: Session, inputs: string): Promise<Retrained | undefined> {
  const record = await readRecord(session.folder, 'retrain.json').catch(() => undefined);
  if (record?.inputs !== inputs) return undefined;
  let retrained: ModelGraph | undefined;
  try {
    retrained = await graphFrom(session, 'ordered', inputs);
    const control = record.control === undefined ? undefined : await graphFrom(session, 'control', inputs);
    return await withWeights(record, retrained, control);
  } catch {
    // what cannot be read is made again
    if (retrained !== undefined) disposeModel(retrained.model);
    return undefined;
  }
}

async function withWeights(
  record: RetrainRecord,
  retrained: ModelGraph,
  control: ModelGraph | undefined,
): Promise<Retrained> {
  const models = [retrained, ...(control === undefined ? [] : [control])];
  const weights = await Promise.all(models.map(({ model }) => modelDigest(model)));
  return { record, retrained, weights, ...(control === undefined ? {} : { control }) };
}

async function trainBoth(session: Session, inputs: string, stages: Clocked[]): Promise<Retrained> {
  const plan = planOf(session);
  const { sampler: _, ...withoutTail } = plan;
  const tail = await trainOne(session, 'retrain', inputs, plan, stages);
  let control: Trained | undefined;
  try {
    if (session.options.control) control = await trainOne(session, 'control', inputs, withoutTail, stages);
    const measured = await measureFull(session, tail.graph, control?.graph);
    const record = recordOf(session, inputs, plan, measured, tail, control);
    return await withWeights(record, tail.graph, control?.graph);
  } catch (error) {
    disposeModel(tail.graph.model);
    if (control !== undefined) disposeModel(control.graph.model);
    throw error;
  }
}

interface Trained {
  readonly graph: ModelGraph;
  readonly history: readonly EpochRecord[];
}

/** Trains one of the two and writes it at once, so that a run stopped later need not train it again. */
async function trainOne(
  session: Session,
  name: 'retrain' | 'control',
  inputs: string,
  options: RetrainOptions,
  stages: Clocked[],
): Promise<Trained> {
  const role = name === 'retrain' ? 'ordered' : 'control';
  const kept = await stampedFrom(session, role, inputs).catch(() => undefined);
  if (kept?.stamp.history !== undefined) {
    reused(session, stages, name);
    return { graph: kept.graph, history: kept.stamp.history };
  }
  if (kept !== undefined) disposeModel(kept.graph.model);
  const graph = graphLike(cloneModel(session.loaded.model), session.graph);
  const detail = `${options.schedule.epochs} epochs of ${options.schedule.stepsPerEpoch} steps`;
  const onProgress = (done: number, total: number, loss: number): void =>
    session.context.onEvent({ type: 'progress', stage: name, done, total, loss });
  try {
    const history = await timed(session, stages, name, detail, () => retrain(graph, { ...options, onProgress }));
    await keep(session, role, inputs, { graph, history }, stages);
    return { graph, history };
  } catch (error) {
    disposeModel(graph.model);
    throw error;
  }
}

async function keep(
  session: Session,
  role: string,
  inputs: string,
  { graph, history }: Trained,
  stages: readonly Clocked[],
): Promise<void> {
  const { selection, options, folder } = session;
  const { sampler, p, kMin } = options;
  const groups = selection.groups.map(({ name, n }) => ({ name, n }));
  const stamp = {
    role,
    inputs,
    sampler: { name: sampler, p, kMin },
    groups,
    history: history.map((epoch) => ({ ...epoch })),
  };
  await markFolder(session, stages);
  await writeModel(graph.model, join(folder, role), { force: true, userDefinedMetadata: { taildropout: stamp } });
}

function recordOf(
  session: Session,
  inputs: string,
  plan: RetrainOptions,
  measured: Pick<RetrainRecord, 'original' | 'retrained' | 'control'>,
  tail: Trained,
  control: Trained | undefined,
): RetrainRecord {
  const { options, selection } = session;
  return {
    ...headOf(session, 'tdc/retrain', inputs),
    ...measured,
    sampler: { name: options.sampler, p: options.p, kMin: options.kMin },
    train: options.train,
    distill: options.distill,
    epochs: plan.schedule.epochs,
    learningRate: options.learningRate,
    batchSize: options.batchSize,
    truncatedDraws: plan.schedule.truncatedDraws,
    groups: selection.groups.map(({ name, n, layers }) => ({ name, n, layers })),
    skipped: selection.skipped,
    history: tail.history,
    ...(control === undefined ? {} : { controlHistory: control.history }),
  };
}

function planOf(session: Session): RetrainOptions {
  const { options, dataset, selection, graph, objective, backend, context } = session;
  const { train, held } = holdBack(dataset.splits.train, options.seed);
  const sampler = samplerFor(selection.groups, options);
  const widest = Math.max(...selection.groups.map(({ n }) => n));
  const plan = schedule({
    examples: train.size,
    batchSize: options.batchSize,
    widest,
    truncated: expectedTruncatedDraws(sampler(widest), widest, 1),
    ...(options.epochs === undefined ? {} : { epochs: options.epochs }),
  });
  const draws = Math.round(plan.truncatedDraws);
  context.onEvent({
    type: 'note',
    text: `${plan.epochs} epochs: about ${draws} draws below full width for the widest group of ${widest} units (${Math.round(draws / widest)} a unit)`,
  });
  return {
    objective,
    train,
    held,
    original: graph,
    groups: selection.groups.map(({ name }) => name),
    sampler,
    schedule: plan,
    batchSize: options.batchSize,
    learningRate: options.learningRate,
    trains: options.train,
    distill: options.distill,
    seed: options.seed,
    createAdam: (rate) => backend.createAdam(rate),
    pause: pauseOf(session),
  };
}

async function measureFull(
  session: Session,
  retrained: ModelGraph,
  control: ModelGraph | undefined,
): Promise<Pick<RetrainRecord, 'original' | 'retrained' | 'control'>> {
  const { graph, objective, dataset } = session;
  const batchSize = rowsOf(graph.program, session.options);
  const pause = pauseOf(session);
  const options = { objective, split: dataset.splits.select, batchSize, reference: graph.program, pause };
  const original = await measureRows(graph.program, options);
  return {
    original: summarize(original),
    retrained: summarizePaired(await measureRows(retrained.program, options), original),
    ...(control === undefined
      ? {}
      : { control: summarizePaired(await measureRows(control.program, options), original) }),
  };
}
