import { readRecord, writeRecord } from '../records/store.js';
import type { CompareRecord } from '../records/types.js';
import { basesOf } from './basis-names.js';
import { MEASURING, measureDigest, measureStage, retrainingOf, sameWeights } from './measure-stage.js';
import { missingOf } from './missing.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, type Session } from './session.js';
import { reused, type Clocked } from './stage.js';

/** Measures every basis on the same rows, or takes the record that stands in the run folder for the same inputs. */
export async function compareStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<CompareRecord> {
  const { folder, options } = session;
  const { axis } = options;
  const inputs = measureDigest(session, 'compare', made);
  const kept = await readRecord(folder, 'compare.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'compare');
    // the axis is how it is shown, not what was measured
    if (kept.axis !== axis) await writeRecord(folder, 'compare.json', { ...kept, axis });
    return sameWeights(session, 'compare.json', { ...kept, axis }, made);
  }
  return measureStage(session, 'compare', inputs, made, stages, async (swept, { kernels, missing }) => {
    const groups = swept.groups.map((group) => ({
      ...group,
      kernels: kernels.get(group.name) ?? [],
      missing: missing.get(group.name) ?? [],
    }));
    const head = headOf(session, 'tdc/compare', inputs);
    const record: CompareRecord = {
      ...head,
      ...retrainingOf(made),
      ...swept,
      axis,
      groups,
      skipped: missingOf(session, groups, missing, basesOf(session, MEASURING.compare)).skipped,
    };
    await writeRecord(folder, 'compare.json', record);
    return record;
  });
}
