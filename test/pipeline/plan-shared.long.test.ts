import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { runCompress, type RunInput, type RunResult } from '../../src/pipeline/index.js';
import { npy, npz } from '../data/helpers.js';
import { MODELS, randomInputs } from '../graph/models.js';
import { SHARED } from '../shared.js';
import { contextOf, testFolder } from './plan-cases.js';

/** Sums of the same float32 numbers in another order. */
const PARITY = 1e-5;
const ROWS = 32;
/** Models of more parameters are planned by a few units of one group's: what is shown of them is that it works. */
const LARGE = 1_000_000;

/** Nothing of them can be narrowed. */
const WHOLE = new Set(['acgan-2in', 'cnn-lenet-func']);

const folder = testFolder();

async function rowsFor(path: string, name: string): Promise<string> {
  const { model } = await loadModel(await locateModel(path));
  const inputs = randomInputs(model, ROWS, 5);
  const named = inputs.map((input, i) => [
    inputs.length === 1 ? 'x' : model.inputNames[i],
    npy('<f4', input.shape, input.dataSync()),
  ]);
  tf.dispose(inputs);
  disposeModel(model);
  mkdirSync(join(folder, name));
  const data = join(folder, name, 'rows.npz');
  writeFileSync(data, npz(Object.fromEntries(named) as Record<string, Uint8Array>));
  return data;
}

async function sizeOf(path: string): Promise<number> {
  const { model } = await loadModel(await locateModel(path));
  const size = model.countParams();
  disposeModel(model);
  return size;
}

/** Plans and compresses by units, against the model's own outputs, with a budget that nearly everything holds. */
async function compress(name: string): Promise<RunResult> {
  const model = join(SHARED!, 'models', name);
  const data = await rowsFor(model, name);
  const isLarge = (await sizeOf(model)) > LARGE;
  const options: RunInput = {
    model,
    // words are not scaled, and anything else lies in 0..1
    data,
    target: 'self',
    backend: 'wasm',
    retrain: false,
    mode: 'unit',
    bases: ['magnitude'],
    grid: 4,
    budget: 'abs:1000',
    ...(isLarge ? { roundTo: 16 } : {}),
    out: join(folder, name, 'run'),
  };
  return runCompress(options, contextOf(folder));
}

describe.skipIf(SHARED === undefined)('every shared model with something to narrow', () => {
  it.each(MODELS.filter((name) => !WHOLE.has(name)))(
    '%s is planned and compressed to what its plan says',
    async (name) => {
      const { plan, compress: made } = await compress(name);
      const { parity, compressed, original } = made!;
      expect(parity.maxAbsDifference).toBeLessThanOrEqual(PARITY * parity.maxOutput);
      expect(compressed.parameters).toBe(plan!.planned.parameters);
      expect(compressed.parameters).toBeLessThan(original.parameters);
      expect(made!.quantisation === undefined).toBe(!/-u(8|16)$/.test(name));
    },
  );
});
