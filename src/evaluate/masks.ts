import type * as tf from '@tensorflow/tfjs';

import type { RunOptions } from '../graph/index.js';
import type { TailPoint, WidthGroup } from '../graph/types.js';
import { keepFirst, keepPrefixes } from '../layers/index.js';

/** How many units of a group are kept: the same for all examples, or one number an example. */
export type Kept = number | Int32Array;

/** Replaces what readers read, so that only the first units of some groups are seen; goes into runProgram's options. */
export type Masking = Required<Pick<RunOptions, 'tap'>>;

/**
 * Keeps the first k units of each group at all its tail points, one k a group (and example): every tail point of a group
 * reads the same draw, and so does the recurrent kernel of a recurrent layer in the group.
 */
export function masking(groups: readonly WidthGroup[], kept: ReadonlyMap<string, Kept>): Masking {
  const masked = groups.filter(({ name }) => kept.has(name));
  const points = new Map<string, { readonly point: TailPoint; readonly group: WidthGroup }[]>();
  for (const group of masked) {
    for (const point of group.tailPoints) {
      const key = `${point.value} ${point.reader}`;
      points.set(key, [...(points.get(key) ?? []), { point, group }]);
    }
  }
  return {
    tap: (value, reader, tensor) => {
      const here = points.get(`${value} ${reader}`) ?? [];
      return here.reduce((seen, { point, group }) => maskAt(seen, point, group.n, kept.get(group.name)!), tensor);
    },
  };
}

function maskAt(
  tensor: tf.Tensor,
  { axis, units }: Pick<TailPoint, 'axis' | 'units'>,
  n: number,
  kept: Kept,
): tf.Tensor {
  if (kept === n) return tensor;
  if (typeof kept === 'number' && units === null) return keepFirst(tensor, kept, axis);
  const ks = typeof kept === 'number' ? Int32Array.of(kept) : kept;
  return keepPrefixes(tensor, ks, { axis, units });
}
