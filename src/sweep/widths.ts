import * as tf from '@tensorflow/tfjs';

import { finish } from '../evaluate/forward.js';
import { masking } from '../evaluate/masks.js';
import { runProgram } from '../graph/index.js';
import type { Program, WidthGroup } from '../graph/types.js';
import type { Outputs } from '../objective/types.js';
import { contribution, disposeLinear, linearOf, nothingKept, shifted, type Linear } from './accumulate.js';
import { checkConstants, withConstants, type Ordered } from './constants.js';
import { consumersOf, type Consumer, type LinearLayer } from './features.js';
import { frontierOf } from './frontier.js';

/** Final numbers of some rows when k units are kept. */
export interface WidthOutputs {
  readonly k: number;
  readonly outputs: Outputs;
}

export interface WidthOptions {
  readonly program: Program;
  readonly basis: Ordered;
  /** Ascending, each 0..n. */
  readonly ks: readonly number[];
  /** How many widths go through the rest of the model in one batch. */
  readonly fold: number;
  /** Awaited between batches; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/**
 * Final numbers of a batch for many widths of one group, one after the other.
 *
 * What does not depend on the group is computed once. Where a Dense or a convolution reads it, its sum grows by what each
 * further unit adds, so that all widths cost one multiplication; then several widths go through the rest in one batch.
 * Elsewhere each width is evaluated with its mask.
 *
 * @param feeds the batch by input value; kept.
 */
export async function* widthOutputs(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  options: WidthOptions,
): AsyncGenerator<WidthOutputs> {
  const { graph, group, constants } = options.basis;
  if (constants !== undefined) checkConstants(graph, group, constants);
  const consumers = consumersOf(options.program, group);
  if (consumers === undefined) yield* masked(feeds, rows, options);
  else yield* summed(feeds, rows, consumers, options);
}

async function* masked(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  { program, basis, ks, pause }: WidthOptions,
): AsyncGenerator<WidthOutputs> {
  const group = reordered(basis);
  const values = frontierOf(program, new Set(group.tailPoints.map((point) => point.reader)));
  const masks = new Map<number, tf.Tensor>();
  const cut = runProgram(program, feeds, { fetch: values, keepMasks: masks });
  const prefix = new Map(values.map((value, i) => [value, cut[i]]));
  const at = basis.constants === undefined ? asTheyAre : withConstants(basis);
  try {
    for (const k of ks) {
      await pause?.();
      const kept = masking([group], new Map([[group.name, k]]));
      yield { k, outputs: await at(k, () => finish(program, prefix, rows, { ...kept, masks })) };
    }
  } finally {
    tf.dispose([...cut, ...masks.values()]);
  }
}

function asTheyAre<T>(_: number, body: () => Promise<T>): Promise<T> {
  return body();
}

/** The same group with its units renamed, so that the first k are those that the order keeps. */
function reordered({ group, order }: Ordered): WidthGroup {
  if (order.every((unit, i) => unit === i)) return group;
  const place = new Int32Array(group.n);
  order.forEach((unit, i) => (place[unit] = i));
  const tailPoints = group.tailPoints.map((point) => ({
    ...point,
    units: point.units === null ? place : point.units.map((unit) => (unit < 0 ? unit : place[unit])),
  }));
  return { ...group, tailPoints };
}

async function* summed(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  consumers: readonly Consumer[],
  options: WidthOptions,
): AsyncGenerator<WidthOutputs> {
  const { program, basis } = options;
  const steps = new Set(consumers.map(({ step }) => step.index));
  const rest = frontierOf(program, steps, true);
  const masks = new Map<number, tf.Tensor>();
  const fetch = [...consumers.map(({ value }) => value), ...rest];
  const cut = runProgram(program, feeds, { fetch, keepMasks: masks });
  const features = cut.slice(0, consumers.length);
  const linears = consumers.map((consumer, i) => linearOf(consumer, features[i], basis.order, basis.constants?.[i]));
  tf.dispose(features);
  const others = new Map(rest.map((value, i) => [value, cut[consumers.length + i]]));
  try {
    yield* grow(
      consumers.map((consumer, i) => ({ consumer, linear: linears[i] })),
      { others, masks, rows },
      options,
    );
  } finally {
    linears.forEach(disposeLinear);
    tf.dispose([...others.values(), ...masks.values()]);
  }
}

/** A consumer with its features and kernel in the order of a basis. */
export interface Growing {
  readonly consumer: Pick<Consumer, 'step' | 'activated'>;
  readonly linear: Linear;
}

/** What the rest of the program reads beside the consumers. */
interface Rest {
  readonly others: ReadonlyMap<number, tf.Tensor>;
  readonly masks: ReadonlyMap<number, tf.Tensor>;
  readonly rows: number;
}

/** Lets the consumers' sums grow from width to width, `fold` widths a batch. */
export async function* grow(
  growing: readonly Growing[],
  { others, masks, rows }: Rest,
  { program, ks, fold, pause }: Pick<WidthOptions, 'program' | 'ks' | 'fold' | 'pause'>,
): AsyncGenerator<WidthOutputs> {
  let sums = growing.map(({ linear }) => nothingKept(linear));
  let kept = 0;
  try {
    for (let start = 0; start < ks.length; start += fold) {
      await pause?.();
      const block = ks.slice(start, start + fold);
      const steps: tf.Tensor[][] = growing.map(() => []);
      for (const k of block) {
        sums = growing.map(({ linear }, i) => advance(linear, sums[i], kept, k));
        sums.forEach((sum, i) => steps[i].push(shifted(growing[i].linear, sum, k)));
        kept = k;
      }
      const outputs = await finishBlock(growing, steps, { others, masks, rows }, program, block.length);
      const size = outputs.values.length / block.length;
      for (const [i, k] of block.entries()) {
        const values = outputs.values.subarray(i * size, (i + 1) * size);
        yield { k, outputs: { values, rows, units: outputs.units } };
      }
    }
  } finally {
    tf.dispose(sums);
  }
}

/** The sum at width k from the sum at width `kept`, which is disposed. */
function advance(linear: Linear, sum: tf.Tensor, kept: number, k: number): tf.Tensor {
  const [from, to] = [linear.ends[kept], linear.ends[k]];
  if (from === to) return sum;
  const next = tf.tidy(() => tf.add(sum, contribution(linear, from, to)));
  sum.dispose();
  return next;
}

/** Runs the rest of the program on several widths at once, stacked along the batch. Disposes the sums. */
async function finishBlock(
  growing: readonly Growing[],
  sums: readonly (readonly tf.Tensor[])[],
  { others, masks, rows }: Rest,
  program: Program,
  count: number,
): Promise<Outputs> {
  const tiled = (tensor: tf.Tensor): tf.Tensor =>
    tf.tile(
      tensor,
      tensor.shape.map((_, i) => (i === 0 ? count : 1)),
    );
  const feeds = tf.tidy(() => {
    const stacked = growing.map(({ consumer, linear }, i): [number, tf.Tensor] => {
      const all = sums[i].length === 1 ? sums[i][0].clone() : tf.concat([...sums[i]], 0);
      return [consumer.step.outputs[0], answer(consumer, linear, all)];
    });
    const rest = [...others].map(([value, tensor]): [number, tf.Tensor] => [value, tiled(tensor)]);
    return [...stacked, ...rest];
  });
  tf.dispose(sums.flat());
  const tiledMasks = new Map([...masks].map(([value, mask]) => [value, tiled(mask)]));
  try {
    return await finish(program, new Map(feeds), rows * count, { masks: tiledMasks });
  } finally {
    tf.dispose([...feeds.map(([, tensor]) => tensor), ...tiledMasks.values()]);
  }
}

/** A consumer's answer from its sum: a 1-D convolution's extra axis taken away, its activation applied. */
function answer({ step, activated }: Growing['consumer'], { kind }: Linear, sum: tf.Tensor): tf.Tensor {
  const layer = step.layer as LinearLayer;
  const shaped = kind === 'convolution' && layer.getClassName() === 'Conv1D' ? tf.squeeze(sum, [1]) : sum;
  return activated && layer.activation !== undefined ? layer.activation.apply(shaped) : shaped;
}
