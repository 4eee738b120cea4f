import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import type { Split } from '../../src/data/types.js';
import { outputsOf } from '../../src/evaluate/forward.js';
import { readGraph } from '../../src/graph/index.js';
import type { ModelGraph, Program } from '../../src/graph/types.js';
import { createRandom } from '../../src/random/index.js';
import { Teacher } from '../../src/retrain/teacher.js';
import { splitOf } from '../evaluate-helpers.js';

const ROWS = 10;

describe('Teacher', () => {
  let backend: StartedBackend;
  beforeAll(async () => {
    backend = await startBackend({ backend: 'wasm' });
  });
  afterAll(() => backend.dispose());

  it.each(['one output', 'two outputs'])(
    'gives the bytes of the model in any batch, and runs it once a row: %s',
    async (title) => {
      const { graph, split } = setting(title === 'two outputs');
      const reads = spyOnInputs(graph.program);
      const teacher = new Teacher(reads.program, ROWS);
      const before = tf.memory().numTensors;
      let first = 0;
      for (const size of [4, 3, 10, 1]) {
        const order = createRandom(size).permutation(ROWS);
        for (let at = 0; at < ROWS; at += size) {
          const rows = order.slice(at, at + size);
          const batch = await split.read(rows);
          expect(await teacher.outputs(rows, batch)).toEqual(await outputsOf(graph.program, batch));
        }
        if (size === 4) first = reads.count();
        expect(reads.count()).toBe(first);
      }
      expect(first).toBeGreaterThan(0);
      expect(tf.memory().numTensors).toBe(before);
      graph.model.dispose();
    },
  );
});

/** A program that counts how often its inputs are looked up, which every run does. */
function spyOnInputs(program: Program): { readonly program: Program; readonly count: () => number } {
  let count = 0;
  const spied = new Proxy(program, {
    get: (target, name) => {
      if (name === 'inputs') count++;
      return Reflect.get(target, name) as unknown;
    },
  });
  return { program: spied, count: () => count };
}

function setting(two: boolean): { readonly graph: ModelGraph; readonly split: Split } {
  const x = tf.input({ shape: [5] });
  const hidden = tf.layers.dense({ units: 7, activation: 'relu' }).apply(x) as tf.SymbolicTensor;
  const heads = (two ? [3, 2] : [3]).map((units) => tf.layers.dense({ units }).apply(hidden) as tf.SymbolicTensor);
  const random = createRandom(1);
  const values = Float32Array.from({ length: ROWS * 5 }, () => random.normal());
  return { graph: readGraph(tf.model({ inputs: x, outputs: heads })), split: splitOf([{ shape: [ROWS, 5], values }]) };
}
