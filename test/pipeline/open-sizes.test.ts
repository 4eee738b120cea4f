import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { runCompress, runRecommend, runSweep } from '../../src/pipeline/index.js';
import { contextOf, testFolder, writeCase } from './plan-cases.js';

const folder = testFolder();
/** Height and width of the images; the model leaves both open. */
const SIDE = 5;
const [CHANNELS, FILTERS, CLASSES] = [2, 6, 3];

const kernel = (seed: number) => ({ kernelInitializer: tf.initializers.varianceScaling({ scale: 3, seed }) });

function openModel(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'seen',
        filters: FILTERS,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        inputShape: [null, null, CHANNELS],
        ...kernel(1),
      }),
      tf.layers.globalAveragePooling2d({ name: 'pool' }),
      tf.layers.dense({ name: 'classes', units: CLASSES, activation: 'softmax', ...kernel(2) }),
    ],
  });
}

/** Multiply-adds at k filters: one window a pixel, then the classes. */
const macs = (k: number): number => SIDE * SIDE * 9 * CHANNELS * k + k * CLASSES;

const written = () => writeCase(join(folder, 'open'), openModel(), 200, 7, { open: SIDE });

describe('a model that leaves sizes open', () => {
  it("is counted at the data's sizes, at every width of a sweep", async () => {
    const asked = { ...(await written()), retrain: false, out: join(folder, 'sweep') };
    const { sweep } = await runSweep(asked, contextOf(folder));
    expect(sweep!.model.macs).toBe(macs(FILTERS));
    const { points } = sweep!.groups[0].curves[0];
    expect(points.map((point) => point.macs)).toEqual(points.map(({ k }) => macs(k)));
  });

  it.each([
    ['narrowed', { retrain: false, tune: 0 }],
    ['retrained and tuned', { epochs: 1, tune: 1 }],
  ])('is counted so when it was planned and %s', async (name, more) => {
    // any plan holds
    const asked = {
      ...(await written()),
      budget: 100,
      mode: 'unit',
      minimize: 'macs',
      ...more,
      out: join(folder, name),
    } as const;
    const { plan } = await runRecommend(asked, contextOf(folder));
    const [{ k }] = plan!.groups;
    expect(k).toBeLessThan(FILTERS);
    expect([plan!.original.macs, plan!.planned.macs]).toEqual([macs(FILTERS), macs(k)]);
    const { compress } = await runCompress({ ...asked, budget: undefined }, contextOf(folder));
    expect([compress!.original.macs, compress!.compressed.macs]).toEqual([macs(FILTERS), macs(k)]);
  });
});
