import { join } from 'node:path';

import {
  buildRankBasis,
  collectKernelStatistics,
  rankBasisRefusal,
  type KernelInfo,
  type KernelStatistics,
  type RankBasis,
  type RankBasisName,
} from '../bases/index.js';
import { UsageError } from '../errors.js';
import type { ModelGraph } from '../graph/types.js';
import { disposeModel, writeModel } from '../model/index.js';
import { samplerFor } from '../retrain/sampler-for.js';
import { SCHEDULE_RULES } from '../retrain/schedule.js';
import { tailRank } from '../retrain/tail-rank.js';
import { TAIL_RANK } from './basis-names.js';
import { passOf, selectedKernels } from './curves.js';
import { digestOf as sha256 } from './digest.js';
import { holdBack } from '../retrain/hold-back.js';
import { graphFrom } from './stamped.js';
import { stageDigest, type Session } from './session.js';
import { markFolder, pauseOf, timed, type Clocked } from './stage.js';

/** A kernel in two, its inner features ordered by TailDropout. The caller disposes the graph's model. */
export interface TailRanked {
  readonly layer: string;
  /** Group of the inner features. */
  readonly group: string;
  readonly graph: ModelGraph;
  /** Folder in the run folder, and the digest it was made for. */
  readonly folder: string;
  readonly inputs: string;
}

/** A kernel that could not be ordered, and why. */
export interface MissingRank {
  readonly group: string;
  readonly basis: string;
  readonly reason: string;
}

export interface TailRankedKernels {
  readonly made: readonly TailRanked[];
  readonly missing: readonly MissingRank[];
}

/** Where training starts: the first of these that the kernel has. */
const STARTS: readonly RankBasisName[] = ['kfac', 'whitened', 'svd'];

/** Orders the directions of every selected kernel, one retraining a kernel; or takes what stands there for the same inputs. */
export async function tailRankStage(session: Session, stages: Clocked[]): Promise<TailRankedKernels> {
  const kernels = selectedKernels(session, session.graph).filter(({ rows, cols }) => Math.min(rows, cols) > 1);
  const made: TailRanked[] = [];
  const missing: MissingRank[] = [];
  let statistics: ReadonlyMap<string, KernelStatistics> | undefined;
  try {
    for (const kernel of kernels) {
      const reason = lawless(session, kernel);
      if (reason !== undefined) {
        missing.push({ group: kernel.group ?? kernel.layer, basis: TAIL_RANK, reason });
        continue;
      }
      const place = { layer: kernel.layer, folder: folderOf(kernel.layer), inputs: digestOf(session, kernel) };
      const kept = await graphFrom(session, place.folder, place.inputs).catch(() => undefined);
      const group = kept?.groups.find(({ producers }) => producers.includes(innerName(kept, kernel.layer)));
      if (kept !== undefined && group !== undefined) {
        made.push({ ...place, group: group.name, graph: kept });
        continue;
      }
      if (kept !== undefined) disposeModel(kept.model);
      statistics ??= (await collectKernelStatistics(session.graph, passOf(session))).kernels;
      made.push(await train(session, stages, place, startOf(kernel, statistics.get(kernel.layer))));
    }
    return { made, missing };
  } catch (error) {
    made.forEach(({ graph }) => disposeModel(graph.model));
    throw error;
  }
}

/** Why the sampler has no law over this kernel's ranks; undefined: it has one. */
function lawless({ options }: Session, { layer, rows, cols }: KernelInfo): string | undefined {
  try {
    samplerFor([{ name: layer, n: Math.min(rows, cols) }], options);
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

/** The layer that makes what `layer` reads. */
function innerName({ program }: ModelGraph, layer: string): string {
  const second = program.steps.find(({ name }) => name === layer)!;
  return program.steps.find(({ outputs }) => outputs.includes(second.inputs[0]))?.name ?? '';
}

function startOf(kernel: KernelInfo, statistics: KernelStatistics | undefined): RankBasis {
  const name = STARTS.find((start) => rankBasisRefusal(start, kernel, statistics) === null)!;
  return buildRankBasis(name, kernel, statistics);
}

/** Named by the layer; what a file system might change or confuse is told apart by a digest of the name. */
export function folderOf(layer: string): string {
  const safe = layer.replaceAll(/[^a-z0-9_-]+/gu, '-').slice(0, 60);
  const isWhole = safe === layer && layer !== '';
  return `tail-rank/${isWhole ? layer : `${safe}-${sha256(layer).slice('sha256:'.length, 'sha256:'.length + 12)}`}`;
}

/** Other layers of the selection make no difference to this one's retraining. */
function digestOf(session: Session, { layer }: KernelInfo): string {
  const { sampler, p, kMin, epochs, batchSize, learningRate, distill } = session.options;
  const { threads } = session.backend.info;
  const alone = { ...session, selection: { groups: [], skipped: [] } };
  return stageDigest(alone, 'tail-rank', {
    layer,
    sampler,
    p,
    kMin,
    epochs,
    batchSize,
    learningRate,
    distill,
    threads,
    rules: SCHEDULE_RULES,
  });
}

async function train(
  session: Session,
  stages: Clocked[],
  place: Pick<TailRanked, 'layer' | 'folder' | 'inputs'>,
  start: RankBasis,
): Promise<TailRanked> {
  const { options, objective, dataset, backend, context, folder } = session;
  const detail = `${place.layer}, from ${start.name}`;
  const { graph, group } = await timed(session, stages, 'tail-rank', detail, () =>
    tailRank(session.graph, start, {
      objective,
      ...holdBack(dataset.splits.train, options.seed),
      sampler: options,
      seed: options.seed,
      batchSize: options.batchSize,
      learningRate: options.learningRate,
      distill: options.distill,
      ...(options.epochs === undefined ? {} : { epochs: options.epochs }),
      createAdam: (rate) => backend.createAdam(rate),
      onProgress: (done, total, loss) => context.onEvent({ type: 'progress', stage: 'tail-rank', done, total, loss }),
      pause: pauseOf(session),
    }),
  );
  await markFolder(session, stages);
  const userDefinedMetadata = { taildropout: { role: 'tail-rank', inputs: place.inputs, layer: place.layer } };
  await writeModel(graph.model, join(folder, place.folder), { force: true, userDefinedMetadata });
  return { ...place, group, graph };
}
