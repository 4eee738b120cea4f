import type { Gather } from './scaling.js';
import { product } from './raw.js';
import type { Batch, HostArray, Split } from './types.js';

/** One file's examples, ready to be gathered by row. */
export interface Source {
  readonly inputs: readonly Gather[];
  readonly target: HostArray | undefined;
}

/** Some rows of a source as a split. */
export function makeSplit(source: Source, rows: Int32Array): Split {
  const read = async (wanted: Int32Array): Promise<Batch> => {
    const picked = pick(rows, wanted);
    const inputs = source.inputs.map((gather) => gather(picked));
    if (source.target === undefined) return { size: wanted.length, inputs };
    return { size: wanted.length, inputs, target: gatherTarget(source.target, picked) };
  };
  return { size: rows.length, read };
}

/** A split of no examples. */
export function emptySplit(): Split {
  return makeSplit({ inputs: [], target: undefined }, new Int32Array(0));
}

/** The numbers start..end-1. */
export function rangeRows(start: number, end: number): Int32Array {
  return Int32Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

/** Reads every example of a split, in order. */
export function wholeSplit(split: Split): Promise<Batch> {
  return split.read(rangeRows(0, split.size));
}

/**
 * Some rows of a split as a split of its own, in the order given.
 *
 * @throws RangeError for a row outside 0..size-1
 */
export function subSplit(split: Split, rows: Int32Array): Split {
  const inner = pick(rangeRows(0, split.size), rows);
  return { size: inner.length, read: async (wanted) => split.read(pick(inner, wanted)) };
}

function pick(rows: Int32Array, wanted: Int32Array): Int32Array {
  return wanted.map((row) => {
    if (row < 0 || row >= rows.length) throw new RangeError(`Row ${row} of a split of ${rows.length} examples.`);
    return rows[row];
  });
}

function gatherTarget(target: HostArray, rows: Int32Array): HostArray {
  const sizes = target.shape.slice(1);
  const width = product(sizes);
  const Type = target.values instanceof Int32Array ? Int32Array : Float32Array;
  const values = new Type(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    values.set(target.values.subarray(rows[i] * width, (rows[i] + 1) * width), i * width);
  }
  return { shape: [rows.length, ...sizes], values };
}
