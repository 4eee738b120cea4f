import * as tf from '@tensorflow/tfjs';

import type { Batch, Split } from '../data/types.js';
import { chunks, feedsOf, finish, outputsOf } from '../evaluate/forward.js';
import { masking } from '../evaluate/masks.js';
import { RowLosses, measureRows, summarize, summarizePaired } from '../evaluate/measure.js';
import { runProgram } from '../graph/index.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import { judge } from '../objective/judge.js';
import type { Objective, Outputs } from '../objective/types.js';
import type { Curve, CurvePoint, GroupCurves, Measured, PairedMeasured, WeightsName } from '../records/types.js';
import { frontierOf } from './frontier.js';
import { GRID_DEFAULTS, gridOf, type GridOptions } from './grid.js';

export interface SweepOptions extends GridOptions {
  readonly objective: Objective;
  /** The split that decides. */
  readonly split: Split;
  /** Rows a chunk. */
  readonly batchSize: number;
  /** Groups to be swept, by name; default all. */
  readonly groups?: readonly string[];
  /** After each measured (weights, group, chunk): steps done of all. */
  readonly onProgress?: (done: number, total: number, detail: string) => void;
  /** Awaited between steps; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const SWEEP_DEFAULTS = { ...GRID_DEFAULTS, batchSize: 500 } as const;

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
 * What does not depend on the group is computed once a chunk; k = n is the full model by the same kernels, so its loss is
 * the full model's to the bit.
 */
export async function sweep(variants: Variants, options: SweepOptions): Promise<Swept> {
  const base = { ...options, reference: variants.original.program };
  const original = await measureRows(variants.original.program, base);
  const full: { retrained?: PairedMeasured; control?: PairedMeasured } = {};
  for (const name of ['retrained', 'control'] as const) {
    const graph = variants[name];
    if (graph !== undefined) full[name] = summarizePaired(await measureRows(graph.program, base), original);
  }
  const groups = await sweepGroups(variants, original, options);
  return { original: summarize(original), ...full, groups };
}

async function sweepGroups(variants: Variants, original: RowLosses, options: SweepOptions): Promise<GroupCurves[]> {
  const selected = variants.original.groups.filter(({ name }) => options.groups?.includes(name) ?? true);
  const swept = (['original', 'retrained'] as const).filter((name) => variants[name] !== undefined);
  const chunkCount = Math.ceil(options.split.size / options.batchSize);
  const total = selected.length * swept.length * chunkCount;
  let done = 0;
  const result: GroupCurves[] = [];
  for (const { name, n, layers, tailPoints } of selected) {
    const curves: Curve[] = [];
    for (const weights of swept) {
      const step = (): void => options.onProgress?.(++done, total, `${name}, ${weights} weights`);
      const points = await sweepGroup(variants[weights]!, variants.original, name, original, options, step);
      curves.push({ basis: 'tail', kind: 'unit', weights, n, points });
    }
    result.push({ name, n, layers, tailPoints: tailPoints.map((point) => point.name), curves });
  }
  return result;
}

async function sweepGroup(
  graph: ModelGraph,
  reference: ModelGraph,
  name: string,
  original: RowLosses,
  options: SweepOptions,
  step: () => void,
): Promise<CurvePoint[]> {
  const { objective, split, batchSize } = options;
  const group = graph.groups.find((candidate) => candidate.name === name)!;
  const ks = gridOf(group.n, options);
  const rows = ks.map(() => new RowLosses(objective, split.size));
  for await (const { start, batch } of chunks(split, batchSize)) {
    await options.pause?.();
    const truth = objective.self ? await outputsOf(reference.program, batch) : undefined;
    const outputs = await widthsOf(graph, group, ks, batch);
    outputs.forEach((output, i) => rows[i].put(start, judge(objective, output, batch.target, truth)));
    step();
  }
  return ks.map((k, i) => ({ k, ...summarizePaired(rows[i], original), ...reference.cost(new Map([[name, k]])) }));
}

/** Final numbers of one chunk for every k: the prefix once, the rest once a k. */
async function widthsOf(graph: ModelGraph, group: WidthGroup, ks: readonly number[], batch: Batch): Promise<Outputs[]> {
  const feeds = feedsOf(graph.program, batch);
  const values = frontierOf(graph.program, group);
  const masks = new Map<number, tf.Tensor>();
  const cut = runProgram(graph.program, feeds, { fetch: values, keepMasks: masks });
  tf.dispose([...feeds.values()]);
  const prefix = new Map(values.map((value, i) => [value, cut[i]]));
  try {
    const outputs: Outputs[] = [];
    for (const k of ks) {
      const masked = masking([group], new Map([[group.name, k]]));
      outputs.push(await finish(graph.program, prefix, batch.size, { ...masked, masks }));
    }
    return outputs;
  } finally {
    tf.dispose([...cut, ...masks.values()]);
  }
}
