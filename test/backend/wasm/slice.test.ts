import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { startWasm, type WasmBackend } from '../../../src/backend/wasm/index.js';
import { createRandom } from '../../../src/random/index.js';

let backend: WasmBackend;
beforeAll(async () => {
  backend = await startWasm();
});
afterAll(() => backend.dispose());

describe('Slice on wasm', () => {
  it('takes what the cpu takes, for random shapes of rank 1 to 5, and types', async () => {
    const random = createRandom(3);
    for (let i = 0; i < 200; i++) {
      const rank = 1 + random.integer(5);
      const shape = Array.from({ length: rank }, () => 1 + random.integer(i % 7 === 0 ? 40 : 6));
      const begin = shape.map((size) => random.integer(size));
      const size = shape.map((length, axis) =>
        random.integer(4) === 0 ? -1 : random.integer(length - begin[axis] + 1),
      );
      const values = Array.from({ length: tf.util.sizeFromShape(shape) }, (_, j) => j % 251);
      const dtype = (['float32', 'int32', 'bool'] as const)[random.integer(3)];
      const numbers = dtype === 'bool' ? values.map((value) => value % 2) : values;
      const take = (): number[] =>
        tf.tidy(() => [...tf.slice(tf.tensor(numbers, shape, dtype), begin, size).dataSync()].map(Number));
      await tf.setBackend('cpu');
      const expected = take();
      await tf.setBackend('wasm');
      expect(take()).toEqual(expected);
    }
  });

  it('does not copy its whole input out of the heap', () => {
    const x = tf.ones([100, 100]);
    const read = vi.spyOn(tf.backend(), 'readSync');
    tf.slice(x, [3, 4], [2, 2]).dispose();
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    x.dispose();
  });
});
