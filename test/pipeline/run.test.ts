import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { DataError, OutputError, UsageError } from '../../src/errors.js';
import { runReport, runRetrain, runSweep, RUN_DEFAULTS } from '../../src/pipeline/index.js';
import type { RunContext, RunEvent, RunOptions } from '../../src/pipeline/index.js';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-run-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  const { numTensors } = tf.memory();
  if (numTensors > 0) throw new Error(`${numTensors} tensors left behind`);
});

function contextOf(events: RunEvent[] = [], signal?: AbortSignal): RunContext {
  return {
    cwd: folder,
    command: 'tdc test',
    now: () => 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    machine: { os: 'test', cpu: 'test', cores: 1, memoryBytes: 0 },
    versions: {},
    onEvent: (event) => events.push(event),
    ...(signal === undefined ? {} : { signal }),
  };
}

function digits(out: string, more: Partial<RunOptions> = {}): RunOptions {
  return {
    ...RUN_DEFAULTS,
    model: join(FIXTURES, 'digits-mlp'),
    data: { path: join(FIXTURES, 'digits/digits.csv.gz'), scale: 1 / 16 },
    backend: 'cpu',
    epochs: 2,
    out,
    ...more,
  };
}

const planted = (out: string, more: Partial<RunOptions> = {}): RunOptions =>
  digits(out, { model: join(FIXTURES, 'width-2-of-8'), data: join(FIXTURES, 'width-2-of-8/data.npz'), ...more });

const bytes = (out: string, name: string): Promise<string> => readFile(join(folder, out, name), 'utf8');
const told = (events: readonly RunEvent[], type: 'note' | 'warning'): string =>
  events.flatMap((event) => (event.type === type ? [event.text] : [])).join('\n');

