/** A process that runs jobs of a sweep for another one. */
import process from 'node:process';

import { TdcError } from '../errors.js';
import { planStage, variantsOf } from './measure-stage.js';
import { graphFrom } from './stamped.js';
import { openSession } from './session.js';
import type { SweepPlan } from '../sweep/sweep.js';
import type { TailRanked } from './tail-rank-stage.js';
import { fullContext } from './types.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

let plan: Promise<SweepPlan> | undefined;

// nobody is left to answer
process.on('disconnect', () => process.exit());

process.on('message', (message: ToWorker) => {
  if (message.kind === 'open') {
    plan = openPlan(message);
    // told when the first job asks for it
    plan.catch(() => {});
  } else void runJob(message.index);
});

async function openPlan(order: ToWorker & { kind: 'open' }): Promise<SweepPlan> {
  const session = await openSession(order.options, fullContext({ cwd: order.cwd }));
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
    const { code, exitCode, hint } =
      error instanceof TdcError ? error : { code: 'unexpected', exitCode: 1, hint: undefined };
    const message = error instanceof Error ? error.message : String(error);
    send({ kind: 'failed', code, exitCode, message, ...(hint === undefined ? {} : { hint }) });
  }
}

function send(message: FromWorker): void {
  process.send?.(message);
}
