import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import type { HostArray, Split } from '../../src/data/types.js';
import { readGraph } from '../../src/graph/index.js';
import { inferObjective } from '../../src/objective/infer.js';
import { createRandom } from '../../src/random/index.js';
import { sweep, SWEEP_DEFAULTS, type Swept } from '../../src/sweep/sweep.js';
import { splitOf } from '../evaluate-helpers.js';

/** float32 forward passes of differently grouped kernels. */
const FLOAT32 = 1e-5;
const ROWS = 23;

function random(shape: readonly number[], seed: number): HostArray {
  const generator = createRandom(seed);
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => generator.normal());
  return { shape, values };
}

function labels(classes: number): HostArray {
  return { shape: [ROWS], values: Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % classes) };
}

/** Weights from a seed, biases and statistics included, so that nothing is zero by chance. */
function scramble(model: tf.LayersModel): tf.LayersModel {
  const generator = createRandom(5);
  const weights = model.weights.map((weight) => {
    const values = Float32Array.from(
      { length: weight.shape.reduce((a: number, b) => a * b!, 1) },
      () => 0.4 * generator.normal(),
    );
    return tf.tensor(
      /variance/.test(weight.name) ? values.map((value) => 0.5 + value ** 2) : values,
      weight.shape as number[],
    );
  });
  model.setWeights(weights);
  tf.dispose(weights);
  return model;
}

const mlp = () =>
  scramble(
    tf.sequential({
      layers: [
        tf.layers.dense({ name: 'first', units: 6, activation: 'relu', inputShape: [5] }),
        tf.layers.dense({ name: 'second', units: 4, activation: 'tanh' }),
        tf.layers.dense({ name: 'last', units: 3, activation: 'softmax' }),
      ],
    }),
  );

const cnn = () =>
  scramble(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ name: 'conv', filters: 5, kernelSize: 3, padding: 'same', inputShape: [6, 6, 2] }),
        tf.layers.batchNormalization({ name: 'norm' }),
        tf.layers.activation({ name: 'relu', activation: 'relu' }),
        tf.layers.maxPooling2d({ name: 'pool', poolSize: 2 }),
        tf.layers.flatten({ name: 'flat' }),
        tf.layers.dense({ name: 'last', units: 3 }),
      ],
    }),
  );

async function curvesOf(model: tf.LayersModel, split: Split, target: 'classes' | 'self'): Promise<Swept> {
  const graph = readGraph(model);
  const activation = target === 'self' || model.name.startsWith('mlp') ? 'softmax' : 'linear';
  const objective = inferObjective({ target, activation, units: 3 });
  return sweep({ original: graph }, { ...SWEEP_DEFAULTS, objective, split });
}

/** Mean cross-entropy of a model whose named layer's output is cut by hand to its first k units. */
function naive(model: tf.LayersModel, layer: string, k: number, x: HostArray, y: HostArray, logits: boolean): number {
  return tf.tidy(() => {
    let value: tf.Tensor = tf.tensor(x.values, [...x.shape]);
    for (const current of model.layers) {
      value = current.apply(value) as tf.Tensor;
      if (current.name !== layer) continue;
      const n = value.shape.at(-1)!;
      value = tf.mul(value, tf.tensor1d(Array.from({ length: n }, (_, unit) => Number(unit < k))));
    }
    const logP = logits ? tf.logSoftmax(value) : tf.log(value);
    const hot = tf.oneHot(tf.tensor1d(y.values, 'int32'), 3);
    return -tf.mean(tf.sum(tf.mul(hot, logP), -1)).dataSync()[0];
  });
}

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

describe('sweep', () => {
  it.each([
    { title: 'dense', model: mlp, layers: { first: 'first', second: 'second' }, shape: [ROWS, 5], logits: false },
    { title: 'convolution', model: cnn, layers: { conv: 'pool' }, shape: [ROWS, 6, 6, 2], logits: true },
  ])('gives the loss of the hand-cut model at every k ($title)', async ({ model: make, layers, shape, logits }) => {
    const model = make();
    const x = random(shape, 1);
    const y = labels(3);
    const objective = inferObjective({ target: 'classes', activation: logits ? 'linear' : 'softmax', units: 3 });
    const swept = await sweep({ original: readGraph(model) }, { ...SWEEP_DEFAULTS, objective, split: splitOf([x], y) });
    expect(swept.groups.map(({ name }) => name)).toEqual(Object.keys(layers));
    for (const [name, layer] of Object.entries(layers)) {
      const { points } = swept.groups.find((group) => group.name === name)!.curves[0];
      for (const { k, loss } of points) {
        const expected = naive(model, layer, k, x, y, logits);
        expect(Math.abs(loss - expected) / expected, `${name} at ${k}`).toBeLessThan(FLOAT32);
      }
    }
    model.dispose();
  });

  it('gives the full model’s loss at k = n to the bit, with no difference to the original', async () => {
    const model = mlp();
    const swept = await curvesOf(model, splitOf([random([ROWS, 5], 1)], labels(3)), 'classes');
    for (const { curves, n } of swept.groups) {
      const last = curves[0].points.at(-1)!;
      expect(last.k).toBe(n);
      expect(last.loss).toBe(swept.original.loss);
      expect([last.delta, last.deltaSe]).toEqual([0, 0]);
    }
    model.dispose();
  });

  it('does not depend on the input at k = 0 behind the first layer of a chain', async () => {
    const model = mlp();
    const at0 = async (seed: number): Promise<number> => {
      const swept = await curvesOf(model, splitOf([random([ROWS, 5], seed)], labels(3)), 'classes');
      return swept.groups[0].curves[0].points[0].loss;
    };
    expect(await at0(1)).toBe(await at0(2));
    model.dispose();
  });

  it('measures divergence from the original itself with target self: 0 at full width, more below', async () => {
    const model = mlp();
    const swept = await curvesOf(model, splitOf([random([ROWS, 5], 1)]), 'self');
    const { points } = swept.groups[0].curves[0];
    expect(Math.abs(points.at(-1)!.loss)).toBeLessThan(1e-6);
    expect(points[1].loss).toBeGreaterThan(1e-3);
    model.dispose();
  });

  it('prices each width as the whole model with this group narrowed', async () => {
    const model = mlp();
    const swept = await curvesOf(model, splitOf([random([ROWS, 5], 1)], labels(3)), 'classes');
    // 5-6-4-3 with k of 6: 5k + k + 4k + 4 and 4 x 3 + 3
    for (const { k, parameters, macs, bytes } of swept.groups[0].curves[0].points) {
      expect(parameters).toBe(5 * k + k + 4 * k + 4 + 15);
      expect(macs).toBe(5 * k + 4 * k + 12);
      expect(bytes).toBe(4 * parameters);
    }
    model.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const model = cnn();
    const held = tf.memory().numTensors;
    await curvesOf(model, splitOf([random([ROWS, 6, 6, 2], 1)], labels(3)), 'classes');
    expect(tf.memory().numTensors).toBe(held);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