describe('runSweep', () => {
  it('goes from a model and data to curves, models and a report', async () => {
    const { sweep, retrain, files } = await runSweep(digits('whole'), contextOf());
    for (const name of files) expect((await bytes('whole', name)).length).toBeGreaterThan(0);
    expect(files).toEqual(expect.arrayContaining(['sweep.json', 'report.html', 'summary.md', 'scree.svg', 'run.json']));
    expect(sweep!.groups.map(({ name, n }) => [name, n])).toEqual([
      ['dense_1', 64],
      ['dense_2', 32],
    ]);
    for (const { curves, n } of sweep!.groups) {
      expect(curves.map(({ weights }) => weights)).toEqual(['original', 'retrained']);
      const [original, retrained] = curves.map(({ points }) => points.at(-1)!);
      expect([original.k, original.loss, original.delta]).toEqual([n, sweep!.original.loss, 0]);
      expect([retrained.loss, retrained.delta]).toEqual([retrain!.retrained.loss, retrain!.retrained.delta]);
    }
  });

  it('reuses what stands there for the same inputs, and measures again what an option changes', async () => {
    const events: RunEvent[] = [];
    const { run } = await runSweep(digits('whole'), contextOf(events));
    expect(run.stages.map(({ name, reused }) => [name, reused])).toEqual([
      ['retrain', true],
      ['sweep', true],
    ]);
    const finer = await runSweep(digits('whole', { layers: ['dense_2'], retrain: true }), contextOf());
    expect(finer.run.stages.map(({ name }) => name)).toEqual(['retrain', 'control', 'sweep']);
    expect(finer.sweep!.groups.map(({ name }) => name)).toEqual(['dense_2']);
  });

  it('gives the same bytes for the same inputs in another folder', async () => {
    await runSweep(digits('one'), contextOf());
    await runSweep(digits('two'), contextOf());
    for (const name of ['sweep.json', 'retrain.json', 'report.html', 'scree.svg', 'ordered/model.json']) {
      expect(await bytes('two', name)).toBe(await bytes('one', name));
    }
  });

  it('finds that 2 of 8 units suffice where a model was built that way', async () => {
    const { sweep } = await runSweep(
      planted('planted', { sampler: 'uniform', epochs: 60, learningRate: 1e-2 }),
      contextOf(),
    );
    const { points } = sweep!.groups[0].curves.find(({ weights }) => weights === 'retrained')!;
    const { loss } = sweep!.original;
    // what the last six units add is a few hundredths of what the second does
    expect((points[1].loss - points[2].loss) / loss).toBeGreaterThan(0.5);
    expect((points[2].loss - points[8].loss) / loss).toBeLessThan(0.05);
    const original = sweep!.groups[0].curves.find(({ weights }) => weights === 'original')!;
    expect(original.points[2].delta / loss).toBeGreaterThan(0.5);
  });

  it('warns of a model that does no better than a constant, and asks for the scale', async () => {
    const events: RunEvent[] = [];
    const data = { path: join(FIXTURES, 'digits/digits.csv.gz'), scale: 1e-6 };
    await runSweep(digits('scale', { data, retrain: false }), contextOf(events));
    expect(told(events, 'warning')).toMatch(/no better than a constant answer .* scale/);
  });

  it('warns of a model that knows the train rows far better than those that decide', async () => {
    const rows = gunzipSync(await readFile(join(FIXTURES, 'digits/digits.csv.gz')))
      .toString()
      .trim()
      .split('\n');
    // every twelfth label is another digit's: nothing a model could know
    const odd = rows.map((row, i) =>
      i % 12 === 0 ? row.replace(/\d$/, (digit) => `${(Number(digit) + 1) % 10}`) : row,
    );
    await writeFile(join(folder, 'known.csv'), rows.slice(0, 900).join('\n'));
    await writeFile(join(folder, 'odd.csv'), odd.slice(900).join('\n'));
    const events: RunEvent[] = [];
    const data = { train: join(folder, 'known.csv'), select: join(folder, 'odd.csv'), scale: 1 / 16 };
    const { sweep } = await runSweep(digits('seen', { data, retrain: false }), contextOf(events));
    expect(told(events, 'warning')).toMatch(/far below that on select .* it has seen this file/);
    expect(sweep!.warnings!.map(({ kind }) => kind)).toEqual(['seen']);
  });

  it('says nothing of the kind where all is well', async () => {
    const events: RunEvent[] = [];
    await runSweep(digits('well', { retrain: false }), contextOf(events));
    expect(told(events, 'warning')).toBe('');
    expect(told(events, 'note')).toMatch(/categoricalCrossentropy/);
  });

  it('needs no labels with target self, and starts from a divergence of 0', async () => {
    const { sweep } = await runSweep(planted('self', { target: 'self', retrain: false }), contextOf());
    expect(sweep!.loss.name).toBe('kullbackLeibler');
    expect(Math.abs(sweep!.original.loss)).toBeLessThan(1e-6);
  });

  it.each([
    { title: 'a p too large for a group', more: { p: 0.97 }, error: UsageError, says: /dense_2 of 32 units/ },
    { title: 'a glob that matches nothing', more: { layers: ['conv*'] }, error: UsageError, says: /matches no layer/ },
    { title: 'nothing left', more: { exclude: ['dense_*'] }, error: UsageError, says: /No layer that can be narrowed/ },
    { title: 'an unknown sampler', more: { sampler: 'gauss' }, error: UsageError, says: /gauss/ },
    { title: 'a learning rate of 0', more: { learningRate: 0 }, error: UsageError, says: /above 0, got 0/ },
    { title: 'no train rows', more: { split: '0/50/50' }, error: DataError, says: /train/ },
  ])('refuses $title and leaves no file', async ({ more, error, says }) => {
    const attempt = runSweep(digits('refused', more), contextOf());
    await expect(attempt).rejects.toThrow(error);
    await expect(attempt).rejects.toThrow(says);
    expect(await readdir(folder)).not.toContain('refused');
  });

  it('does not touch a folder that something else wrote, unless forced', async () => {
    const mine = join(folder, 'mine');
    await runSweep(digits('mine', { retrain: false }), contextOf());
    await rm(join(mine, 'run.json'));
    await writeFile(join(mine, 'report.html'), 'my own words');
    await expect(runSweep(digits('mine', { retrain: false }), contextOf())).rejects.toThrow(OutputError);
    expect(await readFile(join(mine, 'report.html'), 'utf8')).toBe('my own words');
    await runSweep(digits('mine', { retrain: false, force: true }), contextOf());
    expect(await readFile(join(mine, 'report.html'), 'utf8')).toContain('<!doctype html>');
  });

  it('stops between steps when it is told to', async () => {
    const stop = new AbortController();
    const context = contextOf([], stop.signal);
    const onEvent = (event: RunEvent): void => {
      if (event.type === 'progress' && event.done === 3) stop.abort();
    };
    await expect(runSweep(digits('stopped'), { ...context, onEvent })).rejects.toThrow('aborted');
    expect(await readdir(folder)).not.toContain('stopped');
  });
});

