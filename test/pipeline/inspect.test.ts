import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DataError, UsageError } from '../../src/errors.js';
import { disposeModel, writeModel } from '../../src/model/index.js';
import { runInspect } from '../../src/pipeline/index.js';

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-inspect-'));
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'first', filters: 4, kernelSize: 3, padding: 'same', inputShape: [null, null, 1] }),
      tf.layers.conv2d({ name: 'second', filters: 6, kernelSize: 3, padding: 'same' }),
      tf.layers.globalAveragePooling2d({ name: 'pool' }),
      tf.layers.dense({ name: 'last', units: 3 }),
    ],
  });
  await writeModel(model, join(folder, 'open'), {});
  disposeModel(model);
});
afterAll(() => rm(folder, { recursive: true }));

const inspect = async (more: Partial<Parameters<typeof runInspect>[0]> = {}) =>
  (await runInspect({ model: 'open', ...more }, { cwd: folder })).record;

describe('runInspect', () => {
  it('has the head of a record: seed, backend, and no metric, as nothing is measured', async () => {
    const { seed, backend, metrics } = await inspect({ seed: 3 });
    expect({ seed, backend, metrics }).toEqual({
      seed: 3,
      backend: { name: 'cpu', device: 'cpu', variant: 'plain', threads: 1 },
      metrics: [],
    });
    expect((await inspect()).seed).toBe(0);
  });

  it.each<[string, Partial<Parameters<typeof runInspect>[0]>, string[]]>([
    ['everything', {}, ['first', 'second']],
    ['--layers first', { layers: ['first'] }, ['first']],
    ['--exclude f*', { exclude: ['f*'] }, ['second']],
  ])('shows the groups of %s, and the smallest model that they allow', async (_, more, names) => {
    const { groups, smallest } = await inspect(more);
    expect(groups.map(({ name }) => name)).toEqual(names);
    const [first, second] = [names.includes('first') ? 1 : 4, names.includes('second') ? 1 : 6];
    const parameters = 9 * first + first + 9 * first * second + second + second * 3 + 3;
    expect(smallest.parameters).toBe(parameters);
  });

  it.each([[[5, 7, 1]], [[1, 5, 7, 1]]])('counts multiply-adds at the open sizes given: %j', async (inputShape) => {
    const { model, layers } = await inspect({ inputShape });
    expect(model.macs).toBe(5 * 7 * (9 * 4 + 9 * 4 * 6) + 6 * 3);
    expect(layers.find(({ name }) => name === 'second')?.outputShape).toEqual([null, 5, 7, 6]);
  });

  it('refuses a glob that matches nothing, and a shape that does not fit, by the name of the input', async () => {
    await expect(inspect({ layers: ['dense*'] })).rejects.toThrow(UsageError);
    const odd = inspect({ inputShape: [5, 7, 3] });
    await expect(odd).rejects.toThrow(DataError);
    await expect(odd).rejects.toThrow(/model's input 'first_input'/);
  });
});
