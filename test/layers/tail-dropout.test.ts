import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { createSampler, sharedDraw, TailDropout, tailDropout } from '../../src/layers/index.js';
import type { SamplerSpec, TailDropoutArgs } from '../../src/layers/index.js';
import { failOnLeaks, useBackend } from './tensors.js';

/** Float32 sums of up to some thousand terms of size 1. */
const FLOAT32 = 1e-5;
/** Five standard errors, with fixed seeds. */
const SIGMAS = 5;

failOnLeaks();

describe.each(['cpu', 'wasm'] as const)('TailDropout on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  describe('while training', () => {
    it.each([
      { shape: [64, 7], args: {} },
      { shape: [64, 7], args: { batchDim: -2, dropoutDim: 1 } },
      { shape: [32, 5, 4, 7], args: {} },
      { shape: [16, 6, 7], args: {} },
      { shape: [16, 6, 7], args: { batchDim: [0, 1] } },
      { shape: [16, 6, 7], args: { batchDim: [1, 0], dropoutDim: -1 } },
      { shape: [16, 7, 6], args: { dropoutDim: 1 } },
      { shape: [16, 7, 6], args: { batchDim: [0, 2], dropoutDim: 1 } },
      { shape: [16, 7, 3, 2], args: { batchDim: [0, 3, 2], dropoutDim: 1 } },
      { shape: [7, 16], args: { batchDim: 1, dropoutDim: 0 } },
      { shape: [8, 2, 3, 2, 7], args: {} },
    ])('keeps one prefix per entry of the batch axes, shape $shape, $args', ({ shape, args }) => {
      const mask = trained(tailDropout({ ...args, p: 0.5, seed: 3 }), shape);
      const rank = shape.length;
      const feature = ((args as TailDropoutArgs).dropoutDim ?? -1) + rank;
      const batch = [(args as TailDropoutArgs).batchDim ?? 0].flat().map((dim) => (dim + rank) % rank);
      const ks = new Map<string, Set<number>>();
      forEachLine(shape, feature % rank, (indices, line) => {
        const values = line(mask);
        const k = values.indexOf(0) === -1 ? values.length : values.indexOf(0);
        expect(values).toEqual(values.map((_, j) => (j < k ? 1 : 0)));
        const entry = batch.map((dim) => indices[dim]).join();
        ks.set(entry, (ks.get(entry) ?? new Set()).add(k));
      });
      // one k for each entry, whatever the other axes, and not the same for all
      expect(Array.from(ks.values(), (set) => set.size)).toEqual(Array(ks.size).fill(1));
      expect(new Set(Array.from(ks.values(), (set) => [...set][0])).size).toBeGreaterThan(2);
      expect(ks.size).toBe(batch.reduce((size, dim) => size * shape[dim], 1));
    });

    it.each([0.05, 0.2, 0.5, 0.8].flatMap((p) => [1, 10, 100].map((n) => ({ p, n }))))(
      'drops the fraction p = $p of n = $n features, to one feature of one example, and rescales nothing',
      ({ p, n }) => {
        const batch = 500;
        const values = trained(tailDropout({ p, kMin: 0, seed: 1 }), [batch, n]);
        expect(values.every((v) => v === 0 || v === 1)).toBe(true);
        expect(Math.abs(sum(values) / values.length - (1 - p))).toBeLessThan(1 / batch + FLOAT32);
      },
    );

    it('has a gradient equal to its mask', () => {
      const layer = tailDropout({ p: 0.5, seed: 4 });
      const gradient = tf.tidy(() => {
        const x = tf.randomNormal([32, 9], 0, 1, 'float32', 1);
        return tf
          .grad((x: tf.Tensor) => apply(layer, x, true))(x)
          .dataSync();
      });
      // the same step of a layer of the same seed, on ones, shows the mask
      expect(Array.from(gradient)).toEqual(trained(tailDropout({ p: 0.5, seed: 4 }), [32, 9]));
    });

    it.each([
      { p: 0, expected: 1 },
      { p: 1, expected: 0 },
    ])('at p = $p every entry is $expected, for one feature too', ({ p, expected }) => {
      for (const sampler of ['geometric', 'reference'] as const) {
        for (const n of [1, 5])
          expect(new Set(trained(tailDropout({ p, sampler }), [16, n]))).toEqual(new Set([expected]));
      }
    });
  });

  describe('at inference', () => {
    it('is the identity', () => {
      tf.tidy(() => {
        const x = tf.randomNormal([8, 3, 5]);
        const y = apply(tailDropout({ p: 0.9, kMin: 0 }), x, false);
        expect(y.dataSync()).toEqual(x.dataSync());
      });
    });
  });

  describe('setK', () => {
    it.each([
      { shape: [2, 6], dropoutDim: -1 },
      { shape: [2, 3, 6], dropoutDim: -1 },
      { shape: [2, 6, 3], dropoutDim: 1 },
      { shape: [2, 3, 2, 6], dropoutDim: -1 },
      { shape: [2, 3, 2, 2, 6], dropoutDim: -1 },
    ])('keeps exactly the first k for every k in 0..n, training or not, shape $shape', ({ shape, dropoutDim }) => {
      const layer = tailDropout({ p: 0.5, dropoutDim });
      const lines = shape.reduce((a, b) => a * b) / 6;
      for (let k = 0; k <= 6; k++) {
        layer.setK(k);
        expect(layer.k).toBe(k);
        const values = trained(layer, shape);
        expect(sum(values)).toBe(k * lines);
        expect(inferred(layer, shape)).toEqual(values);
        forEachLine(shape, dropoutDim === -1 ? shape.length - 1 : dropoutDim, (_, line) => {
          expect(line(values)).toEqual(Array.from({ length: 6 }, (_, j) => (j < k ? 1 : 0)));
        });
      }
    });

    it('goes back to random while training and to all at inference with null', () => {
      const layer = tailDropout({ p: 0.5, seed: 1 });
      layer.setK(2);
      layer.setK(null);
      expect(inferred(layer, [4, 8])).toEqual(Array(32).fill(1));
      expect(sum(trained(layer, [64, 8]))).toBeLessThan(64 * 8);
    });

    it('has the gradient of its mask', () => {
      const layer = tailDropout({ k: 2 });
      for (let k = 0; k <= 4; k++) {
        layer.setK(k);
        const gradient = tf.tidy(() =>
          tf
            .grad((x: tf.Tensor) => apply(layer, x, true))(tf.ones([3, 4]))
            .dataSync(),
        );
        expect(Array.from(gradient)).toEqual(Array.from({ length: 12 }, (_, i) => (i % 4 < k ? 1 : 0)));
      }
    });

    it('turns NaN and Inf behind k into 0, and lets them through before k', () => {
      const row = [1, Number.NaN, 3, Infinity, Number.NaN, -Infinity];
      const layer = tailDropout();
      const keep = (k: number): number[] => {
        layer.setK(k);
        return Array.from(tf.tidy(() => apply(layer, tf.tensor2d([row]), false).dataSync()));
      };
      expect(keep(3)).toEqual([1, Number.NaN, 3, 0, 0, 0]);
      expect(keep(1)).toEqual([1, 0, 0, 0, 0, 0]);
      expect(keep(0)).toEqual([0, 0, 0, 0, 0, 0]);
    });

    it.each([-1, 7, 1.5, Number.NaN, Infinity])('refuses k = %s of 6 features', (k) => {
      const layer = tailDropout();
      trained(layer, [2, 6]);
      expect(() => layer.setK(k)).toThrow(UsageError);
      expect(() => layer.setK(k)).toThrow(/k must be a whole number within 0\.\.6/);
      expect(layer.k).toBeNull();
    });

    it('refuses a k that turns out too large when the layer is built', () => {
      expect(() => tailDropout({ k: 7 }).build([null, 6])).toThrow(/within 0\.\.6, received 7/);
    });
  });

  describe('the expected loss', () => {
    const spec: SamplerSpec = { name: 'geometric', p: 0.4 };
    const n = 6;

    it('over one example per k is the mean of the n losses, exactly', () => {
      const { losses, loss } = smallNet(n, n);
      const drawn = loss(tailDropout({ sampler: 'triangular', seed: 2 }));
      expect(Math.abs(drawn - sum(losses.slice(1)) / n)).toBeLessThan(FLOAT32);
    });

    it('over many draws is the sum of the losses weighted by probabilities(n)', () => {
      const batch = 4000;
      const { losses, loss } = smallNet(n, batch);
      const law = Array.from(createSampler(spec).probabilities(n));
      const exact = sum(law.map((p, k) => p * losses[k]));
      const sd = Math.sqrt(sum(law.map((p, k) => p * (losses[k] - exact) ** 2)));
      expect(sd).toBeGreaterThan(0.1);
      const independent = loss(tailDropout({ sampler: 'uniform', seed: 2 }));
      const uniform = sum(losses.slice(1)) / n;
      const stratified = loss(tailDropout({ sampler: spec, seed: 2 }));
      // systematic draws: each k is off by less than one draw
      expect(Math.abs(stratified - exact)).toBeLessThan(sum(losses) / batch + FLOAT32);
      expect(Math.abs(independent - uniform)).toBeLessThan((SIGMAS * Math.max(...losses)) / Math.sqrt(batch));
    });
  });

  it('leaves no tensor behind in a model that trains, predicts and is disposed', async () => {
    const model = smallModel({ p: 0.3, seed: 1 });
    const x = tf.randomNormal([20, 4], 0, 1, 'float32', 1);
    const y = tf.randomNormal([20, 1], 0, 1, 'float32', 2);
    const optimizer = tf.train.sgd(0.1);
    model.compile({ loss: 'meanSquaredError', optimizer });
    await model.fit(x, y, { epochs: 3, batchSize: 8 });
    const during = tf.memory().numTensors;
    await model.fit(x, y, { epochs: 3, batchSize: 8 });
    tf.dispose(model.predict(x));
    expect(tf.memory().numTensors).toBe(during);
    tf.dispose([x, y]);
    optimizer.dispose();
    model.dispose();
  });
});

