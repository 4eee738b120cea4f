import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { hostHeap } from '../../src/backend/wasm/kernels/host-heap.js';
import { createRandom } from '../../src/random/index.js';
import { blocksOf } from '../../src/sweep/blocks.js';
import type { Mixing } from '../../src/sweep/mixing.js';
import { plainSums } from '../../src/sweep/plain-sums.js';
import { hostSums, kernelSums, type SumsMaker } from '../../src/sweep/sums.js';

/** float32 sums in another order, as a share of the largest answer. */
const FLOAT32 = 1e-5;
const ROWS = 13;
const N = 9;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'wasm' });
});
afterAll(() => backend.dispose());

const random = createRandom(7);
const normals = (length: number) => Float32Array.from({ length }, () => random.normal());

interface Case {
  readonly title: string;
  readonly shape: readonly number[];
  readonly mixing: Partial<Mixing>;
}

const CASES: readonly Case[] = [
  { title: 'Dense', shape: [N + 2], mixing: { kind: 'dense' } },
  {
    title: 'Dense over time, constants',
    shape: [3, N + 2],
    mixing: { kind: 'dense', shifts: Float64Array.from(normals((N + 1) * 7)) },
  },
  { title: 'Dense behind a Flatten', shape: [2, 2, N + 2], mixing: { kind: 'flattened' } },
  { title: 'Conv1D', shape: [6, N + 2], mixing: { kind: 'window', kernelSize: [1, 3], strides: [1, 2], pad: 'same' } },
  {
    title: 'Conv2D',
    shape: [5, 4, N + 2],
    mixing: { kind: 'window', kernelSize: [3, 2], dilations: [2, 1], bias: undefined },
  },
];

/** Units of one column, or of one column a pixel behind a Flatten, in an order of their own; two columns belong to nothing. */
function mixingOf({ shape, mixing }: Case): Mixing {
  const places = mixing.kind === 'flattened' ? 4 : 1;
  const order = random.permutation(N + 2);
  const columns = Int32Array.from({ length: (N + 2) * places }, (_, i) => {
    return order[Math.floor(i / places)] + (i % places) * shape.at(-1)!;
  });
  const whole = {
    columns,
    ends: Int32Array.from({ length: N + 1 }, (_, k) => (k + 2) * places),
    units: 7,
    bias: normals(7),
    shifts: undefined,
    kernelSize: [1, 1] as const,
    strides: [1, 1] as const,
    pad: 'valid' as const,
    dilations: [1, 1] as const,
    kind: 'dense' as const,
    ...mixing,
  };
  const taps = whole.kernelSize[0] * whole.kernelSize[1];
  return { ...whole, kernel: normals(columns.length * taps * 7) };
}

/** About half of the units of a row are zero all over. */
function features(shape: readonly number[]): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return normals(ROWS * size).map((value, i) => {
    const [row, channel] = [Math.floor(i / size), i % shape.at(-1)!];
    return (row * 5 + channel * 3) % 7 < 4 ? 0 : value;
  });
}

/** Each answer by row and width; undefined where a row does not change. */
async function answersOf(maker: SumsMaker, x: tf.Tensor, ks: readonly number[]): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const sums = await maker.start(x, ks);
  const by = maker.byRows ? 'rows' : 'widths';
  for (const block of blocksOf([sums.changes], { rows: ROWS, ks, answers: 3 * ROWS, columns: 5, by })) {
    const answer = sums.next(block);
    const values = [...answer.dataSync()];
    const size = values.length / block.rows.length;
    block.rows.forEach((row, i) =>
      found.set(`${row} ${block.ks[block.widths[i]]}`, values.slice(i * size, (i + 1) * size)),
    );
    answer.dispose();
  }
  sums.dispose();
  maker.dispose();
  return found;
}

describe('sums that grow', () => {
  it.each(CASES)('are the same by the kernel, beside the backend, and by tfjs’ own operations: $title', async (c) => {
    const mixing = mixingOf(c);
    const ks = [0, 1, 3, 4, 8];
    const before = tf.memory().numTensors;
    const x = tf.tensor(features(c.shape), [ROWS, ...c.shape]);
    const plain = await answersOf(plainSums(mixing), x, ks);
    expect(plain.size).toBeLessThanOrEqual(ROWS * ks.length);
    const heap = (await hostHeap())!;
    const others = [kernelSums(mixing, false), hostSums(mixing, false, heap)];
    const largest = Math.max(...[...plain.values()].flat().map(Math.abs));
    for (const maker of others) {
      const own = await answersOf(maker, x, ks);
      expect([...own.keys()].sort()).toEqual([...plain.keys()].sort());
      for (const [key, values] of own) {
        const apart = values.map((value, i) => Math.abs(value - plain.get(key)![i]));
        expect(Math.max(...apart) / largest, `at ${key}`).toBeLessThan(FLOAT32);
      }
    }
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('applies a relu where it is asked for one', async () => {
    const mixing = mixingOf(CASES[0]);
    const x = tf.tensor(features(CASES[0].shape), [ROWS, ...CASES[0].shape]);
    const linear = await answersOf(kernelSums(mixing, false), x, [2, 5]);
    const relu = await answersOf(kernelSums(mixing, true), x, [2, 5]);
    for (const [key, values] of linear) expect(relu.get(key)).toEqual(values.map((value) => Math.max(value, 0)));
    x.dispose();
  });

  it('leaves rows out that a width adds nothing to, unless constants change them', async () => {
    const x = tf.tensor(features([N + 2]), [ROWS, N + 2]);
    const ks = [0, 1, 2, 3, 4];
    const own = await answersOf(kernelSums(mixingOf(CASES[0]), false), x, ks);
    expect(own.size).toBeLessThan(ROWS * ks.length);
    const shifts = new Float64Array((N + 1) * 7);
    const all = await answersOf(kernelSums(mixingOf({ ...CASES[0], mixing: { shifts } }), false), x, ks);
    expect(all.size).toBe(ROWS * ks.length);
    x.dispose();
  });
});
