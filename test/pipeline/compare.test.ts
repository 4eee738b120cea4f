import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { runCompare, runSweep, RUN_DEFAULTS, type RunContext, type RunOptions } from '../../src/pipeline/index.js';
import type { ComparedGroup, CompareRecord, Curve } from '../../src/records/types.js';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');

let folder: string;
let record: CompareRecord;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-compare-'));
  record = (await runCompare(options('all'), context())).compare!;
}, 180_000);
afterAll(() => rm(folder, { recursive: true }));

function context(): RunContext {
  return {
    cwd: folder,
    command: 'tdc test',
    now: () => 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    machine: { os: 'test', cpu: 'test', cores: 1, memoryBytes: 0 },
    versions: {},
    onEvent: () => {},
  };
}

function options(out: string, more: Partial<RunOptions> = {}): RunOptions {
  const data = { path: join(FIXTURES, 'digits/digits.csv.gz'), scale: 1 / 16 };
  return { ...RUN_DEFAULTS, model: join(FIXTURES, 'digits-mlp'), data, backend: 'cpu', epochs: 30, out, ...more };
}

function curve(group: string, basis: string, weights = 'original'): Curve {
  const found = record.groups.find(({ name }) => name === group)!.curves;
  return found.find((entry) => entry.basis === basis && entry.weights === weights)!;
}

function lossOf({ points }: Curve, wanted: number): number {
  return points.find(({ k }) => k === wanted)!.loss;
}

function meanLoss({ points }: Curve): number {
  return points.reduce((sum, { loss }) => sum + loss, 0) / points.length;
}

describe('runCompare', () => {
  it('measures every basis on every group, the output layer’s kernel as a rank-only entry', () => {
    expect(record.groups.map(({ name, n }) => [name, n])).toEqual([
      ['dense_1', 64],
      ['dense_2', 32],
      ['dense_3', 10],
    ]);
    const kinds = record.groups[2].curves.map(({ basis, kind }) => [basis, kind]);
    expect(kinds).toEqual([
      ['svd', 'rank'],
      ['pca', 'rank'],
      ['whitened', 'rank'],
      ['kfac', 'rank'],
      ['tail-rank', 'rank'],
    ]);
    for (const weights of ['original', 'control', 'retrained']) {
      expect(curve('dense_1', 'magnitude', weights).points).toHaveLength(65);
    }
  });

  it('ends every curve at the full model: the original’s loss and cost', () => {
    const last = record.groups.flatMap(({ curves }) => curves.map(({ n, points }) => ({ n, point: points.at(-1)! })));
    expect(last.map(({ point }) => point.k)).toEqual(last.map(({ n }) => n));
    expect(new Set(last.map(({ point }) => point.parameters))).toEqual(new Set([record.model.parameters]));
    const own = record.groups.flatMap(({ curves }) => curves.filter(({ weights }) => weights === 'original'));
    expect(new Set(own.map(({ points }) => points.at(-1)!.loss))).toEqual(new Set([record.original.loss]));
  });

  it('prices a rank as two kernels, and as the one beyond the break-even rank', () => {
    const { points } = curve('dense_1', 'svd');
    const { breakEven } = record.groups[0].kernels[0];
    expect(breakEven).toBe(32);
    const whole = record.model.parameters;
    for (const { k, parameters, macs } of points) {
      expect(parameters).toBe(k <= breakEven && k < 64 ? whole - 64 * 64 + 128 * k : whole);
      expect(macs).toBe(k <= breakEven && k < 64 ? record.model.macs - 64 * 64 + 128 * k : record.model.macs);
    }
  });

  it('finds what was found elsewhere: order beats magnitude, the data-aware factorings beat plain SVD', () => {
    for (const group of ['dense_1', 'dense_2']) {
      expect(meanLoss(curve(group, 'tail', 'retrained'))).toBeLessThan(meanLoss(curve(group, 'magnitude', 'control')));
      expect(lossOf(curve(group, 'whitened'), 8)).toBeLessThan(lossOf(curve(group, 'svd'), 8));
      expect(lossOf(curve(group, 'kfac'), 8)).toBeLessThan(lossOf(curve(group, 'svd'), 8));
    }
  });

  it('lists the singular values with what the usual rules would keep', () => {
    const { singularValues, rank, selectors } = record.groups[0].kernels[0];
    expect(singularValues).toHaveLength(rank);
    const energy = singularValues.map((value) => value ** 2);
    const total = energy.reduce((sum, value) => sum + value, 0);
    const kept = energy.slice(0, selectors['energy90']!).reduce((sum, value) => sum + value, 0);
    expect(kept / total).toBeGreaterThanOrEqual(0.9);
    expect((kept - energy[selectors['energy90']! - 1]) / total).toBeLessThan(0.9);
  });

  it('reuses the record for another axis, and only says so', async () => {
    const again = await runCompare(options('all', { axis: 'macs' }), context());
    expect(again.run.stages.filter(({ name }) => name === 'compare')).toEqual([
      { name: 'compare', seconds: 0, reused: true },
    ]);
    expect(again.compare).toEqual({ ...record, axis: 'macs' });
    expect(JSON.parse(await readFile(join(folder, 'all/compare.json'), 'utf8'))).toEqual(again.compare);
  });

  it('gives the same bytes from two processes', async () => {
    await runCompare(options('shared', { workers: 2 }), context());
    const [one, two] = await Promise.all(
      ['all', 'shared'].map((out) => readFile(join(folder, out, 'compare.json'), 'utf8')),
    );
    expect(JSON.parse(two)).toEqual({ ...(JSON.parse(one) as CompareRecord), axis: 'parameters' });
  });

  it.each([
    { more: { bases: ['qr'] }, says: /no basis "qr"/ },
    { more: { bases: ['svd'], mode: 'unit' as const }, says: /--mode unit leaves none/ },
  ])('refuses $more', async ({ more, says }) => {
    const attempt = runCompare(options('refused', { retrain: false, ...more }), context());
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(says);
  });
});

