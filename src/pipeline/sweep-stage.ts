import { TdcError } from '../errors.js';
import { readRecord, writeRecord } from '../records/store.js';
import type { SweepRecord } from '../records/types.js';
import type { JobStore } from '../sweep/jobs.js';
import { sweep } from '../sweep/sweep.js';
import { jobStore } from './job-store.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, stageDigest, type Session } from './session.js';
import { markFolder, pauseOf, timed, type Clocked } from './stage.js';

/** Measures the curves, or takes the record that stands in the run folder for the same inputs. */
export async function sweepStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<SweepRecord> {
  const { options, folder, context } = session;
  const inputs = stageDigest(session, 'sweep', {
    exact: options.exact,
    grid: options.grid,
    retrained: made?.record.inputs,
  });
  const kept = await readRecord(folder, 'sweep.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    stages.push({ name: 'sweep', seconds: 0, reused: true });
    context.onEvent({
      type: 'end',
      stage: 'sweep',
      detail: 'same model, data, options and seed',
      reused: true,
      seconds: 0,
    });
    return kept;
  }
  const jobs = jobStore(folder, inputs);
  const mark = once(() => markFolder(session, stages));
  const store: JobStore = {
    get: (job) => jobs.get(job),
    put: async (job, points) => {
      await mark();
      await jobs.put(job, points);
    },
  };
  const record = await measure(session, made, inputs, { stages, store }).catch(async (error: unknown) => {
    // a stage that fails leaves no file; one that was stopped goes on from its finished jobs
    if (error instanceof TdcError) await jobs.clear();
    throw error;
  });
  await writeRecord(folder, 'sweep.json', record);
  await jobs.clear();
  return record;
}

function once(body: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= body());
}

async function measure(
  session: Session,
  made: Retrained | undefined,
  inputs: string,
  { stages, store }: { readonly stages: Clocked[]; readonly store: JobStore },
): Promise<SweepRecord> {
  const { graph, selection, objective, dataset, options, context } = session;
  const variants = {
    original: graph,
    ...(made === undefined ? {} : { retrained: made.retrained }),
    ...(made?.control === undefined ? {} : { control: made.control }),
  };
  const groups = selection.groups.map(({ name }) => name);
  const swept = await timed(session, stages, 'sweep', `${groups.length} groups`, () =>
    sweep(variants, {
      objective,
      split: dataset.splits.select,
      exact: options.exact,
      grid: options.grid,
      memory: options.memory,
      groups,
      store,
      onProgress: (done, total, detail) => context.onEvent({ type: 'progress', stage: 'sweep', done, total, detail }),
      pause: pauseOf(session),
    }),
  );
  return { ...headOf(session, 'tdc/sweep', inputs), ...swept, skipped: selection.skipped };
}
