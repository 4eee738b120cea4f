import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OutputError } from '../../src/errors.js';
import { runSweep } from '../../src/pipeline/index.js';

const FIXTURE = resolve(import.meta.dirname, '../../fixtures/width-2-of-8');

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'tdc-folder-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sweepInto = (out: string, events: string[] = []) =>
  runSweep(
    { model: FIXTURE, data: join(FIXTURE, 'data.npz'), backend: 'cpu', epochs: 1, out },
    { cwd: folder, onEvent: (event) => events.push(event.type === 'start' ? event.stage : event.type) },
  );

describe('the run folder', () => {
  it.skipIf(process.platform !== 'linux')('is tried before anything is trained', async () => {
    const events: string[] = [];
    await expect(sweepInto('/proc/tdc', events)).rejects.toThrow(OutputError);
    expect(events).toEqual([]);
  });

  it.each(['sweep.json', 'ordered', 'report.html', 'jobs'])('is refused where %s in it is a link', async (name) => {
    const out = `linked-${name}`;
    await sweepInto(out);
    const [target, path] = [join(folder, `elsewhere-${name}`), join(folder, out, name)];
    await writeFile(target, 'mine');
    await rm(path, { recursive: true, force: true });
    await symlink(target, path);
    const attempt = sweepInto(out);
    await expect(attempt).rejects.toThrow(OutputError);
    await expect(attempt).rejects.toThrow(`${path} is a link, and what it points at is not replaced.`);
    expect(await readFile(target, 'utf8')).toBe('mine');
    expect(await readdir(join(folder, out))).toContain(name);
  });
});
