import type { Gather } from './scaling.js';
import type { Batch, HostArray, Split } from './types.js';

/** One file's examples, ready to be gathered by row. */
export interface Source {
  readonly inputs: readonly Gather[];
  readonly target: Gather | undefined;
}

/** Some rows of a source as a split. */
export function makeSplit(source: Source, rows: Int32Array): Split {
  const read = async (wanted: Int32Array): Promise<Batch> => {
    const picked = pick(rows, wanted);
    const inputs: HostArray[] = [];
    for (const gather of source.inputs) inputs.push(await gather(picked));
    if (source.target === undefined) return { size: wanted.length, inputs };
    return { size: wanted.length, inputs, target: await source.target(picked) };
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
