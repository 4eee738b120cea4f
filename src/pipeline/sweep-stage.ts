import { readRecord, writeRecord } from '../records/store.js';
import type { SweepRecord } from '../records/types.js';
import { measureDigest, measureStage, retrainingOf } from './measure-stage.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, type Session } from './session.js';
import { reused, type Clocked } from './stage.js';

/** Measures the curves, or takes the record that stands in the run folder for the same inputs. */
export async function sweepStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<SweepRecord> {
  const { folder, selection } = session;
  const inputs = measureDigest(session, 'sweep', made);
  const kept = await readRecord(folder, 'sweep.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'sweep');
    return kept;
  }
  return measureStage(session, 'sweep', inputs, made, stages, async (swept) => {
    const record: SweepRecord = {
      ...headOf(session, 'tdc/sweep', inputs),
      ...retrainingOf(made),
      ...swept,
      skipped: selection.skipped,
    };
    await writeRecord(folder, 'sweep.json', record);
    return record;
  });
}
