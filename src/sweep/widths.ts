import type * as tf from '@tensorflow/tfjs';

import { finish } from '../evaluate/forward.js';
import { masking } from '../evaluate/masks.js';
import type { Program, WidthGroup } from '../graph/types.js';
import { checkConstants, withConstants, type Ordered } from './constants.js';
import { consumersOf, type Consumer } from './features.js';
import { frontierOf } from './frontier.js';
import { grown, growingOf, type Cut, type Measuring, type WidthOptions, type WidthOutputs } from './growth.js';
import { mixingOf } from './mixing.js';

/**
 * How many widths of one group are measured.
 *
 * What does not depend on the group is read from the chunk. Where a Dense or a convolution reads the group, its sum grows by what each
 * further unit adds, so that all widths cost one multiplication; then several widths go through the rest in one batch.
 * Elsewhere each width is evaluated with its mask.
 *
 * @throws UsageError where constants are given that the group's readers cannot hold
 */
export async function measureWidths(basis: Ordered, options: WidthOptions): Promise<Measuring> {
  const { graph, group, constants } = basis;
  if (constants !== undefined) checkConstants(graph, group, constants);
  const consumers = consumersOf(options.program, group);
  return consumers === undefined ? masked(basis, options) : summed(basis, consumers, options);
}

/** Values that measuring a group's widths reads of a chunk. */
export function widthReads(program: Program, group: WidthGroup): readonly number[] {
  const consumers = consumersOf(program, group);
  if (consumers === undefined) return frontierOf(program, new Set(group.tailPoints.map((point) => point.reader)));
  return [...new Set([...consumers.map(({ value }) => value), ...restReads(program, consumers)])];
}

function restReads(program: Program, layers: readonly Pick<Consumer, 'step'>[]): readonly number[] {
  return frontierOf(program, new Set(layers.map(({ step }) => step.index)), true);
}

function masked(basis: Ordered, { program, ks, pause }: WidthOptions): Measuring {
  const group = reordered(basis);
  const at = basis.constants === undefined ? asTheyAre : withConstants(basis);
  return {
    reads: widthReads(program, basis.group),
    outputs: async function* ({ values, masks }, rows) {
      for (const k of ks) {
        await pause?.();
        const kept = masking([group], new Map([[group.name, k]]));
        yield wholeWidth(k, rows, await at(k, () => finish(program, values, rows, { ...kept, masks })));
      }
    },
    dispose: () => {},
  };
}

/** Every row's answer at one width. */
export function wholeWidth(k: number, rows: number, outputs: WidthOutputs['outputs']): WidthOutputs {
  const all = Int32Array.from({ length: rows }, (_, row) => row);
  return { ks: [k], from: 0, to: rows, widths: new Int32Array(rows), rows: all, outputs };
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

async function summed(
  { group, order, constants }: Ordered,
  consumers: readonly Consumer[],
  options: WidthOptions,
): Promise<Measuring> {
  const { program } = options;
  const rest = restReads(program, consumers);
  const layers = await Promise.all(
    consumers.map(async (consumer, i) => {
      const size = program.values[consumer.value].shape.at(-1)!;
      return { ...consumer, mixing: await mixingOf(consumer, size, order, constants?.[i]) };
    }),
  );
  const growing = await growingOf(layers);
  return {
    reads: widthReads(program, group),
    outputs: (cut, rows) => {
      const inputs = consumers.map(({ value }) => cut.values.get(value)!);
      return grown(growing, inputs, restOf(cut, rest), rows, options);
    },
    dispose: () => growing.forEach(({ maker }) => maker.dispose()),
  };
}

/** A chunk with only what the rest of a program reads. */
export function restOf({ values, masks }: Cut, rest: readonly number[]): Cut {
  return { values: new Map(rest.map((value): [number, tf.Tensor] => [value, values.get(value)!])), masks };
}