/** Aborts after so many progress events of the sweep. */
async function stopAfter(events: number, out: string): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'progress' && event.stage === 'sweep' && ++seen === events) stop.abort();
  };
  await expect(runSweep(digits(out), { ...contextOf([], stop.signal), onEvent })).rejects.toThrow('aborted');
}

describe('a sweep that was stopped', () => {
  it.each([1, 3, 6])('keeps what is finished and ends with the same bytes (stopped at step %i)', async (events) => {
    const out = `cut-${events}`;
    await stopAfter(events, out);
    await runSweep(digits(out), contextOf());
    expect(await bytes(out, 'sweep.json')).toBe(await bytes('one', 'sweep.json'));
    expect(await readdir(join(folder, out))).not.toContain('jobs');
  });

  it('does not measure a finished job again, and measures a damaged one again', async () => {
    await stopAfter(3, 'jobs');
    const all = join(folder, 'jobs', 'jobs');
    const jobs = join(all, (await readdir(all))[0]);
    const [first] = await readdir(jobs);
    const stored = JSON.parse(await readFile(join(jobs, first), 'utf8')) as {
      digest: string;
      points: { loss: number }[];
    };
    stored.points[0].loss += 1;
    await writeFile(join(jobs, first), JSON.stringify(stored));
    await runSweep(digits('jobs'), contextOf());
    expect(await bytes('jobs', 'sweep.json')).toBe(await bytes('one', 'sweep.json'));
  });
});

describe('workers', () => {
  it('share a sweep and give the bytes of one process', async () => {
    await runSweep(digits('shared', { workers: 2 }), contextOf());
    expect(await bytes('shared', 'sweep.json')).toBe(await bytes('one', 'sweep.json'));
  });
});

describe('runRetrain', () => {
  it('writes ordered and control models without custom layers, ordered by their metadata', async () => {
    await runRetrain(digits('trained'), contextOf());
    for (const role of ['ordered', 'control']) {
      const manifest = JSON.parse(await bytes('trained', `${role}/model.json`)) as {
        modelTopology: unknown;
        userDefinedMetadata: { taildropout: { role: string } };
      };
      expect(JSON.stringify(manifest.modelTopology)).not.toContain('TailDropout');
      expect(manifest.userDefinedMetadata.taildropout.role).toBe(role);
    }
  });

  it('stops a training that diverges with exit code 3 and nothing written', async () => {
    const attempt = runRetrain(digits('diverged', { learningRate: 1e38 }), contextOf());
    await expect(attempt).rejects.toMatchObject({
      exitCode: 3,
      hint: expect.stringContaining('--learning-rate') as string,
    });
    expect(await readdir(folder)).not.toContain('diverged');
  });
});

describe('runReport', () => {
  it('renders the records of a run again to the same bytes', async () => {
    const before = await bytes('one', 'report.html');
    await writeFile(join(folder, 'one', 'report.html'), '');
    await runReport('one', contextOf());
    expect((await bytes('one', 'scree.svg')).length).toBeGreaterThan(0);
    expect(await bytes('one', 'report.html')).toBe(before);
  });

  it('says what is missing or broken', async () => {
    await expect(runReport('nowhere', contextOf())).rejects.toThrow(/holds neither sweep.json nor compare.json/);
    await writeFile(join(folder, 'two', 'sweep.json'), '{"schema": "tdc/sweep"}');
    await expect(runReport('two', contextOf())).rejects.toThrow(/not a record of this version/);
  });
});