describe('the seed', () => {
  it('repeats the draws, and advances with every training call but no other', () => {
    const [a, b] = [tailDropout({ seed: 5 }), tailDropout({ seed: 5 })];
    const first = trained(a, [64, 8]);
    inferred(b, [64, 8]);
    b.setK(3);
    trained(b, [64, 8]);
    b.setK(null);
    expect(trained(b, [64, 8])).toEqual(first);
    const second = trained(a, [64, 8]);
    expect(second).not.toEqual(first);
    expect(trained(b, [64, 8])).toEqual(second);
    expect(trained(tailDropout({ seed: 6 }), [64, 8])).not.toEqual(first);
  });

  it('differs between layers that are given none', () => {
    expect(trained(tailDropout(), [64, 8])).not.toEqual(trained(tailDropout(), [64, 8]));
  });

  it('is the same for cpu and wasm', async () => {
    const masks: number[][] = [];
    for (const backend of ['cpu', 'wasm'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one backend after the other
      await useBackend(backend);
      masks.push(trained(tailDropout({ seed: 7 }), [16, 5]));
    }
    expect(masks[0]).toEqual(masks[1]);
  });
});

describe('a shared draw', () => {
  const spec: SamplerSpec = { name: 'geometric', p: 0.5 };

  it('gives its layers the same k per example within a step, and new ones in the next', () => {
    const draw = sharedDraw(1, spec);
    const [a, b] = [tailDropout({ draw }), tailDropout({ draw })];
    const steps = Array.from({ length: 3 }, () => [kept(a, [32, 6]), kept(b, [32, 3, 6])]);
    for (const [first, second] of steps) expect(second).toEqual(first);
    expect(steps[1]).not.toEqual(steps[0]);
    expect(draw.step).toBe(2);
  });

  it('changes with next(), and serves a last batch of another size', () => {
    const draw = sharedDraw(1, spec);
    const [a, b] = [tailDropout({ draw }), tailDropout({ draw })];
    const first = kept(a, [32, 6]);
    draw.next();
    const second = kept(b, [32, 6]);
    expect(second).not.toEqual(first);
    expect(kept(a, [32, 6])).toEqual(second);
    expect(kept(a, [7, 6])).toEqual(kept(b, [7, 6]));
  });

  it('stays shared in a model that is saved and loaded', async () => {
    const draw = sharedDraw(3, spec);
    const input = tf.input({ shape: [6] });
    const outputs = [tailDropout({ draw }), tailDropout({ draw })].map(
      (layer) => layer.apply(input) as tf.SymbolicTensor,
    );
    const model = tf.model({ inputs: input, outputs });
    const loaded = await reload(model);
    for (const each of [model, loaded]) {
      const masks = tf.tidy(() => {
        const results = each.apply(tf.ones([64, 6]), { training: true }) as tf.Tensor[];
        return results.map((y) => Array.from(y.dataSync()));
      });
      expect(masks[0]).toEqual(masks[1]);
      expect(sum(masks[0])).toBeLessThan(64 * 6);
    }
    model.dispose();
    loaded.dispose();
  });
});

describe('the config', () => {
  it.each<TailDropoutArgs>([
    { p: 0.2 },
    { p: 0.2, kMin: 0, seed: 2 ** 40 + 1, dropoutDim: 1 },
    { p: 0.2, sampler: 'reference', batchDim: [0, 1], seed: 0 },
    { sampler: 'uniform', kMin: 3 },
    { sampler: { name: 'log-uniform', atom: 0.25, kMin: 2 } },
    { sampler: { name: 'sandwich', widths: 3 }, k: 4 },
    { sampler: { name: 'fixed', ks: [8, 1, 4] }, k: 0 },
    { sampler: 'triangular', k: null },
  ])('survives saving and loading: %j', async (args) => {
    const model = tf.sequential({ layers: [tailDropout({ ...args, inputShape: [5, 8] })] });
    const loaded = await reload(model);
    const [before, after] = [model.layers[0] as TailDropout, loaded.layers[0]];
    expect(after).toBeInstanceOf(TailDropout);
    expect({ ...after.getConfig(), name: '' }).toEqual({ ...before.getConfig(), name: '' });
    const masks = [model, loaded].map((each) =>
      tf.tidy(() => Array.from((each.apply(tf.ones([32, 5, 8]), { training: true }) as tf.Tensor).dataSync())),
    );
    expect(masks[1]).toEqual(masks[0]);
    model.dispose();
    loaded.dispose();
  });

  it('keeps the weights and outputs of a trained model, and a set k, through a save and a load', async () => {
    const model = smallModel({ p: 0.3, seed: 1, k: 3 });
    const loaded = await reload(model);
    tf.tidy(() => {
      const x = tf.randomNormal([8, 4]);
      expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual((model.predict(x) as tf.Tensor).dataSync());
    });
    model.dispose();
    loaded.dispose();
  });

  it('passes a mask on, as dropout does', () => {
    expect(tailDropout().supportsMasking).toBe(true);
  });
});

describe('ill arguments', () => {
  it.each<[object, RegExp]>([
    [{ p: -0.1 }, /p must lie within 0\.\.1, received -0\.1/],
    [{ p: 1.1 }, /p must lie within 0\.\.1/],
    [{ p: Number.NaN }, /received NaN/],
    [{ kMin: 1.5 }, /kMin must be a whole number/],
    [{ sampler: 'gaussian' }, /must be one of geometric/],
    [{ sampler: null }, /must be one of geometric/],
    [{ sampler: 'uniform', p: 0.2 }, /uniform sampler takes kMin, received "p"/],
    [{ sampler: { name: 'uniform' }, p: 0.2 }, /inside the sampler/],
    [{ seed: 0.5 }, /seed must be a whole number/],
    [{ batchDim: [] }, /at least one axis/],
    [{ batchDim: 0.5 }, /batchDim must be a whole number/],
    [{ dropoutDim: '1' }, /dropoutDim must be a whole number/],
    [{ k: -1 }, /k must be a whole number within 0\.\.n/],
    [{ draw: sharedDraw(0, { name: 'uniform' }), seed: 1 }, /seed belongs to the draw/],
  ])('%j is refused', (args, message) => {
    expect(() => tailDropout(args)).toThrow(UsageError);
    expect(() => tailDropout(args)).toThrow(message);
  });

  it.each<[TailDropoutArgs, number[], RegExp]>([
    [{ dropoutDim: 2 }, [4, 6], /dropoutDim must lie within -2\.\.1/],
    [{ dropoutDim: -3 }, [4, 6], /dropoutDim must lie within -2\.\.1/],
    [{ batchDim: 2 }, [4, 6], /batchDim must lie within -2\.\.1/],
    [{ batchDim: 1 }, [4, 6], /must differ/],
    [{ batchDim: [0, -1] }, [4, 6], /must differ/],
    [{ batchDim: [0, -2] }, [4, 6], /must differ/],
    [{ dropoutDim: 0 }, [4, 6], /must differ/],
    [{ p: 0.5 }, [4, 2], /needs p below 1 - 1\/2 = 0\.5, received 0\.5/],
    [{ p: 0.2 }, [4, 1], /needs p below 1 - 1\/1 = 0/],
    [{ sampler: 'uniform', kMin: 7 }, [4, 6], /kMin must lie within 0\.\.6/],
  ])('%j is refused for the shape %j', (args, shape, message) => {
    expect(() => tailDropout(args).build(shape)).toThrow(UsageError);
    expect(() => tailDropout(args).build(shape)).toThrow(message);
  });
});

function apply(layer: tf.layers.Layer, x: tf.Tensor, training: boolean): tf.Tensor {
  return layer.apply(x, { training }) as tf.Tensor;
}

/** What the layer makes of ones: its mask, if it rescales nothing. */
function trained(layer: TailDropout, shape: number[]): number[] {
  return tf.tidy(() => Array.from(apply(layer, tf.ones(shape), true).dataSync()));
}

function inferred(layer: TailDropout, shape: number[]): number[] {
  return tf.tidy(() => Array.from(apply(layer, tf.ones(shape), false).dataSync()));
}

/** k per example, for features on the last axis. */
function kept(layer: TailDropout, shape: number[]): number[] {
  const [n, each] = [shape.at(-1)!, shape.slice(1).reduce((a, b) => a * b)];
  const values = trained(layer, shape);
  return Array.from({ length: shape[0] }, (_, i) => sum(values.slice(i * each, i * each + n)));
}

/** A fixed linear readout of one example repeated: its loss at each k, and its mean loss in a training call. */
function smallNet(n: number, batch: number): { losses: number[]; loss: (layer: TailDropout) => number } {
  const features = Array.from({ length: n }, (_, j) => 1 + j / n);
  const weights = Array.from({ length: n }, (_, j) => (j % 2 === 0 ? 0.7 : 0.4));
  const target = sum(features.map((h, j) => h * weights[j]));
  const losses = Array.from({ length: n + 1 }, (_, k) => {
    return (target - sum(features.slice(0, k).map((h, j) => h * weights[j]))) ** 2;
  });
  const loss = (layer: TailDropout): number =>
    tf.tidy(() => {
      const h = tf.tile(tf.tensor2d([features]), [batch, 1]);
      const y = tf.sum(tf.mul(apply(layer, h, true), tf.tensor1d(weights)), 1);
      return tf.mean(tf.square(tf.sub(y, target))).dataSync()[0];
    });
  return { losses, loss };
}

function smallModel(args: TailDropoutArgs): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.dense({ units: 6, activation: 'tanh', inputShape: [4] }),
      tailDropout(args),
      tf.layers.dense({ units: 1 }),
    ],
  });
}

async function reload(model: tf.LayersModel): Promise<tf.LayersModel> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((saved) => {
      // through text, as on disk
      artifacts = { ...saved, modelTopology: JSON.parse(JSON.stringify(saved.modelTopology)) as object };
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  return tf.loadLayersModel(tf.io.fromMemory(artifacts!));
}

/** Calls back for each line along `axis`: its indices (0 along the axis) and a reader of its values. */
function forEachLine(
  shape: readonly number[],
  axis: number,
  visit: (indices: number[], line: (values: readonly number[]) => number[]) => void,
): void {
  const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((a, b) => a * b, 1));
  const lines = shape.reduce((a, b) => a * b, 1) / shape[axis];
  for (let number = 0; number < lines; number++) {
    let rest = number;
    const indices = shape.map(() => 0);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      if (dim === axis) continue;
      indices[dim] = rest % shape[dim];
      rest = Math.floor(rest / shape[dim]);
    }
    const start = sum(indices.map((index, dim) => index * strides[dim]));
    visit(indices, (values) => Array.from({ length: shape[axis] }, (_, j) => values[start + j * strides[axis]]));
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
