import { readRecord, writeRecord } from '../records/store.js';
import type { SweepRecord } from '../records/types.js';
import { sweep } from '../sweep/sweep.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, stageDigest, type Session } from './session.js';
import { pauseOf, timed, type Clocked } from './stage.js';

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
  const record = await measure(session, made, inputs, stages);
  await writeRecord(folder, 'sweep.json', record);
  return record;
}

async function measure(
  session: Session,
  made: Retrained | undefined,
  inputs: string,
  stages: Clocked[],
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
      onProgress: (done, total, detail) => context.onEvent({ type: 'progress', stage: 'sweep', done, total, detail }),
      pause: pauseOf(session),
    }),
  );
  return { ...headOf(session, 'tdc/sweep', inputs), ...swept, skipped: selection.skipped };
}
