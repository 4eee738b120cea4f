import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { runCompress, runRecommend, type RunInput, type RunResult } from '../../src/pipeline/index.js';
import { contextOf, testFolder, writeCase, type CaseOptions } from './plan-cases.js';

const folder = testFolder();
/** Sums of the same float32 numbers in another order. */
const PARITY = 1e-5;

const one = (layer: tf.layers.Layer, on: tf.SymbolicTensor | tf.SymbolicTensor[]): tf.SymbolicTensor =>
  layer.apply(on) as tf.SymbolicTensor;
const kernel = (seed: number) => ({ kernelInitializer: tf.initializers.varianceScaling({ scale: 3, seed }) });
const classes = (name = 'classes') => tf.layers.dense({ name, units: 3, activation: 'softmax', ...kernel(9) });

function normalized(): tf.LayersModel {
  const x = tf.input({ shape: [5], name: 'x' });
  const hidden = one(tf.layers.dense({ name: 'hidden', units: 10, ...kernel(1) }), x);
  const normal = one(tf.layers.batchNormalization({ name: 'normal' }), hidden);
  return tf.model({ inputs: x, outputs: one(classes(), one(tf.layers.reLU({ name: 'relu' }), normal)) });
}

function recurrent(): tf.LayersModel {
  const x = tf.input({ shape: [4, 3], name: 'x' });
  const recurrentInitializer = tf.initializers.orthogonal({ seed: 3 });
  const read = one(tf.layers.gru({ name: 'read', units: 6, ...kernel(2), recurrentInitializer }), x);
  return tf.model({ inputs: x, outputs: one(classes(), read) });
}

function convolution(): tf.LayersModel {
  const x = tf.input({ shape: [5, 5, 2], name: 'x' });
  const seen = one(tf.layers.conv2d({ name: 'seen', filters: 6, kernelSize: 3, activation: 'relu', ...kernel(3) }), x);
  const flat = one(tf.layers.flatten({ name: 'flat' }), seen);
  return tf.model({ inputs: x, outputs: one(classes(), flat) });
}

function twoInTwoOut(): tf.LayersModel {
  const [a, b] = ['a', 'b'].map((name) => tf.input({ shape: [3], name }));
  const both = one(tf.layers.concatenate({ name: 'both' }), [
    one(tf.layers.dense({ name: 'left', units: 6, activation: 'relu', ...kernel(4) }), a),
    one(tf.layers.dense({ name: 'right', units: 6, activation: 'tanh', ...kernel(5) }), b),
  ]);
  const mixed = one(tf.layers.dense({ name: 'mixed', units: 8, activation: 'relu', ...kernel(6) }), both);
  const value = one(tf.layers.dense({ name: 'value', units: 2, ...kernel(7) }), mixed);
  return tf.model({ inputs: [a, b], outputs: [one(classes(), mixed), value] });
}

const NETS = { normalized, recurrent, convolution, twoInTwoOut };

async function both(net: keyof typeof NETS, more: Partial<RunInput>, options: CaseOptions = {}): Promise<RunResult> {
  const written = await writeCase(join(folder, net), NETS[net](), 300, 7, options);
  const asked: RunInput = { ...written, epochs: 1, tune: 1, ...more, out: join(folder, `${net}-run`) };
  const { plan } = await runRecommend(asked, contextOf(folder));
  const result = await runCompress({ ...asked, budget: undefined }, contextOf(folder));
  expect(result.plan).toEqual(plan);
  return result;
}

/** What must be so of every compression. */
const SMALLER = { isSame: true, isSmaller: true, isPlanned: true };

function smaller({ compress, plan }: RunResult): typeof SMALLER {
  const { parity, compressed, original } = compress!;
  const { parameters, macs } = plan!.planned;
  return {
    isSame: parity.maxAbsDifference <= PARITY * parity.maxOutput,
    isSmaller: compressed.parameters < original.parameters,
    isPlanned: compressed.parameters === parameters && compressed.macs === macs,
  };
}

const LARGE = 'explained:0.6';

