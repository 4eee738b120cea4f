import { subSplit } from '../../data/split.js';
import { UsageError } from '../../errors.js';
import { chunks, outputsOf } from '../../evaluate/forward.js';
import { constantLoss, constantSelfLoss } from '../../objective/constant.js';
import { activate } from '../../objective/judge.js';
import { allowedRise, nearZeroWarning, parseBudget, type Budget } from '../../recommend/budget.js';
import type { BudgetInfo } from '../../records/types.js';
import type { Session } from '../session.js';
import { CHUNK } from '../stage.js';
import { targetOf } from '../warnings.js';
import type { Halves } from './halves.js';

/** The budget that a run asks for; by default 1 %, or explained:0.01 where the target is the model's own output. */
export function budgetOf({ options, objective }: Session): Budget {
  const standard = objective.self ? 'explained:0.01' : 0.01;
  const budget = parseBudget(options.budget ?? standard);
  if (budget.kind === 'relative' && objective.self) {
    throw new UsageError(
      "A relative budget needs a loss above 0, and against the model's own outputs the original's is 0.",
      { hint: 'Give the budget as explained:0.01.' },
    );
  }
  if (budget.kind === 'metric' && objective.metrics.length === 0) {
    throw new UsageError('A budget in the metric needs one, and with this target nothing but the loss is measured.', {
      hint: 'Give the budget in the loss: --budget explained:0.01.',
    });
  }
  return budget;
}

/** What the budget allows on the bounding half, with a word where a relative one is hardly of use. */
export async function resolveBudget(
  session: Session,
  budget: Budget,
  halves: Halves,
  originalLoss: number,
): Promise<{ readonly info: BudgetInfo; readonly note?: string }> {
  const constant = await constantOn(session, halves.bounding);
  const base = { originalLoss, ...(Number.isNaN(constant) ? {} : { constantLoss: constant }) };
  const allowed = allowedRise(budget, base);
  const note = nearZeroWarning(budget, base);
  return { info: { kind: budget.kind, value: budget.value, allowed }, ...(note === undefined ? {} : { note }) };
}

/** Loss of the best constant answer on some rows of select. */
async function constantOn(session: Session, rows: Int32Array): Promise<number> {
  const { objective, dataset, graph } = session;
  const { program } = graph;
  const some = subSplit(dataset.splits.select, rows);
  if (!objective.self) {
    const { shape } = program.values[program.outputs[0]];
    return constantLoss(objective, await targetOf(some), shape.at(-1) ?? 1);
  }
  const parts: Float32Array[] = [];
  let units = 1;
  for await (const { batch } of chunks(some, CHUNK)) {
    const outputs = await outputsOf(program, batch);
    units = outputs.units;
    parts.push(activate(objective, outputs));
  }
  const numbers = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    numbers.set(part, at);
    at += part.length;
  }
  return constantSelfLoss(objective, numbers, units);
}
