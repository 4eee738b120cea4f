import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runSweep, type RunInput } from '../../src/pipeline/index.js';
import { folderOf } from '../../src/pipeline/tail-rank-stage.js';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-tail-rank-'));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (layers: readonly string[]): RunInput => ({
  model: join(FIXTURES, 'digits-mlp'),
  data: { path: join(FIXTURES, 'digits/digits.csv.gz'), scale: 1 / 16 },
  backend: 'cpu',
  epochs: 1,
  control: false,
  bases: ['tail-rank'],
  layers,
  out: 'run',
});

describe('kernels ordered by TailDropout', () => {
  it('lie by the name of their layer, and serve another choice of layers', async () => {
    const trained = async (layers: readonly string[]): Promise<number> => {
      const { run } = await runSweep(options(layers), { cwd: folder });
      return run.stages.filter(({ name, reused }) => name === 'tail-rank' && !reused).length;
    };
    expect(await trained(['dense_2'])).toBe(1);
    expect(await readdir(join(folder, 'run/tail-rank'))).toEqual(['dense_2']);
    expect(await trained(['dense_1', 'dense_2'])).toBe(1);
    expect((await readdir(join(folder, 'run/tail-rank'))).sort()).toEqual(['dense_1', 'dense_2']);
    expect(await trained(['dense_2'])).toBe(0);
  });

  it('have folders that every file system takes and tells apart', () => {
    const names = ['dense_1', 'Dense_1', 'a/b', 'a-b', '../../x', 'é', 'è', '', '.', 'x'.repeat(300), 'x'.repeat(301)];
    const folders = names.map(folderOf);
    expect(folders[0]).toBe('tail-rank/dense_1');
    for (const path of folders) expect(path).toMatch(/^tail-rank\/[a-z0-9_-]{1,80}$/u);
    expect(new Set(folders).size).toBe(names.length);
  });
});
