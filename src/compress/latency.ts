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

/** A model is run for about this many milliseconds before the clock counts, and as long again while it does. */
const LONG_ENOUGH = 60;
const [FEWEST, MOST] = [5, 300];
/** It is timed again while that still makes it faster than this share of the last time: the compiler has several goes at it. */
const [SETTLED, MOST_BLOCKS] = [0.95, 6];

/** What was measured of a model: the part of a latency record that comes from here. */
export type LatencyTable = Pick<LatencyRecord, 'batch' | 'groups' | 'full'> & { readonly smallest: number };

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
    // a few runs of a small model are mostly the compiler at work
    const first = await measureLatency(run, now, { warmups: 1, runs: 3 });
    const often = Math.max(FEWEST, Math.min(MOST, Math.ceil(LONG_ENOUGH / first)));
    const block = { warmups: often, runs: often, ...options };
    let best = await measureLatency(run, now, block);
    // what takes long by itself is not the compiler
    const most = often > FEWEST ? MOST_BLOCKS : 1;
    for (let blocks = 1; blocks < most; blocks++) {
      const next = await measureLatency(run, now, block);
      const isSettled = next > SETTLED * best;
      best = Math.min(best, next);
      if (isSettled) break;
    }
    return best;
  } finally {
    tf.dispose(inputs);
  }
}

/** Times each group at an eighth, a quarter, half and all of its width, the others full; and the model with all of them at an eighth. */
export async function measureLatencyTable(graph: ModelGraph, options: LatencyTableOptions): Promise<LatencyTable> {
  const { now, batch = 1 } = options;
  const chosen = graph.groups.filter(({ name }) => options.groups?.includes(name) ?? true);
  const wanted = chosen.map(({ n }) => [...new Set(SHARES.map((share) => Math.max(1, Math.round(n * share))))]);
  const total = 2 + wanted.reduce((all, ks, i) => all + ks.filter((k) => k < chosen[i].n).length, 0);
  // the first of all finds a machine that is not warm yet
  await modelLatency(graph, now, { ...options, batch });
  const full = await modelLatency(graph, now, { ...options, batch });
  let done = 1;
  options.onProgress?.(done, total);
  const groups: LatencyTable['groups'][number][] = [];
  for (const [i, { name, n }] of chosen.entries()) {
    const points: { k: number; ms: number }[] = [];
    for (const k of wanted[i]) {
      await options.pause?.();
      const ms = k === n ? full : await widthLatency(graph, new Map([[name, k]]), { ...options, batch });
      points.push({ k, ms });
      if (k < n) options.onProgress?.(++done, total);
    }
    groups.push({ name, points });
  }
  const least = new Map(chosen.map(({ name }, i) => [name, wanted[i][0]]));
  const smallest = await widthLatency(graph, least, { ...options, batch });
  options.onProgress?.(total, total);
  return { batch, groups, full, smallest };
}

async function widthLatency(
  graph: ModelGraph,
  widths: ReadonlyMap<string, number>,
  options: LatencyTableOptions & { readonly batch: number },
): Promise<number> {
  const keep = [...widths].map(([name, k]) => [name, Int32Array.from({ length: k }, (_, i) => i)] as const);
  const model = sliceModel(graph, new Map(keep));
  try {
    const { inputShapes } = detailOf(graph).options;
    const narrow = readGraph(model, inputShapes === undefined ? {} : { inputShapes });
    return await modelLatency(narrow, options.now, options);
  } finally {
    disposeModel(model);
  }
}

/**
 * Predicted milliseconds of a plan. What lies above the smallest model's time is shared out: each group leaves the share of it that it leaves
 * alone, and the shares are multiplied, as the sizes of a kernel between two groups are. A prediction, to be measured. A rank saves nothing
 * here: nobody timed it.
 */
export function latencyOf(
  { full, smallest, groups }: Pick<LatencyTable, 'groups' | 'full' | 'smallest'>,
  plan: readonly PlannedGroup[],
): number {
  const above = full - smallest;
  if (!(above > 0)) return full;
  const shares = plan.map(({ name, kind, k }) => {
    const known = groups.find((group) => group.name === name);
    if (known === undefined || kind === 'rank') return 1;
    return Math.max(0, Math.min(1, (between(rising(known.points), k) - smallest) / above));
  });
  return smallest + above * shares.reduce((all, share) => all * share, 1);
}

/** A clock is noisy: no width is slower than a larger one. */
function rising(points: LatencyTable['groups'][number]['points']): LatencyTable['groups'][number]['points'] {
  return points.map(({ k }, i) => ({ k, ms: Math.min(...points.slice(i).map(({ ms }) => ms)) }));
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
