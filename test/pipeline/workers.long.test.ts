import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TdcError } from '../../src/errors.js';
import { runSweep, type RunContext, type RunEvent, type RunInput } from '../../src/pipeline/index.js';

const FIXTURE = resolve(import.meta.dirname, '../../fixtures/width-2-of-8');

let folder: string;
let expected: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-workers-'));
  await runSweep(planted('one', 1), { cwd: folder });
  expected = await sweepOf('one');
});
afterAll(() => rm(folder, { recursive: true }));

const planted = (out: string, workers = 2): RunInput => ({
  model: FIXTURE,
  data: join(FIXTURE, 'data.npz'),
  backend: 'cpu',
  retrain: false,
  bases: ['tail', 'magnitude', 'variance', 'random', 'svd', 'pca'],
  out,
  workers,
});

const sweepOf = (out: string): Promise<string> => readFile(join(folder, out, 'sweep.json'), 'utf8');

/** Runs with two workers; `at` is told of each finished job. */
function shared(out: string, at: (stop: AbortController) => void, warnings: string[] = []): Promise<unknown> {
  const stop = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'warning') warnings.push(event.text);
    if (event.type === 'progress' && event.stage === 'sweep') at(stop);
  };
  const context: Partial<RunContext> = { cwd: folder, onEvent, signal: stop.signal };
  return runSweep(planted(out), context);
}

/** Worker processes of this one. */
function workers(): readonly number[] {
  try {
    const found = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'worker.ts'], { encoding: 'utf8' });
    return found.trim().split('\n').map(Number);
  } catch {
    return [];
  }
}

function killAll(): number {
  const found = workers();
  for (const pid of found) process.kill(pid, 'SIGKILL');
  return found.length;
}

/** A process that was told to end needs a moment. */
async function ended(): Promise<readonly number[]> {
  for (let i = 0; i < 300 && workers().length > 0; i++) await new Promise((done) => setTimeout(done, 100));
  return workers();
}

// processes are listed by pgrep
describe.skipIf(process.platform === 'win32')('a run with two workers', () => {
  it('goes on with others where both are killed, to the same bytes', async () => {
    const warnings: string[] = [];
    let killed = 0;
    await shared('killed', () => (killed ||= killAll()), warnings);
    expect(killed).toBe(2);
    const said = 'A worker process ended with SIGKILL before its job was done. Another one takes its place.';
    expect(warnings).toEqual([said, said]);
    expect(await sweepOf('killed')).toBe(expected);
    expect(await ended()).toEqual([]);
  });

  it('ends with a sentence where they are killed again and again, and keeps what is finished', async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const attempt = shared('murdered', () => (timer ??= setInterval(killAll, 20)));
    const error: unknown = await attempt.catch((reason: unknown) => reason).finally(() => clearInterval(timer));
    expect(error).toBeInstanceOf(TdcError);
    expect(error).toMatchObject({
      exitCode: 1,
      message: 'A worker process ended with SIGKILL before its job was done. The same job lost 3 workers.',
      hint: expect.stringContaining('--workers') as string,
    });
    expect(await readdir(join(folder, 'murdered'))).toContain('jobs');
    await runSweep(planted('murdered', 1), { cwd: folder });
    expect(await sweepOf('murdered')).toBe(expected);
  });

  it('ends at an interrupt with both workers gone, and goes on to the same bytes', async () => {
    let seen = 0;
    const attempt = shared('stopped', (stop) => {
      if (++seen === 2) stop.abort();
    });
    await expect(attempt).rejects.toThrow('aborted');
    expect(await ended()).toEqual([]);
    expect(await readdir(join(folder, 'stopped'))).not.toContain('sweep.json');
    expect(await readdir(join(folder, 'stopped'))).toContain('jobs');
    await runSweep(planted('stopped', 1), { cwd: folder });
    expect(await sweepOf('stopped')).toBe(expected);
  });
});
