import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { startWasm } from '../../../src/backend/wasm/index.js';

const HALF_GIB = 1 << 27;

describe('a full heap', () => {
  it('says in one sentence that a tensor does not fit, and goes on', async () => {
    await startWasm({ threads: 1 });
    const kept: tf.Tensor[] = [];
    expect(() => {
      for (let i = 0; i < 9; i++) kept.push(tf.zeros([HALF_GIB]));
    }).toThrow(/memory of 4 GiB is full/);
    expect(kept.length).toBeGreaterThan(4);
    tf.dispose(kept);
    expect(Array.from(tf.tidy(() => tf.add([1, 2], [3, 4]).dataSync()))).toEqual([4, 6]);
    // what was freed can be had again
    const again = tf.zeros([HALF_GIB]);
    expect(again.size).toBe(HALF_GIB);
    again.dispose();
  });
});
