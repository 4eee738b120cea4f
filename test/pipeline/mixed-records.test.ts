import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runCompare, runReport, runSweep, type RunInput } from '../../src/pipeline/index.js';

const FIXTURE = resolve(import.meta.dirname, '../../fixtures/width-2-of-8');

let folder: string;
/** What the comparison shows in a folder of its own. */
let alone: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-mixed-'));
  await runCompare(planted('alone'), context());
  alone = await reportOf('alone');
});
afterAll(() => rm(folder, { recursive: true }));

const planted = (out: string, more: Partial<RunInput> = {}): RunInput => ({
  model: FIXTURE,
  data: join(FIXTURE, 'data.npz'),
  backend: 'cpu',
  retrain: false,
  epochs: 1,
  bases: ['tail', 'svd'],
  out,
  ...more,
});

const context = () => ({ cwd: folder });
const reportOf = (out: string): Promise<string> => readFile(join(folder, out, 'report.html'), 'utf8');

describe('a report of a folder with records of several runs', () => {
  it('shows a sweep beside a comparison of the same model, data and seed', async () => {
    await runSweep(planted('same'), context());
    await runCompare(planted('same'), context());
    expect((await reportOf('same')) === alone).toBe(false);
  });

  it.each<[string, Partial<RunInput>]>([
    ['another seed', { seed: 1 }],
    ['another split', { split: '0/40/60' }],
    ['another loss', { loss: 'meanSquaredError' }],
    ['a retraining', { retrain: true }],
  ])('leaves a sweep with %s out', async (what, more) => {
    const out = what.replaceAll(' ', '-');
    await runSweep(planted(out, more), context());
    await runCompare(planted(out), context());
    expect((await reportOf(out)) === alone).toBe(true);
    expect(await readdir(join(folder, out))).toContain('sweep.json');
  });

  it('leaves a retraining out that its curves do not come from', async () => {
    await runSweep(planted('plain'), context());
    await runSweep(planted('before', { retrain: true }), context());
    await runSweep(planted('before'), context());
    expect(await readdir(join(folder, 'before'))).toContain('retrain.json');
    expect((await reportOf('before')) === (await reportOf('plain'))).toBe(true);
    await runReport('before', context());
    expect((await reportOf('before')) === (await reportOf('plain'))).toBe(true);
  });
});
