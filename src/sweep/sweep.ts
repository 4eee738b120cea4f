import * as tf from '@tensorflow/tfjs';

import type { Split } from '../data/types.js';
import { chunks, feedsOf, outputsOf } from '../evaluate/forward.js';
import { RowLosses, measureRows, summarize, summarizePaired } from '../evaluate/measure.js';
import type { ModelGraph } from '../graph/types.js';
import { judge } from '../objective/judge.js';
import type { Objective } from '../objective/types.js';
import type { Curve, CurvePoint, GroupCurves, Measured, PairedMeasured, WeightsName } from '../records/types.js';
import { foldOf, MEMORY_DEFAULTS, rowsOf, type MemoryOptions } from './chunk-size.js';
import { GRID_DEFAULTS, gridOf, type GridOptions } from './grid.js';
import { cutWidths, type JobStore, type SweepJob } from './jobs.js';
import { widthOutputs } from './widths.js';

export interface SweepOptions extends GridOptions, MemoryOptions {
  readonly objective: Objective;
  /** The split that decides. */
  readonly split: Split;
  /** Groups to be swept, by name; default all. */
  readonly groups?: readonly string[];
  /** Keeps what is finished; default: nothing is kept. */
  readonly store?: JobStore;
  /** After each batch of rows: widths measured, in hundredths of jobs done of all. */
  readonly onProgress?: (done: number, total: number, detail: string) => void;
  /** Awaited between steps; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const SWEEP_DEFAULTS = { ...GRID_DEFAULTS, ...MEMORY_DEFAULTS } as const;

/** Models with the same groups: the original, and what retraining made of it. */
export type Variants = Readonly<{ original: ModelGraph } & Partial<Record<WeightsName, ModelGraph>>>;

export interface Swept {
  readonly original: Measured;
  readonly retrained?: PairedMeasured;
  readonly control?: PairedMeasured;
  readonly groups: readonly GroupCurves[];
}

/**
 * Measures the loss of each group kept to its first k units, the other groups full, for the original's and the retrained
 * weights; every point is paired, row by row, against the ORIGINAL model at full width.
 *
 * The list of jobs depends on the options alone. What a store has is not measured again; the result is the same.
 */
export async function sweep(variants: Variants, options: SweepOptions): Promise<Swept> {
  const full = await measureFull(variants, options);
  const jobs = listJobs(variants, options);
  const points = new Map<SweepJob, readonly CurvePoint[]>();
  for (const [done, job] of jobs.entries()) {
    const kept = await options.store?.get(job);
    const made =
      kept ?? (await runJob(job, variants, full, options, (share) => tell(options, done + share, jobs, job)));
    if (kept === undefined) await options.store?.put(job, made);
    points.set(job, made);
    tell(options, done + 1, jobs, job);
  }
  return { ...summaries(full), groups: curvesOf(variants, jobs, points) };
}

/** Losses of every row at full width, by weights. */
type Full = ReadonlyMap<WeightsName, RowLosses>;

async function measureFull(variants: Variants, options: SweepOptions): Promise<Full> {
  const { objective, split, pause } = options;
  const reference = variants.original.program;
  const full = new Map<WeightsName, RowLosses>();
  for (const [name, graph] of Object.entries(variants) as [WeightsName, ModelGraph][]) {
    const batchSize = rowsOf(graph.program, options);
    const rows = { objective, split, batchSize, reference, ...(pause === undefined ? {} : { pause }) };
    full.set(name, await measureRows(graph.program, rows));
  }
  return full;
}

function summaries(full: Full): Omit<Swept, 'groups'> {
  const original = full.get('original')!;
  const paired = (name: WeightsName): PairedMeasured | undefined => {
    const rows = full.get(name);
    return rows === undefined ? undefined : summarizePaired(rows, original);
  };
  const [retrained, control] = [paired('retrained'), paired('control')];
  return {
    original: summarize(original),
    ...(retrained === undefined ? {} : { retrained }),
    ...(control === undefined ? {} : { control }),
  };
}

/** Every curve, cut into jobs; the control's widths are not measured, it has no order. */
function listJobs(variants: Variants, options: SweepOptions): readonly SweepJob[] {
  const groups = variants.original.groups.filter(({ name }) => options.groups?.includes(name) ?? true);
  const swept = (['original', 'retrained'] as const).filter((name) => variants[name] !== undefined);
  return groups.flatMap(({ name: group, n }) =>
    swept.flatMap((weights) => cutWidths(gridOf(n, options)).map((ks) => ({ weights, group, basis: 'tail', ks }))),
  );
}

/** One job: prefix once a chunk of rows, then width by width. At k = n the losses are those of the full model. */
async function runJob(
  job: SweepJob,
  variants: Variants,
  full: Full,
  options: SweepOptions,
  onShare: (share: number) => void,
): Promise<readonly CurvePoint[]> {
  const { objective, split } = options;
  const graph = variants[job.weights]!;
  const group = graph.groups.find(({ name }) => name === job.group)!;
  const narrowed = job.ks.filter((k) => k < group.n);
  const rows = new Map(narrowed.map((k) => [k, new RowLosses(objective, split.size)]));
  const size = rowsOf(graph.program, options);
  const order = Int32Array.from({ length: group.n }, (_, i) => i);
  const fold = foldOf(size, graph.program, options);
  for await (const { start, batch } of chunks(split, size)) {
    const truth = objective.self ? await outputsOf(variants.original.program, batch) : undefined;
    const feeds = feedsOf(graph.program, batch);
    try {
      const { program } = graph;
      const pause = options.pause === undefined ? {} : { pause: options.pause };
      const widths = { program, basis: { group, order }, ks: narrowed, fold, ...pause };
      for await (const { k, outputs } of widthOutputs(feeds, batch.size, widths)) {
        rows.get(k)!.put(start, judge(objective, outputs, batch.target, truth));
      }
    } finally {
      tf.dispose([...feeds.values()]);
    }
    onShare((start + batch.size) / split.size);
  }
  return job.ks.map((k) => {
    const measured = summarizePaired(rows.get(k) ?? full.get(job.weights)!, full.get('original')!);
    return { k, ...measured, ...variants.original.cost(new Map([[job.group, k]])) };
  });
}

function curvesOf(
  variants: Variants,
  jobs: readonly SweepJob[],
  points: ReadonlyMap<SweepJob, readonly CurvePoint[]>,
): readonly GroupCurves[] {
  const names = new Set(jobs.map(({ group }) => group));
  const groups = variants.original.groups.filter(({ name }) => names.has(name));
  return groups.map(({ name, n, layers, tailPoints }) => {
    const own = jobs.filter(({ group }) => group === name);
    const keys = [...new Set(own.map(({ weights, basis }) => `${weights} ${basis}`))];
    const curves = keys.map((key): Curve => {
      const parts = own.filter(({ weights, basis }) => `${weights} ${basis}` === key);
      const { weights, basis } = parts[0];
      return { basis, kind: 'unit', weights, n, points: parts.flatMap((job) => points.get(job)!) };
    });
    return { name, n, layers, tailPoints: tailPoints.map((point) => point.name), curves };
  });
}

/** Progress in hundredths of a job. */
function tell(options: SweepOptions, done: number, jobs: readonly SweepJob[], job: SweepJob): void {
  options.onProgress?.(Math.round(done * 100), jobs.length * 100, `${job.group}, ${job.weights} weights`);
}
