import type * as tf from '@tensorflow/tfjs';

import type { Split } from '../../data/types.js';
import { chunks } from '../../evaluate/forward.js';
import { summarize, type RowLosses } from '../../evaluate/measure.js';
import { compileProgram } from '../../graph/index.js';
import { riseInterval } from '../../objective/interval.js';
import { deriveSeed } from '../../random/index.js';
import type { BudgetKind, HeldOut } from '../../records/types.js';
import { judgeReport } from '../../recommend/judge.js';
import type { Session } from '../session.js';
import { CHUNK } from '../stage.js';
import { pickRows } from './halves.js';
import { rowsOn, worsening } from './judge.js';

/** More classes than this are no table that anyone reads. */
const MOST_CLASSES = 20;

/** Reads the report split, for the plan alone: what the rows say that decided nothing. */
export async function heldOut(
  session: Session,
  planned: tf.LayersModel,
  budget: { readonly kind: BudgetKind; readonly allowed: number },
  reads: number,
): Promise<HeldOut> {
  const { objective, dataset, graph, options } = session;
  const { report } = dataset.splits;
  const original = await rowsOn(session, graph.program, report);
  const rows = await rowsOn(session, compileProgram(planned), report);
  const interval = (differences: Float64Array, ...labels: string[]) =>
    riseInterval(differences, {
      confidence: options.confidence,
      seed: deriveSeed(options.seed, 'report split', ...labels),
    });
  const rise = interval(worsening(objective, budget.kind, rows, original));
  const metrics = objective.metrics.map(({ name }) => {
    const { delta, low95, high95 } = interval(change(rows, original, name), name);
    return { name, delta, low95, high95 };
  });
  const classes = await byClass(session, (name, which) =>
    interval(pickRows(change(rows, original, name), which), 'class'),
  );
  return {
    original: summarize(original),
    planned: summarize(rows),
    ...rise,
    verdict: judgeReport(rise, budget.allowed),
    examples: report.size,
    reads,
    metrics,
    ...(classes === undefined ? {} : { classes }),
  };
}

/** Planned less original, in the metric's own direction. */
function change(rows: RowLosses, original: RowLosses, name: string): Float64Array {
  return rows.metrics[name].map((value, i) => value - original.metrics[name][i]);
}

/** Change of the chief metric per class, where there are few and each has rows. */
async function byClass(
  { dataset, objective }: Session,
  interval: (metric: string, rows: Int32Array) => { delta: number; low95: number; high95: number },
): Promise<HeldOut['classes']> {
  const { kind, classes = 0, labels } = dataset.target;
  const chief = objective.metrics.at(0);
  if (chief === undefined || kind !== 'classes' || classes > MOST_CLASSES) return undefined;
  const truth = await classesOf(dataset.splits.report);
  // several positions an example have no one class
  if (truth === undefined) return undefined;
  return Array.from({ length: classes }, (_, label) => label).flatMap((label) => {
    const rows = Int32Array.from([...truth.keys()].filter((row) => truth[row] === label));
    if (rows.length === 0) return [];
    const { delta, low95, high95 } = interval(chief.name, rows);
    return [{ label: labels?.[label] ?? String(label), examples: rows.length, delta, low95, high95 }];
  });
}

async function classesOf(split: Split): Promise<Int32Array | undefined> {
  const truth = new Int32Array(split.size);
  for await (const { start, batch } of chunks(split, CHUNK)) {
    const { target } = batch;
    if (!(target?.values instanceof Int32Array) || target.values.length !== batch.size) return undefined;
    truth.set(target.values, start);
  }
  return truth;
}
