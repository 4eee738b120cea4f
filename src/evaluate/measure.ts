import type { Split } from '../data/types.js';
import type { Program } from '../graph/types.js';
import { judge, type Judged } from '../objective/judge.js';
import { mean, paired, standardError } from '../objective/stats.js';
import type { Objective } from '../objective/types.js';
import type { Measured, PairedMeasured } from '../records/types.js';
import { chunks, outputsOf } from './forward.js';
import type { Masking } from './masks.js';

/** Losses and metrics of every row of a split, gathered chunk by chunk. */
export class RowLosses {
  readonly loss: Float64Array;
  readonly metrics: Record<string, Float64Array>;

  constructor(objective: Objective, rows: number) {
    this.loss = new Float64Array(rows);
    this.metrics = Object.fromEntries(objective.metrics.map(({ name }) => [name, new Float64Array(rows)]));
  }

  put(start: number, judged: Judged): void {
    this.loss.set(judged.loss, start);
    for (const [name, values] of Object.entries(judged.metrics)) this.metrics[name].set(values, start);
  }
}

export interface MeasureOptions {
  readonly objective: Objective;
  readonly split: Split;
  readonly batchSize: number;
  /** The original model: the target of target `self`. */
  readonly reference: Program;
  readonly masked?: Masking;
  /** Awaited between chunks; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/** Loss and metrics of every row, one forward pass over the split. */
export async function measureRows(program: Program, options: MeasureOptions): Promise<RowLosses> {
  const { objective, split, batchSize, masked } = options;
  const rows = new RowLosses(objective, split.size);
  for await (const { start, batch } of chunks(split, batchSize)) {
    await options.pause?.();
    const outputs = await outputsOf(program, batch, masked);
    const reference = objective.self ? await outputsOf(options.reference, batch) : undefined;
    rows.put(start, judge(objective, outputs, batch.target, reference));
  }
  return rows;
}

/** Means over the rows, with the standard error of the loss. */
export function summarize(rows: Pick<RowLosses, 'loss' | 'metrics'>): Measured {
  const metrics = Object.fromEntries(Object.entries(rows.metrics).map(([name, values]) => [name, mean(values)]));
  const loss = mean(rows.loss);
  return { loss, se: standardError(rows.loss, loss), metrics };
}

/** Means over the rows, and the mean rise of the loss over the original's, row by row. */
export function summarizePaired(rows: RowLosses, original: RowLosses): PairedMeasured {
  const { loss, se, metrics } = summarize(rows);
  return { loss, se, ...paired(rows.loss, original.loss), metrics };
}
