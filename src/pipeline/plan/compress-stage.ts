import { join } from 'node:path';

import type * as tf from '@tensorflow/tfjs';

import {
  checkParity,
  maskedModel,
  modelLatency,
  narrowModel,
  predictorOf,
  reestimateBatchNorm,
  saveModel,
  worseParity,
  type Parity,
} from '../../compress/index.js';
import { GateError } from '../../errors.js';
import { detailOf } from '../../graph/index.js';
import type { ModelGraph } from '../../graph/types.js';
import { disposeModel, loadModel, locateModel, modelFileBytes } from '../../model/index.js';
import { riseInterval } from '../../objective/interval.js';
import { deriveSeed } from '../../random/index.js';
import { readRecord, writeRecord } from '../../records/store.js';
import type { CompressRecord, LatencyRecord, PlanRecord, Rise } from '../../records/types.js';
import { rowsOf } from '../../sweep/chunk-size.js';
import { TOOL } from '../../version.js';
import { graphLike } from '../read.js';
import { headOf, stageDigest, type Session } from '../session.js';
import { markFolder, pauseOf, reused, timed, type Clocked } from '../stage.js';
import { graphFrom, stampOf } from '../stamped.js';
import { halvesOf, pickRows } from './halves.js';
import { rowsOn, summarizeSome, worsening } from './judge.js';
import { tunedModel } from './tuning.js';
import { partsFor } from './weights.js';

/** Folder of the smaller model. */
export const COMPRESSED = 'compressed';

/** Rows that parity is checked on come in batches of at most this. */
const PARITY_ROWS = 64;
/** What the measured loss of rebuilt weights may differ from the plan's by, as a share of it: rounding of sums by threads. */
const SAME_LOSS = 1e-5;

export interface Compressed {
  readonly compress: CompressRecord;
  readonly latency: LatencyRecord;
}

/**
 * Builds the plan's model, checks it against the masked one, writes it and checks what was written.
 *
 * @throws GateError where the plan holds nothing narrower, where parity fails, or where the weights are not those that the plan measured;
 * nothing is written then
 */
export async function compressStage(session: Session, plan: PlanRecord, stages: Clocked[]): Promise<Compressed> {
  requireNarrower(plan);
  const { folder, options } = session;
  const inputs = stageDigest(session, 'compress', { plan: plan.inputs, batchNorm: options.estimateBatchNorm });
  const kept = await keptFor(session, inputs);
  if (kept !== undefined) {
    reused(session, stages, 'compress');
    return kept;
  }
  return timed(session, stages, 'compress', COMPRESSED, async () => {
    await markFolder(session, stages);
    const compress = await make(session, plan, inputs);
    await writeRecord(folder, 'compress.json', compress);
    const latency = await timeBoth(session, inputs);
    await writeRecord(folder, 'latency.json', latency);
    return { compress, latency };
  });
}

function requireNarrower({ feasible, groups, stopped, budget }: PlanRecord): void {
  if (groups.every(({ n, k }) => k === n)) {
    throw new GateError('The plan keeps every layer whole, so there is nothing to write.', {
      hint: 'Give tdc recommend a larger --budget.',
    });
  }
  if (feasible) return;
  const unit = budget.kind === 'metric' ? 'metric' : 'abs';
  throw new GateError('No narrower plan holds the budget, so nothing was written.', {
    hint:
      stopped === undefined
        ? 'Run tdc recommend with a larger --budget.'
        : `Run tdc recommend with another --budget, such as ${unit}:${roundedUp(stopped.budget)}.`,
  });
}

/** To two digits, and never below. */
function roundedUp(value: number): number {
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / step) * step).toPrecision(2));
}

async function keptFor(session: Session, inputs: string): Promise<Compressed | undefined> {
  const compress = await readRecord(session.folder, 'compress.json').catch(() => undefined);
  const latency = await readRecord(session.folder, 'latency.json').catch(() => undefined);
  if (compress?.inputs !== inputs || latency?.models === undefined) return undefined;
  try {
    const { model, file } = await loadModel(await locateModel(join(session.folder, COMPRESSED)));
    disposeModel(model);
    // a run that was killed may have left another plan's model beside this record
    return stampOf(file)?.inputs === inputs ? { compress, latency } : undefined;
  } catch {
    return undefined;
  }
}

async function make(session: Session, plan: PlanRecord, inputs: string): Promise<CompressRecord> {
  const { graph, release } = await weightsGraph(session, plan);
  try {
    const { model, parity } = await narrow(session, plan, graph);
    let final = model;
    try {
      if (plan.planned.tuned) final = await tunedWeights(session, plan);
      await requireSame(session, plan, final);
      const isEstimated = await estimated(session, plan, final);
      const saved = await save(session, plan, final, inputs);
      const { fileBytes, cost, quantisation } = saved;
      return {
        ...headOf(session, 'tdc/compress', inputs),
        plan: plan.inputs,
        weights: plan.weights,
        groups: plan.groups,
        original: { ...session.graph.cost(new Map()), fileBytes: await modelFileBytes(session.loaded.file.path) },
        compressed: { ...cost, fileBytes },
        parity: worseParity(parity, saved.parity),
        ...(quantisation === undefined ? {} : { quantisation }),
        tuned: plan.planned.tuned,
        batchNorm: isEstimated ? 're-estimated' : 'kept',
      };
    } finally {
      if (final !== model) disposeModel(final);
      disposeModel(model);
    }
  } finally {
    release();
  }
}

