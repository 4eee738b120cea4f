import { readRecord, writeRecord } from '../records/store.js';
import type { ComparedGroup, GroupCurves, SweepRecord } from '../records/types.js';
import { basesOf } from './basis-names.js';
import { MEASURING, measureDigest, measureStage, retrainingOf, sameWeights } from './measure-stage.js';
import { missingOf } from './missing.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, type Session } from './session.js';
import { reused, type Clocked } from './stage.js';

/** Measures the curves, or takes the record that stands in the run folder for the same inputs. */
export async function sweepStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<SweepRecord> {
  const { folder } = session;
  const inputs = measureDigest(session, 'sweep', made);
  const kept = await readRecord(folder, 'sweep.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'sweep');
    return sameWeights(session, 'sweep.json', kept, made);
  }
  return measureStage(session, 'sweep', inputs, made, stages, async (swept, chosen) => {
    const { skipped, notes } = missingOf(session, swept.groups, chosen.missing, basesOf(session, MEASURING.sweep));
    for (const text of notes) session.context.onEvent({ type: 'note', text });
    const head = headOf(session, 'tdc/sweep', inputs);
    const groups = swept.groups.map((group) => withMissing(group, chosen.missing.get(group.name)));
    const record: SweepRecord = {
      ...head,
      notes: [...head.notes, ...notes],
      ...retrainingOf(made),
      ...swept,
      groups,
      skipped,
    };
    await writeRecord(folder, 'sweep.json', record);
    return record;
  });
}

/** As in a comparison, but said only where something is missing. */
function withMissing(group: GroupCurves, missing: ComparedGroup['missing'] | undefined): GroupCurves {
  if (missing === undefined) return group;
  const known = { ...group, missing };
  return known;
}
