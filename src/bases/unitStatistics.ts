import * as tf from '@tensorflow/tfjs';

import { DataError } from '../errors.js';
import { runProgram } from '../graph/index.js';
import type { ModelGraph, TailPoint, WidthGroup } from '../graph/types.js';
import { createRandom, deriveSeed, type Random } from '../random/index.js';
import { openGates, passGate, placeKey, placesOf, type Places } from './gates.js';
import { UnitMoments } from './moments.js';
import { chunksOf, gradientsOf, PASS_DEFAULTS, targetsFor, type Chunk, type PassOptions } from './passes.js';

export interface UnitStatisticsOptions extends PassOptions {
  /** Groups to be measured, by name; default all. */
  readonly groups?: readonly string[];
  /** Whether `taylor` is wanted, which takes a backward pass. Default true. */
  readonly gradients?: boolean;
}

export const UNIT_STATISTICS_DEFAULTS = { ...PASS_DEFAULTS, gradients: true } as const;

/** Activations of one group at one tail point, over examples and positions; [n] each. */
export interface PointStatistics {
  readonly name: string;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly meanSquare: Float64Array;
}

export interface UnitStatistics {
  readonly group: string;
  readonly n: number;
  /** Examples read. */
  readonly rows: number;
  /** In the order of the group's tail points. */
  readonly points: readonly PointStatistics[];
  /**
   * [n]: mean over examples of |Σ activation x gradient|, the sum over positions and tail points: the first-order change of an example's loss
   * when the unit is taken away (Molchanov et al. 2017, arXiv 1611.06440). Null where it was not asked for.
   */
  readonly taylor: Float64Array | null;
}

/**
 * One pass over some examples: what `magnitude`, `variance` and `taylor` order by, for all groups at once. With target `self` the gradients are
 * those of labels drawn from the outputs: the empirical ones vanish there.
 *
 * @returns by group name
 * @throws DataError where there are no rows, or an activation or gradient is not finite
 */
export async function collectUnitStatistics(
  graph: ModelGraph,
  options: UnitStatisticsOptions,
): Promise<Map<string, UnitStatistics>> {
  const groups = graph.groups.filter(({ name }) => options.groups?.includes(name) ?? true);
  const run: Run = {
    graph,
    groups,
    places: placesOf(groups),
    moments: groups.map(({ n, tailPoints }) => tailPoints.map(() => new UnitMoments(n))),
    taylor: groups.map(({ n }) => new Float64Array(n)),
    draw: options.objective.self ? createRandom(deriveSeed(options.seed, 'taylor labels')) : null,
  };
  let rows = 0;
  for await (const chunk of chunksOf(graph.program, options)) {
    rows += chunk.batch.size;
    await readChunk(run, chunk, options);
  }
  if (rows === 0) throw new DataError('Units can only be ordered by activations of examples, and there are none.');
  return new Map(groups.map((group, i) => [group.name, statisticsOf(run, group, i, rows, options)]));
}

interface Run {
  readonly graph: ModelGraph;
  readonly groups: readonly WidthGroup[];
  readonly places: Places;
  readonly moments: readonly (readonly UnitMoments[])[];
  readonly taylor: readonly Float64Array[];
  readonly draw: Random | null;
}

function statisticsOf(
  { moments, taylor }: Run,
  { name, n, tailPoints }: WidthGroup,
  index: number,
  rows: number,
  { gradients = UNIT_STATISTICS_DEFAULTS.gradients }: UnitStatisticsOptions,
): UnitStatistics {
  const points = moments[index].map(({ mean, variance, meanSquare }, i) => ({
    name: tailPoints[i].name,
    mean,
    variance,
    meanSquare,
  }));
  const scores = gradients ? taylor[index].map((sum) => sum / rows) : null;
  const finite = [...points.map(({ meanSquare }) => meanSquare), scores ?? []].every((list) =>
    list.every(Number.isFinite),
  );
  if (!finite) {
    throw new DataError(`Group "${name}" has an activation or a gradient that is not finite.`, {
      hint: 'Check the scale of the data with --scale.',
    });
  }
  return { group: name, n, rows, points, taylor: scores };
}

async function readChunk(run: Run, chunk: Chunk, options: UnitStatisticsOptions): Promise<void> {
  const seen: Seen[] = [];
  let outputs: tf.Tensor[] = [];
  try {
    outputs = runProgram(run.graph.program, chunk.feeds, {
      logits: true,
      tap: (value, reader, tensor) => {
        for (const { point, group, index } of run.places.get(placeKey(value, reader)) ?? []) {
          seen.push({ point, moments: run.moments[group][index], ...positionMoments(tensor, point.axis) });
        }
        return tensor;
      },
    });
    for (const each of seen) await addPositions(each);
    if (options.gradients ?? UNIT_STATISTICS_DEFAULTS.gradients) await addGradients(run, chunk, outputs, options);
  } finally {
    tf.dispose([...outputs, ...seen.flatMap(({ mean, squares }) => [mean, squares])]);
  }
}

interface Seen {
  readonly point: TailPoint;
  readonly moments: UnitMoments;
  /** Numbers per position of the feature axis. */
  readonly count: number;
  readonly mean: tf.Tensor;
  /** Sums of squared distances from the mean. */
  readonly squares: tf.Tensor;
}

function positionMoments(tensor: tf.Tensor, axis: number): Pick<Seen, 'count' | 'mean' | 'squares'> {
  const size = tensor.shape[axis];
  const [mean, squares] = tf.tidy(() => {
    const numbers = tf.cast(tensor, 'float32');
    const axes = tensor.shape.map((_, i) => i).filter((i) => i !== axis);
    const center = tf.mean(numbers, axes, true);
    const sums = tf.sum(tf.square(tf.sub(numbers, center)), axes);
    return [tf.keep(tf.reshape(center, [size])), tf.keep(sums)];
  });
  return { count: tensor.size / size, mean, squares };
}

async function addPositions({ point, moments, count, mean, squares }: Seen): Promise<void> {
  const [means, sums] = [await mean.data(), await squares.data()];
  for (let position = 0; position < means.length; position++) {
    const unit = point.units === null ? position : point.units[position];
    if (unit >= 0) moments.add(unit, count, means[position], sums[position]);
  }
}

async function addGradients(
  { graph, groups, places, taylor, draw }: Run,
  { batch, feeds }: Chunk,
  outputs: readonly tf.Tensor[],
  { objective }: UnitStatisticsOptions,
): Promise<void> {
  const targets = await targetsFor(objective, outputs, batch, draw);
  const gates = openGates(groups, batch.size);
  const gradients = gradientsOf(objective, gates, targets, batch.size, (opened) =>
    runProgram(graph.program, feeds, {
      logits: true,
      tap: (value, reader, tensor) =>
        (places.get(placeKey(value, reader)) ?? []).reduce(
          (gated, { point, group }) => passGate(gated, point, opened[group]),
          tensor,
        ),
    }),
  );
  try {
    for (let group = 0; group < groups.length; group++) {
      const [values, n] = [await gradients[group].data(), groups[group].n];
      for (let i = 0; i < values.length; i++) taylor[group][i % n] += Math.abs(values[i]);
    }
  } finally {
    tf.dispose([...gates, ...gradients]);
  }
}