/** The set of weights that the plan narrows. */
async function weightsGraph(
  session: Session,
  { weights, retraining }: PlanRecord,
): Promise<{ readonly graph: ModelGraph; readonly release: () => void }> {
  if (weights === 'original') return { graph: session.graph, release: () => {} };
  const graph = await graphFrom(session, 'ordered', retraining ?? '').catch((cause: unknown) => {
    throw new GateError('The retrained weights that the plan narrows are not in the run folder any more.', {
      hint: 'Run tdc recommend again.',
      cause,
    });
  });
  return { graph, release: () => disposeModel(graph.model) };
}

/** The weights that were trained at the plan's widths. The caller disposes them. */
async function tunedWeights(session: Session, { inputs }: PlanRecord): Promise<tf.LayersModel> {
  return tunedModel(session, inputs).catch((cause: unknown) => {
    throw new GateError('The tuned weights that the plan measured are not in the run folder any more.', {
      hint: 'Run tdc recommend again.',
      cause,
    });
  });
}

/** The plan's model before anything is trained, shown equal to the masked one. */
async function narrow(
  session: Session,
  plan: PlanRecord,
  graph: ModelGraph,
): Promise<{ readonly model: tf.LayersModel; readonly parity: Parity }> {
  const groups = plan.groups.filter(({ k, n }) => k < n);
  const parts = await partsFor(session, plan.weights, graph, groups);
  const model = narrowModel(graph, groups, parts);
  const masked = maskedModel(graph, groups, parts);
  try {
    const parity = await checkParity(masked.predict, predictorOf(graphLike(model, graph)), {
      split: session.dataset.splits.select,
      batchSize: Math.min(PARITY_ROWS, rowsOf(session.graph.program, session.options)),
      title: 'The masked model and the narrowed one',
      pause: pauseOf(session),
    });
    return { model, parity };
  } catch (error) {
    disposeModel(model);
    throw error;
  } finally {
    masked.dispose();
  }
}

/** The rebuilt weights must score what the plan says that they score. */
async function requireSame(session: Session, plan: PlanRecord, model: tf.LayersModel): Promise<void> {
  const { bounding } = halvesOf(session.dataset.splits.select.size, session.options.seed);
  const rows = await rowsOn(session, graphLike(model, session.graph).program, session.dataset.splits.select);
  const { loss } = summarizeSome(rows, bounding);
  const expected = plan.planned.loss;
  if (Math.abs(loss - expected) <= SAME_LOSS * Math.max(Math.abs(expected), plan.original.loss)) return;
  throw new GateError(
    `The rebuilt weights are not those that the plan measured: their loss on the bounding half is ${loss}, and the plan says ${expected}.`,
    { hint: 'Run tdc recommend again with the same data, seed and backend.' },
  );
}

async function estimated(session: Session, plan: PlanRecord, model: tf.LayersModel): Promise<boolean> {
  const { train } = session.dataset.splits;
  if (!session.options.estimateBatchNorm || plan.planned.tuned) return false;
  const graph = graphLike(model, session.graph);
  const batchSize = rowsOf(graph.program, session.options);
  return (await reestimateBatchNorm(graph, { split: train, batchSize, pause: pauseOf(session) })).length > 0;
}

async function save(session: Session, plan: PlanRecord, model: tf.LayersModel, inputs: string) {
  const { loaded, folder, dataset, options, objective } = session;
  const { select } = dataset.splits;
  const { bounding } = halvesOf(select.size, options.seed);
  const { file } = loaded;
  const metadata = file.userDefinedMetadata as Record<string, unknown> | undefined;
  const before =
    loaded.quantization.size === 0 ? undefined : await rowsOn(session, graphLike(model, session.graph).program, select);
  const measure = async (stored: ModelGraph): Promise<Rise> => {
    const rows = await rowsOn(session, stored.program, select);
    const differences = pickRows(worsening(objective, plan.budget.kind, rows, before!), bounding);
    const { delta, deltaSe, upper95 } = riseInterval(differences, {
      confidence: options.confidence,
      seed: deriveSeed(options.seed, 'quantisation'),
    });
    return { delta, deltaSe, upper95 };
  };
  const { inputShapes } = detailOf(session.graph).options;
  return saveModel(model, {
    source: loaded,
    ...(inputShapes === undefined ? {} : { inputShapes }),
    dir: join(folder, COMPRESSED),
    split: select,
    batchSize: Math.min(PARITY_ROWS, rowsOf(session.graph.program, options)),
    userDefinedMetadata: { ...metadata, taildropout: { role: COMPRESSED, inputs } },
    ...(file.trainingConfig === undefined ? {} : { trainingConfig: file.trainingConfig }),
    ...(before === undefined ? {} : { measure }),
    pause: pauseOf(session),
  });
}

/** One example's forward pass, before and after; what a latency table held stays. */
async function timeBoth(session: Session, inputs: string): Promise<LatencyRecord> {
  const { context, graph, backend, folder } = session;
  const { model } = await loadModel(await locateModel(join(folder, COMPRESSED)));
  try {
    const original = await modelLatency(graph, context.now);
    const compressed = await modelLatency(graphLike(model, graph), context.now);
    const table = await readRecord(folder, 'latency.json').catch(() => undefined);
    const empty = { batch: 1, groups: [], full: original, smallest: original, inputs };
    const known = table !== undefined && table.groups.length > 0 ? table : empty;
    return {
      ...known,
      schema: 'tdc/latency',
      version: 1,
      tool: TOOL,
      backend: backend.info,
      models: { original, compressed },
    };
  } finally {
    disposeModel(model);
  }
}
