import { subSplit } from '../../data/split.js';
import { DataError, UsageError } from '../../errors.js';
import { summarize } from '../../evaluate/measure.js';
import { parseBudget } from '../../recommend/budget.js';
import { checkConstraints, type Constrained } from '../../recommend/space.js';
import type { LatencyRecord, PlanRecord } from '../../records/types.js';
import { isOfOriginal } from '../basis-names.js';
import { selectedKernels } from '../curves.js';
import type { Session } from '../session.js';
import type { Clocked } from '../stage.js';
import type { RunContext, RunOptions } from '../types.js';
import { readBaseline } from './baseline.js';
import { budgetOf, resolveBudget } from './budget.js';
import { halvesOf } from './halves.js';
import { rowsOn } from './judge.js';
import { latencyStage } from './latency-stage.js';
import { planBases } from './weights.js';

/** What a plan stands on beside curves. */
export interface PlanGround {
  readonly baseline?: PlanRecord['baseline'];
  /** Where latency is minimised. */
  readonly table?: LatencyRecord;
}

/**
 * What can be wrong with the words of a plan's options, before a model is opened.
 *
 * @throws UsageError for a budget that is none, and a baseline without a plan; DataError where that cannot be read
 */
export async function checkWords(options: RunOptions, context: RunContext): Promise<void> {
  if (options.budget !== undefined) parseBudget(options.budget);
  await readBaseline({ options, context });
}

/**
 * Everything about a plan that can be wrong, before anything is trained; and what is to be had before.
 *
 * @throws UsageError, DataError
 */
export async function checkPlan(session: Session, stages: Clocked[]): Promise<PlanGround> {
  checkWidths(session);
  checkRows(session);
  const baseline = await readBaseline(session);
  await checkBudget(session);
  const table = session.options.minimize === 'latency' ? await latencyStage(session, stages) : undefined;
  return { ...(baseline === undefined ? {} : { baseline }), ...(table === undefined ? {} : { table }) };
}

function checkRows({ dataset, options: { confidence } }: Session): void {
  const { select, report } = dataset.splits;
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new UsageError(`--confidence must be a number above 0.5 and below 1, got ${confidence}.`);
  }
  if (select.size < 4 || report.size < 2) {
    throw new DataError(
      `A plan needs at least 4 select and 2 report rows, and there are ${select.size} and ${report.size}.`,
      { hint: 'Give both splits rows with --split 60/20/20.' },
    );
  }
}

/** Names and ranges of `min`, `pin` and `roundTo`, and of the bases, by what can be measured. */
function checkWidths(session: Session): void {
  const bases = planBases(session);
  const unit = bases.every(isOfOriginal) ? [] : [{ kind: 'unit' as const }];
  const kernels = bases.some(isOfOriginal) ? selectedKernels(session, session.graph) : [];
  const groups = session.selection.groups.map(({ name, n }): Constrained => ({ name, n, curves: unit }));
  const ranks = kernels.flatMap(({ group, layer, cols }): Constrained[] => {
    const isMain = group !== null && kernels.find((kernel) => kernel.group === group)!.layer === layer;
    return isMain ? [] : [{ name: layer, n: cols, curves: [{ kind: 'rank' }] }];
  });
  checkConstraints([...groups, ...ranks], session.options);
}

/** A budget that means nothing for this model and data is refused. */
async function checkBudget(session: Session): Promise<void> {
  const { dataset, graph, options } = session;
  const budget = budgetOf(session);
  const halves = halvesOf(dataset.splits.select.size, options.seed);
  const rows = await rowsOn(session, graph.program, subSplit(dataset.splits.select, halves.bounding));
  await resolveBudget(session, budget, halves, summarize(rows).loss);
}
