import type { Batch, HostArray, Split } from '../src/data/types.js';

/** A split over rows that lie in memory: inputs [N, …] and targets [N] or [N, …]. */
export function splitOf(inputs: readonly HostArray[], target?: HostArray): Split {
  const size = inputs[0].shape[0];
  return {
    size,
    read: (rows) => {
      const batch: Batch = { size: rows.length, inputs: inputs.map((array) => gather(array, rows)) };
      return Promise.resolve(target === undefined ? batch : { ...batch, target: gather(target, rows) });
    },
  };
}

function gather({ shape, values }: HostArray, rows: Int32Array): HostArray {
  const size = shape.slice(1).reduce((product, n) => product * n, 1);
  const result =
    values instanceof Int32Array ? new Int32Array(rows.length * size) : new Float32Array(rows.length * size);
  rows.forEach((row, i) => result.set(values.subarray(row * size, (row + 1) * size), i * size));
  return { shape: [rows.length, ...shape.slice(1)], values: result };
}
