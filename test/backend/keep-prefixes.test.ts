import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import type { StartedBackend } from '../../src/backend/index.js';
import { setSession, session } from '../../src/backend/wasm/kernels/session.js';
import { keepFirst, keepPrefixes } from '../../src/layers/index.js';
import { AVAILABLE } from './available.js';

interface Case {
  readonly shape: readonly number[];
  readonly axis?: number;
  readonly batchAxes?: readonly number[];
  readonly units?: readonly number[];
  /** One k for all entries. */
  readonly shared?: true;
}

// odd lengths leave a rest behind every vector of 4 and 8; the large ones are cut into tasks, or selected instead of masked
const CASES: readonly Case[] = [
  { shape: [1, 1] },
  { shape: [5, 7] },
  { shape: [3, 37], shared: true },
  { shape: [1027, 257] },
  { shape: [1027, 257], units: Array.from({ length: 257 }, (_, j) => (j % 5 === 4 ? -1 : j % 61)) },
  { shape: [6, 9], units: [-1, 0, 1, 2, 0, 1, 2, 2, -1] },
  { shape: [4, 6, 5], units: [2, 1, 0, -1, 1, 0], axis: 1 },
  { shape: [4, 3, 5, 11] },
  { shape: [4, 11, 3, 5], axis: 1 },
  { shape: [3, 5, 6], batchAxes: [0, 1] },
  { shape: [3, 6, 5], axis: 1, batchAxes: [0, 2] },
  { shape: [7, 4], axis: 0, batchAxes: [1] },
  { shape: [33, 26, 26, 13] },
];

for (const { backend, skip, title } of AVAILABLE) {
  describe.skipIf(skip)(`keepPrefixes on ${title}`, () => {
    let started: StartedBackend;
    beforeAll(async () => {
      started = await startBackend({ backend });
    });
    afterAll(() => started.dispose());

    it.each(CASES)('equals the naive loop, forward and gradient: $shape $axis $batchAxes $shared', (layout) => {
      expect(faults(layout)).toEqual(NONE);
    });

    it.runIf(backend === 'wasm')('equals the naive loop where the own kernels are out of force', () => {
      const own = session();
      setSession(undefined);
      try {
        for (const layout of CASES.slice(0, 11)) expect(faults(layout)).toEqual(NONE);
      } finally {
        setSession(own);
      }
    });

    it('keeps the first k in both directions, and leaves no tensor', () => {
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const [x, seed] = [1, 2].map((from) => tf.randomNormal([3, 4, 9], 0, 1, 'float32', from));
        for (let k = 0; k <= 9; k++) {
          const stays = (indices: readonly number[]): boolean => indices[2] < k;
          const gradient = tf.grad((input: tf.Tensor) => tf.sum(tf.mul(keepFirst(input, k), seed)))(x);
          expect([...wrongEntries(keepFirst(x, k), x, stays), ...wrongEntries(gradient, seed, stays)]).toEqual([]);
        }
      });
      expect(tf.memory().numTensors).toBe(before);
    });

    it.runIf(backend !== 'tensorflow')('puts zeros over NaN and Inf in what is dropped, and only there', () => {
      const y = tf.tidy(() =>
        keepPrefixes(tf.tensor2d([Number.NaN, 1, Infinity, 2, Number.NaN, -Infinity], [2, 3]), Int32Array.of(1, 2)),
      );
      expect(Array.from(y.dataSync())).toEqual([Number.NaN, 0, 0, 2, Number.NaN, 0]);
      y.dispose();
    });
  });
}

/** What differs from the loop: entries of the result and of the gradient; and tensors left. */
interface Faults {
  readonly shape: boolean;
  readonly forward: number[];
  readonly gradient: number[];
  readonly left: number;
}

const NONE: Faults = { shape: false, forward: [], gradient: [], left: 0 };

function faults({ shape, axis = -1, batchAxes = [0], units, shared }: Case): Faults {
  const feature = axis < 0 ? axis + shape.length : axis;
  const entries = batchAxes.reduce((size, dim) => size * shape[dim], 1);
  const n = units === undefined ? shape[feature] : Math.max(...units) + 1;
  const ks = Int32Array.from({ length: shared ? 1 : entries }, (_, i) => (i * 7 + 2) % (n + 1));
  const before = tf.memory().numTensors;
  let found = NONE;
  tf.tidy(() => {
    const [x, seed] = [1, 2].map((from) => tf.randomNormal([...shape], 0, 1, 'float32', from));
    const options = { axis, batchAxes, ...(units === undefined ? {} : { units: Int32Array.from(units) }) };
    const run = (input: tf.Tensor): tf.Tensor => keepPrefixes(input, ks, options);
    const stays = (indices: readonly number[]): boolean => {
      const entry = batchAxes.reduce((index, dim) => index * shape[dim] + indices[dim], 0);
      const unit = units === undefined ? indices[feature] : units[indices[feature]];
      return unit < ks[shared ? 0 : entry];
    };
    found = {
      shape: run(x).shape.join() !== shape.join(),
      forward: wrongEntries(run(x), x, stays),
      gradient: wrongEntries(tf.grad((input: tf.Tensor) => tf.sum(tf.mul(run(input), seed)))(x), seed, stays),
      left: 0,
    };
  });
  return { ...found, left: tf.memory().numTensors - before };
}

/** Where a tensor is not the whole one with zeros in what does not stay. */
function wrongEntries(actual: tf.Tensor, whole: tf.Tensor, stays: (indices: readonly number[]) => boolean): number[] {
  const [values, source] = [actual.dataSync(), whole.dataSync()];
  const wrong: number[] = [];
  for (let i = 0; i < source.length; i++) {
    let rest = i;
    const indices = whole.shape.toReversed().map((length) => {
      const index = rest % length;
      rest = Math.floor(rest / length);
      return index;
    });
    // == takes -0, which a product with 0 may leave
    if (values[i] !== (stays(indices.reverse()) ? source[i] : 0)) wrong.push(i);
  }
  return wrong;
}
