import { TdcError } from '../errors.js';
import { disposeModel } from '../model/index.js';
import { writeRecord } from '../records/store.js';
import type { CompareRecord, SweepRecord } from '../records/types.js';
import { planSweep, sweep, type SweepOptions, type SweepPlan, type Swept, type Variants } from '../sweep/sweep.js';
import type { JobStore } from '../sweep/jobs.js';
import { ALL_BASES, basesOf, TAIL_RANK } from './basis-names.js';
import { chooseCurves, type Chosen } from './curves.js';
import { jobStore } from './job-store.js';
import type { Retrained } from './retrain-stage.js';
import { stageDigest, type Session } from './session.js';
import { tailRankStage, type MissingRank, type TailRanked, type TailRankedKernels } from './tail-rank-stage.js';
import { markFolder, pauseOf, timed, type Clocked } from './stage.js';
import { startFarm } from './workers.js';

/** Stages that measure curves, and what each measures unless told otherwise. */
export const MEASURING = { sweep: ['tail'], compare: ALL_BASES } as const satisfies Record<string, readonly string[]>;
export type MeasuringStage = keyof typeof MEASURING;

/** Digest of everything that a measuring stage depends on. */
export function measureDigest(session: Session, stage: MeasuringStage, made: Retrained | undefined): string {
  const { exact, grid, mode, layers, exclude } = session.options;
  const bases = basesOf(session, MEASURING[stage]);
  return stageDigest(session, stage, { exact, grid, mode, bases, layers, exclude, weights: made?.weights });
}

/** Which retraining a record measured. */
export function retrainingOf(made: Retrained | undefined): { retraining?: string } {
  return made === undefined ? {} : { retraining: made.record.inputs };
}

/** A record of these weights: another retraining may have ended in the same bytes, and the record then names it. */
export async function sameWeights<Kept extends SweepRecord | CompareRecord>(
  { folder }: Session,
  name: 'sweep.json' | 'compare.json',
  kept: Kept,
  made: Retrained | undefined,
): Promise<Kept> {
  if (kept.retraining === made?.record.inputs) return kept;
  const record = { ...kept, ...retrainingOf(made) };
  await writeRecord(folder, name, record);
  return record;
}

/** The original, and what retraining made of it. */
export function variantsOf({ graph }: Session, made: Pick<Retrained, 'retrained' | 'control'> | undefined): Variants {
  return {
    original: graph,
    ...(made === undefined ? {} : { retrained: made.retrained }),
    ...(made?.control === undefined ? {} : { control: made.control }),
  };
}

/** The jobs of a stage, ready to run; every process that shares them plans the same list. */
export async function planStage(
  session: Session,
  stage: MeasuringStage,
  variants: Variants,
  tailRanked: readonly TailRanked[],
): Promise<SweepPlan> {
  const { curves } = await chooseCurves(session, variants, basesOf(session, MEASURING[stage]), tailRanked);
  return planSweep(variants, optionsOf(session, curves));
}

/**
 * Measures the curves of a stage. What is finished is kept until `finish` has written the record: a stage that fails leaves no
 * file, one that was stopped or killed goes on from its finished jobs.
 */
export async function measureStage<T>(
  session: Session,
  stage: MeasuringStage,
  inputs: string,
  made: Retrained | undefined,
  stages: Clocked[],
  finish: (swept: Swept, chosen: Chosen) => Promise<T>,
): Promise<T> {
  const jobs = jobStore(session.folder, inputs);
  const wantsTailRank = basesOf(session, MEASURING[stage]).includes(TAIL_RANK);
  const { made: tailRanked, missing } = wantsTailRank ? await tailRankStage(session, stages) : NOTHING;
  try {
    const { swept, chosen } = await timed(session, stages, stage, detailOf(session, stage), () =>
      measure(session, stage, made, tailRanked, marking(session, stages, jobs)),
    );
    const result = await finish(swept, withMissing(chosen, missing));
    await jobs.clear();
    return result;
  } catch (error) {
    // a lost worker is nobody's fault: what is finished stays
    if (error instanceof TdcError && error.exitCode !== 1) await jobs.clear();
    throw error;
  } finally {
    tailRanked.forEach(({ graph }) => disposeModel(graph.model));
  }
}

const NOTHING: TailRankedKernels = { made: [], missing: [] };

function withMissing(chosen: Chosen, more: readonly MissingRank[]): Chosen {
  const missing = new Map(chosen.missing);
  for (const { group, basis, reason } of more) missing.set(group, [...(missing.get(group) ?? []), { basis, reason }]);
  return { ...chosen, missing };
}

async function measure(
  session: Session,
  stage: MeasuringStage,
  made: Retrained | undefined,
  tailRanked: readonly TailRanked[],
  store: JobStore,
): Promise<{ readonly swept: Swept; readonly chosen: Chosen }> {
  const variants = variantsOf(session, made);
  const chosen = await chooseCurves(session, variants, basesOf(session, MEASURING[stage]), tailRanked);
  const farm = session.options.workers > 1 ? startFarm(session, stage, made, tailRanked) : undefined;
  try {
    const swept = await sweep(variants, {
      ...optionsOf(session, chosen.curves),
      store,
      ...(farm === undefined ? {} : { farm }),
      onProgress: (done, total, detail) => session.context.onEvent({ type: 'progress', stage, done, total, detail }),
    });
    return { swept, chosen };
  } finally {
    farm?.close();
  }
}

function optionsOf(session: Session, curves: Chosen['curves']): SweepOptions {
  const { objective, dataset, options } = session;
  return {
    objective,
    split: dataset.splits.select,
    exact: options.exact,
    grid: options.grid,
    memory: options.memory,
    curves,
    pause: pauseOf(session),
  };
}

function detailOf(session: Session, stage: MeasuringStage): string {
  if (stage === 'compare') return basesOf(session, MEASURING.compare).join(', ');
  const count = session.selection.groups.length;
  return `${count} ${count === 1 ? 'group' : 'groups'}`;
}

/** Marks the run folder before the first job is kept. */
function marking(session: Session, stages: readonly Clocked[], jobs: JobStore): JobStore {
  let marked: Promise<void> | undefined;
  return {
    get: (job) => jobs.get(job),
    put: async (job, points) => {
      await (marked ??= markFolder(session, stages));
      await jobs.put(job, points);
    },
  };
}
