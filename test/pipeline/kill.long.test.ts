import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createRandom } from '../../src/random/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const MOMENTS = 20;
const BASES = 'tail,magnitude,taylor,variance,random,svd,pca,whitened,kfac';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tdc-kill-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a sweep of many jobs in a process of its own; killed without warning after `killAfter` milliseconds, where given. */
async function sweepInto(
  out: string,
  killAfter?: number,
): Promise<{ readonly code: number | null; readonly ms: number }> {
  const data = ['--data', join(ROOT, 'fixtures/digits/digits.csv.gz'), '--scale', '1/16'];
  const flags = ['--no-retrain', '--backend', 'wasm', '--bases', BASES, '--out', join(folder, out), '--quiet'];
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin/tdc.js'), 'sweep', join(ROOT, 'fixtures/digits-mlp'), ...data, ...flags],
    {
      stdio: 'ignore',
    },
  );
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  clearTimeout(timer);
  return { code, ms: performance.now() - start };
}

describe('a sweep killed without warning', () => {
  it(`goes on to the same bytes, at ${MOMENTS} random moments`, async () => {
    const { code, ms: cold } = await sweepInto('whole');
    expect(code).toBe(0);
    // most of a short run is its start, which is faster the second time
    let ms = Math.min(cold, (await sweepInto('again')).ms);
    const expected = await readFile(join(folder, 'whole', 'sweep.json'), 'utf8');
    const random = createRandom(4);
    let killed = 0;
    for (let i = 0; killed < MOMENTS && i < 3 * MOMENTS; i++) {
      const out = `killed-${i}`;
      const first = await sweepInto(out, ms * (0.3 + 0.7 * random.uniform()));
      if (first.code === null) killed++;
      // a machine that others leave alone from now on is faster
      else ms = Math.min(ms, first.ms);
      expect((await sweepInto(out)).code).toBe(0);
      expect(await readFile(join(folder, out, 'sweep.json'), 'utf8')).toBe(expected);
    }
    // a run that was faster than its killer proves nothing
    expect(killed).toBe(MOMENTS);
  });
});
