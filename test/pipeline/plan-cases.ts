import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll } from 'vitest';

import { disposeModel, writeModel, type WriteOptions } from '../../src/model/index.js';
import type { RunContext, RunEvent, RunInput } from '../../src/pipeline/index.js';
import { createRandom, deriveSeed, type Random } from '../../src/random/index.js';
import { npy, npz } from '../data/helpers.js';

export const FIXTURES = resolve(import.meta.dirname, '../../fixtures');

/** A folder for a file's tests, each of which must leave no tensor behind. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tdc-plan-'));
  beforeAll(async () => void (await tf.setBackend('cpu')));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    const { numTensors } = tf.memory();
    if (numTensors > 0) throw new Error(`${numTensors} tensors left behind`);
  });
  return folder;
}

/** No clock, nobody who listens unless told. */
export function contextOf(cwd: string, events: RunEvent[] = [], more: Partial<RunContext> = {}): Partial<RunContext> {
  return { cwd, command: 'tdc test', onEvent: (event) => events.push(event), ...more };
}

/** Nothing is trained, nothing but units is narrowed. */
export const UNITS_ONLY = { backend: 'cpu', retrain: false, tune: 0, mode: 'unit' } as const;

/** The model of 2 true features in 8 units, with its data. */
export function twoOfEight(more: Partial<RunInput> = {}): RunInput {
  const at = join(FIXTURES, 'width-2-of-8');
  return { model: at, data: join(at, 'data.npz'), backend: 'cpu', ...more };
}

export interface CaseOptions extends WriteOptions {
  /** Without: there are rows and no labels. Default true. */
  readonly labelled?: boolean;
  /** Size of the data where the model leaves one open. Default 1. */
  readonly open?: number;
}

/** A model and rows, with labels drawn from its own probabilities, written into a folder; the model is disposed. */
export async function writeCase(
  dir: string,
  model: tf.LayersModel,
  rows: number,
  seed: number,
  { labelled = true, open = 1, ...options }: CaseOptions = {},
): Promise<RunInput> {
  try {
    const random = createRandom(deriveSeed(seed, 'rows'));
    const shapes = model.inputs.map(({ shape }) => shape.slice(1).map((size) => size ?? open));
    const arrays = shapes.map((shape) => {
      const size = shape.reduce((all, n) => all * n, rows);
      return { shape: [rows, ...shape], values: Float32Array.from({ length: size }, () => random.normal()) };
    });
    mkdirSync(dir, { recursive: true });
    const inputs = arrays.map(({ shape, values }, i) => [
      arrays.length === 1 ? 'x' : model.inputNames[i],
      npy('<f4', shape, values),
    ]);
    const target = labelled ? { y: npy('<i4', [rows], drawLabels(model, arrays, random)) } : {};
    const all = { ...Object.fromEntries(inputs), ...target } as Record<string, Uint8Array>;
    writeFileSync(join(dir, 'data.npz'), npz(all));
    await writeModel(model, join(dir, 'model'), { force: true, ...options });
    return { model: join(dir, 'model'), data: join(dir, 'data.npz'), backend: 'cpu' };
  } finally {
    disposeModel(model);
  }
}

function drawLabels(
  model: tf.LayersModel,
  arrays: readonly { shape: number[]; values: Float32Array }[],
  random: Random,
): Int32Array {
  const probabilities = tf.tidy(() => {
    const inputs = arrays.map(({ shape, values }) => tf.tensor(values, shape));
    return (model.predict(inputs.length === 1 ? inputs[0] : inputs) as tf.Tensor2D).arraySync();
  });
  return Int32Array.from(probabilities, (row) => {
    let left = random.uniform();
    const label = row.findIndex((p) => (left -= p) < 0);
    return label < 0 ? row.length - 1 : label;
  });
}

/** Gives every weight a value: `value(name, shape)`, row-major. */
export function setWeights(model: tf.LayersModel, value: (name: string, shape: number[]) => Float32Array): void {
  tf.tidy(() => {
    for (const weight of model.weights) {
      const shape = weight.shape as number[];
      weight.write(tf.tensor(value(weight.name.split('/').slice(0, 2).join('/'), shape), shape));
    }
  });
}
