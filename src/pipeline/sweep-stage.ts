import { TdcError } from '../errors.js';
import { readRecord, writeRecord } from '../records/store.js';
import type { SweepRecord } from '../records/types.js';
import type { JobStore } from '../sweep/jobs.js';
import { sweep, type Variants } from '../sweep/sweep.js';
import { basesOf, chooseCurves } from './curves.js';
import { jobStore } from './job-store.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, stageDigest, type Session } from './session.js';
import { markFolder, pauseOf, reused, timed, type Clocked } from './stage.js';

/** What a sweep measures unless told otherwise: the units as they stand. */
const SWEEP_BASES = ['tail'];

/** Measures the curves, or takes the record that stands in the run folder for the same inputs. */
export async function sweepStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<SweepRecord> {
  const { options, folder } = session;
  const { exact, grid, mode } = options;
  const bases = basesOf(session, SWEEP_BASES);
  const inputs = stageDigest(session, 'sweep', { exact, grid, mode, bases, retrained: made?.record.inputs });
  const kept = await readRecord(folder, 'sweep.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'sweep');
    return kept;
  }
  return keepJobs(session, inputs, stages, async (store) => {
    const record = await measure(session, made, inputs, bases, { stages, store });
    await writeRecord(folder, 'sweep.json', record);
    return record;
  });
}

/** The original, and what retraining made of it. */
export function variantsOf({ graph }: Session, made: Retrained | undefined): Variants {
  return {
    original: graph,
    ...(made === undefined ? {} : { retrained: made.retrained }),
    ...(made?.control === undefined ? {} : { control: made.control }),
  };
}

/**
 * Runs a stage with a store of its finished jobs. A stage that fails leaves no file; one that was stopped or killed goes on
 * from its finished jobs.
 */
export async function keepJobs<T>(
  session: Session,
  inputs: string,
  stages: readonly Clocked[],
  body: (store: JobStore) => Promise<T>,
): Promise<T> {
  const jobs = jobStore(session.folder, inputs);
  let marked: Promise<void> | undefined;
  const store: JobStore = {
    get: (job) => jobs.get(job),
    put: async (job, points) => {
      await (marked ??= markFolder(session, stages));
      await jobs.put(job, points);
    },
  };
  try {
    const result = await body(store);
    await jobs.clear();
    return result;
  } catch (error) {
    if (error instanceof TdcError) await jobs.clear();
    throw error;
  }
}

async function measure(
  session: Session,
  made: Retrained | undefined,
  inputs: string,
  bases: readonly string[],
  { stages, store }: { readonly stages: Clocked[]; readonly store: JobStore },
): Promise<SweepRecord> {
  const { selection, objective, dataset, options, context } = session;
  const variants = variantsOf(session, made);
  const detail = `${selection.groups.length} ${selection.groups.length === 1 ? 'group' : 'groups'}`;
  const swept = await timed(session, stages, 'sweep', detail, async () => {
    const { curves } = await chooseCurves(session, variants, bases);
    return sweep(variants, {
      objective,
      split: dataset.splits.select,
      exact: options.exact,
      grid: options.grid,
      memory: options.memory,
      curves,
      store,
      onProgress: (done, total, detail) => context.onEvent({ type: 'progress', stage: 'sweep', done, total, detail }),
      pause: pauseOf(session),
    });
  });
  return { ...headOf(session, 'tdc/sweep', inputs), ...swept, skipped: selection.skipped };
}