describe('runSweep with bases', () => {
  it('measures the bases it is told to', async () => {
    const bases = ['magnitude', 'whitened'];
    const { sweep } = await runSweep(options('some', { retrain: false, bases, layers: ['dense_2'] }), context());
    expect(sweep!.groups.map(({ curves }) => curves.map(({ basis }) => basis))).toEqual([['magnitude', 'whitened']]);
  });

  it('takes the rank bases where --mode rank leaves none of its own', async () => {
    const more = { retrain: false, mode: 'rank' as const, layers: ['dense_2'] };
    const { sweep } = await runSweep(options('ranks', more), context());
    const { name, curves } = sweep!.groups[0];
    expect([name, curves.map(({ basis }) => basis)]).toEqual(['dense_2', ['svd', 'pca', 'whitened', 'kfac']]);
  });
});

describe("the original's directions alone", () => {
  it.each([
    ['sweep', runSweep],
    ['compare', runCompare],
  ] as const)('need no retraining in a %s, and a note says so', async (name, run) => {
    const said: string[] = [];
    const asked = options(`untrained-${name}`, { mode: 'rank', bases: ['svd'], layers: ['dense_2'] });
    const made = await run(asked, {
      ...context(),
      onEvent: (event) => event.type === 'note' && said.push(event.text),
    });
    expect(made.run.stages.map((stage) => stage.name)).toEqual([name]);
    expect(made).not.toHaveProperty('retrain');
    expect(made[name]).not.toHaveProperty('retrained');
    expect(said.filter((text) => text.startsWith('nothing is retrained: svd is'))).toHaveLength(1);
  });

  it('are measured beside a retraining that is there already', async () => {
    const made = await runCompare(options('all', { bases: ['svd'] }), context());
    expect(made.compare!.retraining).toBe(record.retraining);
    expect(made.run.stages[0]).toEqual({ name: 'retrain', seconds: 0, reused: true });
  });
});

/** A mean width of 2 of 32 units has a law, one of 0.6 of 10 has none. */
const FEW = { p: 0.94, epochs: 1, control: false };

describe('a basis that could not be had', () => {
  it('is a note and an entry of the group in sweep.json, where the group has others', async () => {
    const events: string[] = [];
    const { sweep } = await runSweep(options('lacks', { ...FEW, bases: ['svd', 'tail-rank'] }), {
      ...context(),
      onEvent: (event) => event.type === 'note' && events.push(event.text),
    });
    const last = sweep!.groups.find(({ name }) => name === 'dense_3') as ComparedGroup;
    expect(last.curves.map(({ basis }) => basis)).toEqual(['svd']);
    expect(last.missing).toEqual([{ basis: 'tail-rank', reason: expect.stringContaining('dense_3') as string }]);
    const said = /^dense_3 has no tail-rank: .*[^.]$/u;
    expect(sweep!.notes.filter((text) => said.test(text))).toHaveLength(1);
    expect(events.filter((text) => said.test(text))).toHaveLength(1);
    expect(sweep!.groups.map(({ name }) => name)).toEqual(['dense_1', 'dense_2', 'dense_3']);
    expect(sweep!.groups[0]).not.toHaveProperty('missing');
  });

  it.each([
    ['sweep.json', runSweep],
    ['compare.json', runCompare],
  ])('leaves its group with the reason among the skipped of %s, where it was the only one', async (name, run) => {
    const out = `only-${name}`;
    await run(options(out, { ...FEW, bases: ['tail', 'tail-rank'] }), context());
    const record = JSON.parse(await readFile(join(folder, out, name), 'utf8')) as CompareRecord;
    expect(record.groups.map((group) => group.name)).toEqual(['dense_1', 'dense_2']);
    const reasons = record.skipped.filter(({ layer }) => layer === 'dense_3').map(({ reason }) => reason);
    expect(reasons.at(-1)).toMatch(/^it could not be measured \(tail-rank: .*dense_3.*\)$/u);
  });

  it('is said of a group that none of the bases fits', async () => {
    const { sweep } = await runSweep(options('none', { retrain: false, bases: ['svd-spatial'] }), context());
    expect(sweep!.groups).toEqual([]);
    expect(sweep!.skipped).toContainEqual({
      layer: 'dense_1',
      reason: 'none of the bases asked for (svd-spatial) fits it',
    });
  });
});
