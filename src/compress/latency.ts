import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { detailOf, readGraph, type ModelGraph } from '../graph/index.js';
import { disposeModel } from '../model/index.js';
import type { LatencyRecord, PlannedGroup } from '../records/types.js';
import { sliceModel } from '../surgery/index.js';
import { predictorOf } from './parity.js';

export interface LatencyOptions {
  /** Runs before the clock counts. */
  readonly warmups?: number;
  /** Runs whose median is taken. */
  readonly runs?: number;
}

export const LATENCY_DEFAULTS = { warmups: 3, runs: 15 } as const;

/** What was measured of a model: the part of a latency record that comes from here. */
export type LatencyTable = Pick<LatencyRecord, 'batch' | 'groups' | 'full'>;

export interface LatencyTableOptions extends LatencyOptions {
  /** Milliseconds from any start. */
  readonly now: () => number;
  /** Groups to be measured, by name; default all. */
  readonly groups?: readonly string[];
  /** Examples a run; default 1. */
  readonly batch?: number;
  /** After each model: models done of all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited between models; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/** Shares of a group's width that are measured; between them lines are drawn. */
const SHARES = [1 / 8, 1 / 4, 1 / 2, 1];

/**
 * Median time of a task.
 * @param run awaited, results and all: a backend that works on its own must have answered
 * @returns milliseconds
 */
export async function measureLatency(
  run: () => Promise<unknown>,
  now: () => number,
  { warmups = LATENCY_DEFAULTS.warmups, runs = LATENCY_DEFAULTS.runs }: LatencyOptions = {},
): Promise<number> {
  if (!(runs >= 1)) throw new UsageError(`A median takes at least one run, received ${runs}.`);
  for (let i = 0; i < warmups; i++) await run();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = now();
    await run();
    times.push(now() - start);
  }
  times.sort((a, b) => a - b);
  const middle = Math.floor(times.length / 2);
  return times.length % 2 === 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
}

/** Time of a model's forward pass on `batch` examples of zeros, answer fetched. */
export async function modelLatency(
  graph: ModelGraph,
  now: () => number,
  { batch = 1, ...options }: LatencyOptions & { readonly batch?: number } = {},
): Promise<number> {
  const predict = predictorOf(graph);
  const inputs = zerosFor(graph, batch);
  const run = async (): Promise<void> => {
    const outputs = predict(inputs);
    try {
      await Promise.all(outputs.map(async (output) => output.data()));
    } finally {
      tf.dispose(outputs);
    }
  };
  try {
    return await measureLatency(run, now, options);
  } finally {
    tf.dispose(inputs);
  }
}

/** Times each group at an eighth, a quarter, half and all of its width, the others full. */
export async function measureLatencyTable(graph: ModelGraph, options: LatencyTableOptions): Promise<LatencyTable> {
  const { now, batch = 1 } = options;
  const chosen = graph.groups.filter(({ name }) => options.groups?.includes(name) ?? true);
  const wanted = chosen.map(({ n }) => [...new Set(SHARES.map((share) => Math.max(1, Math.round(n * share))))]);
  const total = 1 + wanted.reduce((all, ks, i) => all + ks.filter((k) => k < chosen[i].n).length, 0);
  const full = await modelLatency(graph, now, { ...options, batch });
  let done = 1;
  options.onProgress?.(done, total);
  const groups: LatencyTable['groups'][number][] = [];
  for (const [i, { name, n }] of chosen.entries()) {
    const points: { k: number; ms: number }[] = [];
    for (const k of wanted[i]) {
      await options.pause?.();
      const ms = k === n ? full : await widthLatency(graph, name, k, { ...options, batch });
      points.push({ k, ms });
      if (k < n) options.onProgress?.(++done, total);
    }
    groups.push({ name, points });
  }
  return { batch, groups, full };
}

async function widthLatency(
  graph: ModelGraph,
  name: string,
  k: number,
  options: LatencyTableOptions & { readonly batch: number },
): Promise<number> {
  const model = sliceModel(graph, new Map([[name, Int32Array.from({ length: k }, (_, i) => i)]]));
  try {
    const { inputShapes } = detailOf(graph).options;
    const narrow = readGraph(model, inputShapes === undefined ? {} : { inputShapes });
    return await modelLatency(narrow, options.now, options);
  } finally {
    disposeModel(model);
  }
}

/**
 * Predicted milliseconds of a plan: the full model's less what each unit choice saves alone. Two neighbours that both shrink save less together
 * than that in one way (they share a kernel) and more in another (a machine has its own favourite sizes): a prediction, to be measured. A rank saves
 * nothing here: nobody timed it.
 */
export function latencyOf(
  { full, groups }: Pick<LatencyTable, 'groups' | 'full'>,
  plan: readonly PlannedGroup[],
): number {
  const saved = plan.map(({ name, kind, k }) => {
    const known = groups.find((group) => group.name === name);
    return known === undefined || kind === 'rank' ? 0 : full - between(known.points, k);
  });
  return Math.max(0, full - saved.reduce((all, ms) => all + ms, 0));
}

/** On the line between the nearest points; beyond the ends the end. */
function between(points: readonly { readonly k: number; readonly ms: number }[], k: number): number {
  const after = points.findIndex((point) => point.k >= k);
  if (after < 0) return points.at(-1)!.ms;
  if (after === 0) return points[0].ms;
  const [left, right] = [points[after - 1], points[after]];
  return left.ms + ((right.ms - left.ms) * (k - left.k)) / (right.k - left.k);
}

/** Sizes that the model leaves open are those that the graph was read with, else 1. */
function zerosFor(graph: ModelGraph, batch: number): tf.Tensor[] {
  const { inputShapes } = detailOf(graph).options;
  return graph.program.inputs.map((value, i) => {
    const { shape, dtype } = graph.program.values[value];
    const sizes = shape.slice(1).map((size, axis) => size ?? inputShapes?.[i]?.[axis] ?? 1);
    return tf.zeros([batch, ...sizes], dtype === 'int32' ? 'int32' : 'float32');
  });
}
