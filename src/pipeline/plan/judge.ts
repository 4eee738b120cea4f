import type * as tf from '@tensorflow/tfjs';

import type { Split } from '../../data/types.js';
import { DataError } from '../../errors.js';
import { measureRows, summarize, type RowLosses } from '../../evaluate/measure.js';
import { compileProgram } from '../../graph/index.js';
import type { Program } from '../../graph/types.js';
import { intervalsOf } from '../../objective/interval.js';
import type { Objective } from '../../objective/types.js';
import { deriveSeed } from '../../random/index.js';
import type { BudgetKind, Measured, RiseInterval } from '../../records/types.js';
import type { JointPoint } from '../../recommend/types.js';
import { rowsOf } from '../../sweep/chunk-size.js';
import type { Session } from '../session.js';
import { pauseOf } from '../stage.js';
import type { Halves } from './halves.js';
import { pickRows } from './halves.js';

/** Judges models on select against the original, in the budget's unit. */
export interface Judge {
  readonly original: RowLosses;
  readonly halves: Halves;
  /** Losses and metrics of every row of select. */
  readonly rows: (model: tf.LayersModel) => Promise<RowLosses>;
  /** Both halves. */
  readonly point: (rows: RowLosses) => JointPoint;
  /** Rise on the bounding half alone. */
  readonly bound: (rows: RowLosses) => Measured & RiseInterval;
}

/** Measures the original on select and judges by it. */
export async function createJudge(session: Session, halves: Halves, kind: BudgetKind): Promise<Judge> {
  const { objective, dataset, graph, options } = session;
  const { select } = dataset.splits;
  const original = await rowsOn(session, graph.program, select);
  const { confidence } = options;
  const intervals = (which: Int32Array, name: string): ((rows: RowLosses) => RiseInterval) => {
    const interval = intervalsOf(which.length, { confidence, seed: deriveSeed(options.seed, name) });
    return (rows) => interval(pickRows(worsening(objective, kind, rows, original), which));
  };
  const steer = intervals(halves.steering, 'steering half');
  const riseOn = intervals(halves.bounding, 'bounding half');
  const bound: Judge['bound'] = (rows) => ({ ...summarizeSome(rows, halves.bounding), ...riseOn(rows) });
  return {
    original,
    halves,
    rows: async (model) => finite(await rowsOn(session, compileProgram(model), select)),
    point: (rows) => ({ steer: steer(rows), bound: bound(rows) }),
    bound,
  };
}

/** No bound can be had of a loss that is no number; a record could not hold it either. */
function finite(rows: RowLosses): RowLosses {
  const odd = rows.loss.find((loss) => !Number.isFinite(loss));
  if (odd === undefined) return rows;
  throw new DataError(`The loss of a model with several narrowed groups is ${odd} on a row, not a finite number.`, {
    hint: 'Check the scale of the data with --scale, or leave a layer out with --exclude.',
  });
}

/** Losses and metrics of every row of a split. */
export async function rowsOn(session: Session, program: Program, split: Split): Promise<RowLosses> {
  const { objective, graph, options } = session;
  const batchSize = rowsOf(program, options);
  return measureRows(program, { objective, split, batchSize, reference: graph.program, pause: pauseOf(session) });
}

/** Means over some rows. */
export function summarizeSome(rows: RowLosses, which: Int32Array): Measured {
  return summarize({
    loss: pickRows(rows.loss, which),
    metrics: Object.fromEntries(Object.entries(rows.metrics).map(([name, values]) => [name, pickRows(values, which)])),
  });
}

/** Row by row, positive = worse: the loss's rise, or the fall of the chief metric, whichever way it is better. */
export function worsening(objective: Objective, kind: BudgetKind, rows: RowLosses, original: RowLosses): Float64Array {
  if (kind !== 'metric') return rows.loss.map((loss, i) => loss - original.loss[i]);
  const { name, better } = objective.metrics[0];
  const [now, before] = [rows.metrics[name], original.metrics[name]];
  return now.map((value, i) => (better === 'higher' ? before[i] - value : value - before[i]));
}

/** The same of a curve's means, for planning; metrics carry no standard error of their own there. */
export function riseOf(
  objective: Objective,
  kind: BudgetKind,
  point: { readonly delta: number; readonly deltaSe: number; readonly metrics: Readonly<Record<string, number>> },
  original: Measured,
): { readonly delta: number; readonly deltaSe: number } {
  if (kind !== 'metric') return { delta: point.delta, deltaSe: point.deltaSe };
  const { name, better } = objective.metrics[0];
  const change = point.metrics[name] - original.metrics[name];
  return { delta: better === 'higher' ? -change : change, deltaSe: 0 };
}