describe('recommend and compress', () => {
  it.each([
    { net: 'normalized', more: {} },
    { net: 'recurrent', more: {} },
    { net: 'convolution', more: {} },
    { net: 'normalized', more: { retrain: false } },
    { net: 'recurrent', more: { retrain: false } },
    { net: 'convolution', more: { retrain: false, target: 'self' } },
    { net: 'convolution', more: { target: 'self' } },
  ] as const)('make a smaller $net model with $more', async ({ net, more }) => {
    expect(smaller(await both(net, { budget: LARGE, ...more }))).toEqual(SMALLER);
  });

  it.each([{ retrain: false }, {}])('make a smaller model of two inputs and two outputs with %o', async (more) => {
    const made = await both('twoInTwoOut', { budget: LARGE, target: 'self', ...more }, { labelled: false });
    expect(smaller(made)).toEqual(SMALLER);
  });

  it('take the statistics of normalization anew where they are told to', async () => {
    const kept = await both('normalized', { budget: LARGE, retrain: false, split: '60/20/20' });
    const fresh = await both('normalized', {
      budget: LARGE,
      retrain: false,
      split: '60/20/20',
      estimateBatchNorm: true,
    });
    expect([kept.compress!.batchNorm, fresh.compress!.batchNorm]).toEqual(['kept', 're-estimated']);
    expect(smaller(fresh)).toEqual(SMALLER);
  });

  it('say so where there are no rows to take them from, and write nothing', async () => {
    const attempt = both('normalized', { budget: LARGE, retrain: false, estimateBatchNorm: true });
    await expect(attempt).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('train rows') as string,
    });
  });

  it.each(['uint8', 'uint16'] as const)(
    'keep a %s model stored as it was, and tell what storing costs',
    async (dtype) => {
      const result = await both(
        'twoInTwoOut',
        { budget: LARGE, target: 'self', retrain: false },
        {
          labelled: false,
          quantization: () => dtype,
        },
      );
      expect(smaller(result)).toEqual(SMALLER);
      const { quantisation, original, compressed } = result.compress!;
      expect(quantisation!.dtype).toContain(dtype);
      expect(Number.isFinite(quantisation!.delta)).toBe(true);
      expect(quantisation!.upper95).toBeGreaterThanOrEqual(quantisation!.delta);
      expect(compressed.bytes).toBeLessThan(original.bytes);
      const manifest = JSON.parse(readFileSync(join(folder, 'twoInTwoOut-run/compressed/model.json'), 'utf8')) as {
        weightsManifest: { weights: { name: string; quantization?: { dtype: string } }[] }[];
      };
      const stored = manifest.weightsManifest.flatMap(({ weights }) => weights);
      const kernels = stored.filter(({ name }) => name.endsWith('kernel'));
      expect(kernels.map(({ quantization }) => quantization?.dtype)).toEqual(kernels.map(() => dtype));
    },
  );

  it('keep the bytes of plans and weights in another folder, on wasm', async () => {
    const files = [
      'plan.json',
      'candidates.json',
      'compress.json',
      'compressed/model.json',
      'compressed/group1-shard1of1.bin',
    ];
    const written = await writeCase(join(folder, 'wasm'), convolution(), 300, 7);
    const make = async (out: string): Promise<string[]> => {
      const options: RunInput = {
        ...written,
        backend: 'wasm',
        epochs: 1,
        tune: 1,
        budget: LARGE,
        out: join(folder, out),
      };
      await runCompress(options, contextOf(folder));
      return files.map((name) => readFileSync(join(folder, out, name), 'latin1'));
    };
    expect(await make('wasm-2')).toEqual(await make('wasm-1'));
  });

  it('leave the model that was given as it is', async () => {
    const written = await writeCase(join(folder, 'given'), convolution(), 300, 7);
    const before = readFileSync(join(folder, 'given/model/group1-shard1of1.bin'), 'latin1');
    await runCompress(
      { ...written, epochs: 1, tune: 1, budget: LARGE, out: join(folder, 'given-run') },
      contextOf(folder),
    );
    expect(readFileSync(join(folder, 'given/model/group1-shard1of1.bin'), 'latin1')).toBe(before);
    const { model } = await loadModel(await locateModel(join(folder, 'given-run/compressed')));
    expect(model.outputNames).toEqual(['classes']);
    disposeModel(model);
  });
});
