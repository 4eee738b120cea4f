import { measureLatencyTable } from '../../compress/index.js';
import { UsageError } from '../../errors.js';
import { readRecord, writeRecord } from '../../records/store.js';
import type { LatencyRecord } from '../../records/types.js';
import { TOOL } from '../../version.js';
import { digestOf } from '../digest.js';
import type { Session } from '../session.js';
import { markFolder, pauseOf, reused, timed, type Clocked } from '../stage.js';

/** Times every selected group at some widths on this backend; or takes the table that stands in the run folder for the same model. */
export async function latencyStage(session: Session, stages: Clocked[]): Promise<LatencyRecord> {
  const { folder, loaded, selection, backend, graph, context } = session;
  const groups = selection.groups.map(({ name }) => name);
  const { name, device, variant, threads } = backend.info;
  const on = { name, device, variant, threads };
  const inputs = digestOf({ tool: TOOL, stage: 'latency', model: loaded.file.digest, groups, backend: on });
  const kept = await readRecord(folder, 'latency.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'latency');
    return kept;
  }
  const table = await timed(session, stages, 'latency', `${groups.length} groups`, () =>
    measureLatencyTable(graph, {
      groups,
      now: context.now,
      pause: pauseOf(session),
      onProgress: (done, total) => context.onEvent({ type: 'progress', stage: 'latency', done, total }),
    }),
  );
  if (!(table.full > 0)) {
    throw new UsageError('Latency is measured by a clock, and by this one every forward pass took no time.', {
      hint: 'Give the run a clock in milliseconds, such as now: () => performance.now().',
    });
  }
  const record: LatencyRecord = {
    schema: 'tdc/latency',
    version: 1,
    tool: TOOL,
    inputs,
    backend: backend.info,
    ...table,
  };
  await markFolder(session, stages);
  await writeRecord(folder, 'latency.json', record);
  return record;
}
