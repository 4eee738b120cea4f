import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { runRecommend } from '../../src/pipeline/index.js';
import { createRandom } from '../../src/random/index.js';
import type { PlanRecord } from '../../src/records/types.js';
import { contextOf, setWeights, testFolder, twoOfEight, UNITS_ONLY, writeCase } from './plan-cases.js';

const folder = testFolder();

/** Which units of a layer do anything; the others are dead, whatever their readers' weights are. */
type Live = Readonly<Record<string, readonly number[]>>;

const widthsOf = ({ groups }: PlanRecord): Record<string, number> =>
  Object.fromEntries(groups.filter(({ kind }) => kind === 'unit').map(({ name, k }) => [name, k]));

/** Kernels whose dead units have no weights in; live ones are of sizes that nobody can do without. */
function plant(model: tf.LayersModel, live: Live, seed: number): tf.LayersModel {
  const random = createRandom(seed);
  setWeights(model, (name, shape) => {
    const [layer] = name.split('/');
    const units = shape.at(-1)!;
    const size = shape.reduce((all, n) => all * n, 1);
    return Float32Array.from({ length: size }, (_, i) => {
      const sign = random.uniform() < 0.5 ? -1 : 1;
      const value = sign * (shape.length === 1 ? 0.3 : 0.7 + 0.6 * random.uniform());
      return layer in live && !live[layer].includes(i % units) ? 0 : value;
    });
  });
  return model;
}

function dense(name: string, units: number, activation: 'relu' | 'tanh' | 'linear' | 'softmax') {
  return tf.layers.dense({ name, units, activation });
}

const apply = (layer: tf.layers.Layer, on: tf.SymbolicTensor | tf.SymbolicTensor[]): tf.SymbolicTensor =>
  layer.apply(on) as tf.SymbolicTensor;

/** stem + back(branch(stem)), 3 of 8 features wide, whose branch is 2 of 8 wide. */
function residual(seed: number): { readonly model: tf.LayersModel; readonly widths: Record<string, number> } {
  const [wide, narrow] = [
    createRandom(seed).permutation(8).slice(0, 3),
    createRandom(seed + 1)
      .permutation(8)
      .slice(0, 2),
  ];
  const x = tf.input({ shape: [5], name: 'x' });
  const stem = apply(dense('stem', 8, 'relu'), x);
  const back = apply(dense('back', 8, 'linear'), apply(dense('branch', 8, 'relu'), stem));
  const sum = apply(tf.layers.add({ name: 'sum' }), [stem, back]);
  const model = tf.model({ inputs: x, outputs: apply(dense('classes', 4, 'softmax'), sum) });
  const live = { stem: [...wide], back: [...wide], branch: [...narrow] };
  return { model: plant(model, live, seed), widths: { stem: 3, branch: 2 } };
}

/** mix(concat(left, right)): 2 of 6, 3 of 6 and 3 of 8. */
function concat(seed: number): { readonly model: tf.LayersModel; readonly widths: Record<string, number> } {
  const some = (n: number, r: number, salt: number): readonly number[] =>
    Array.from(
      createRandom(seed + salt)
        .permutation(n)
        .slice(0, r),
    );
  const x = tf.input({ shape: [5], name: 'x' });
  const both = [apply(dense('left', 6, 'relu'), x), apply(dense('right', 6, 'tanh'), x)];
  const mix = apply(dense('mix', 8, 'relu'), apply(tf.layers.concatenate({ name: 'both' }), both));
  const model = tf.model({ inputs: x, outputs: apply(dense('classes', 4, 'softmax'), mix) });
  const live = { left: some(6, 2, 1), right: some(6, 3, 2), mix: some(8, 3, 3) };
  return { model: plant(model, live, seed), widths: { left: 2, right: 3, mix: 3 } };
}

describe('a width that suffices by construction', () => {
  const nets = { residual, concat };
  it.each([
    { net: 'residual', seed: 1 },
    { net: 'concat', seed: 3 },
  ] as const)('is found in every group of a $net net (seed $seed), on its own weights', async ({ net, seed }) => {
    const { model, widths } = nets[net](seed);
    const options = await writeCase(join(folder, `${net}-${seed}`), model, 2000, seed);
    const { plan } = await runRecommend(
      { ...options, ...UNITS_ONLY, out: join(folder, `${net}-${seed}-run`) },
      contextOf(folder),
    );
    expect(widthsOf(plan!)).toEqual(widths);
    expect([plan!.verdict, plan!.weights, plan!.planned.tuned]).toEqual(['holds', 'original', false]);
    // the same function, so no rise to speak of
    expect(Math.abs(plan!.planned.delta)).toBeLessThan(1e-6);
  });

  it('is found where no unit is dead and two must be made of eight, by retraining and tuning', async () => {
    // fitting 1800 drawn labels costs some 0.02 nats at any width, the second feature 0.3: a tenth of what is explained lies between
    const training = { sampler: 'uniform', epochs: 10, learningRate: 1e-2, control: false, tune: 10 };
    const { plan } = await runRecommend(
      twoOfEight({ ...training, budget: 'explained:0.1', mode: 'unit', out: join(folder, 'two') }),
      contextOf(folder),
    );
    expect(widthsOf(plan!)).toEqual({ wide: 2 });
    expect([plan!.verdict, plan!.weights, plan!.planned.tuned]).toEqual(['holds', 'retrained', true]);
  });

  it('is not found on weights that spread two features over eight units, where nothing may be trained', async () => {
    const { plan, gate } = await runRecommend(
      twoOfEight({ ...UNITS_ONLY, budget: 0.01, out: join(folder, 'eight') }),
      contextOf(folder),
    );
    // each unit carries a quarter of its feature, so the least narrowing costs far more than a hundredth
    expect(plan!.feasible).toBe(false);
    expect(plan!.verdict).toBe('broken');
    expect(plan!.stopped!.group).toBe('wide');
    expect(gate).toMatch(/no narrower plan/);
  });

  it('is found as a rank on weights that spread two features over eight units', async () => {
    const { plan } = await runRecommend(
      twoOfEight({ ...UNITS_ONLY, mode: 'rank', layers: ['wide'], out: join(folder, 'rank') }),
      contextOf(folder),
    );
    expect(plan!.groups).toMatchObject([{ name: 'wide', layer: 'wide', kind: 'rank', n: 6, k: 2 }]);
    expect(plan!.verdict).toBe('holds');
  });
});
