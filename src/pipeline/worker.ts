/** A process that runs jobs of a sweep for another one. */
import process from 'node:process';

import { planStage, variantsOf } from './measure-stage.js';
import { graphFrom } from './retrain-stage.js';
import { openSession } from './session.js';
import type { SweepPlan } from '../sweep/sweep.js';
import type { TailRanked } from './tail-rank-stage.js';
import type { RunContext } from './types.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

let plan: Promise<SweepPlan> | undefined;

process.on('message', (message: ToWorker) => {
  if (message.kind === 'open') plan = openPlan(message);
  else void runJob(message.index);
});

async function openPlan(order: ToWorker & { kind: 'open' }): Promise<SweepPlan> {
  const session = await openSession(order.options, contextOf(order.cwd));
  const { retrained: inputs } = order;
  const made =
    inputs === undefined
      ? undefined
      : {
          retrained: await graphFrom(session, 'ordered', inputs),
          ...(order.hasControl ? { control: await graphFrom(session, 'control', inputs) } : {}),
        };
  const tailRanked: TailRanked[] = [];
  for (const ranked of order.tailRanked) {
    tailRanked.push({ ...ranked, graph: await graphFrom(session, ranked.folder, ranked.inputs) });
  }
  return planStage(session, order.stage, variantsOf(session, made), tailRanked);
}

async function runJob(index: number): Promise<void> {
  try {
    const points = await (await plan!).run(index);
    send({ kind: 'points', index, points });
  } catch (error) {
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** A worker measures and says nothing else. */
function contextOf(cwd: string): RunContext {
  return {
    cwd,
    command: '',
    now: () => 0,
    startedAt: '',
    machine: { os: '', cpu: '', cores: 1, memoryBytes: 0 },
    versions: {},
    onEvent: () => {},
  };
}

function send(message: FromWorker): void {
  process.send?.(message);
}
