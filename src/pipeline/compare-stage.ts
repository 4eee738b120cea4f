import { readRecord, writeRecord } from '../records/store.js';
import type { CompareRecord } from '../records/types.js';
import { sweep } from '../sweep/sweep.js';
import { ALL_BASES, basesOf, chooseCurves } from './curves.js';
import type { Retrained } from './retrain-stage.js';
import { headOf, stageDigest, type Session } from './session.js';
import { keepJobs, variantsOf } from './sweep-stage.js';
import { pauseOf, reused, timed, type Clocked } from './stage.js';

/** Measures every basis on the same rows, or takes the record that stands in the run folder for the same inputs. */
export async function compareStage(
  session: Session,
  made: Retrained | undefined,
  stages: Clocked[],
): Promise<CompareRecord> {
  const { options, folder } = session;
  const { axis, exact, grid, mode } = options;
  const bases = basesOf(session, ALL_BASES);
  const inputs = stageDigest(session, 'compare', { exact, grid, mode, bases, retrained: made?.record.inputs });
  const kept = await readRecord(folder, 'compare.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'compare');
    // the axis is how it is shown, not what was measured
    const record = { ...kept, axis };
    if (kept.axis !== axis) await writeRecord(folder, 'compare.json', record);
    return record;
  }
  return keepJobs(session, inputs, stages, async (store) => {
    const variants = variantsOf(session, made);
    const { swept, chosen } = await timed(session, stages, 'compare', bases.join(', '), async () => {
      const chosen = await chooseCurves(session, variants, bases);
      const { objective, dataset, context } = session;
      const swept = await sweep(variants, {
        objective,
        split: dataset.splits.select,
        exact,
        grid,
        memory: options.memory,
        curves: chosen.curves,
        store,
        onProgress: (done, total, detail) =>
          context.onEvent({ type: 'progress', stage: 'compare', done, total, detail }),
        pause: pauseOf(session),
      });
      return { swept, chosen };
    });
    const groups = swept.groups.map((group) => ({
      ...group,
      kernels: chosen.kernels.get(group.name) ?? [],
      missing: chosen.missing.get(group.name) ?? [],
    }));
    const skipped = session.selection.skipped;
    const record: CompareRecord = { ...headOf(session, 'tdc/compare', inputs), ...swept, axis, groups, skipped };
    await writeRecord(folder, 'compare.json', record);
    return record;
  });
}
