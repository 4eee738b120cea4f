import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

import { UsageError } from '../../errors.js';
import { readRecord } from '../../records/store.js';
import type { PlanRecord } from '../../records/types.js';
import type { Session } from '../session.js';

/**
 * The plan of another run, as a run folder or its plan.json names it. Warns where it was made by another loss than the objective's, if one
 * is given.
 *
 * @throws UsageError where there is none; DataError where it cannot be read
 */
export async function readBaseline({
  options,
  context,
  objective,
}: Pick<Session, 'options' | 'context'> & Partial<Pick<Session, 'objective'>>): Promise<PlanRecord['baseline']> {
  const { baseline } = options;
  if (baseline === undefined) return undefined;
  const path = resolve(context.cwd, baseline);
  const info = await stat(path).catch(() => undefined);
  const folder = info?.isDirectory() === true ? path : dirname(path);
  const isPlan = info?.isDirectory() === true || basename(path) === 'plan.json';
  const plan = info !== undefined && isPlan ? await readRecord(folder, 'plan.json') : undefined;
  if (plan === undefined) {
    throw new UsageError(`--baseline ${baseline} is neither a plan.json nor a folder with one.`, {
      hint: 'Name the run folder of the other run, such as main/reports/my-model.',
    });
  }
  if (objective !== undefined && plan.loss.name !== objective.loss) {
    const text = `The baseline was planned by ${plan.loss.name}, this plan is by ${objective.loss}: their losses do not compare.`;
    context.onEvent({ type: 'warning', text });
  }
  const { model, verdict, budget, groups, planned } = plan;
  return { name: model.name, verdict, budget, groups, planned };
}
