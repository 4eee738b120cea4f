import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { OutputError } from '../errors.js';
import { readRecord } from '../records/store.js';

/** Files and folders that a run writes; a run replaces its own, nobody else's. */
const OWN = [
  'retrain.json',
  'sweep.json',
  'compare.json',
  'candidates.json',
  'plan.json',
  'compress.json',
  'latency.json',
  'run.json',
  'report.html',
  'summary.md',
  'scree.svg',
  'ordered',
  'control',
  'tail-rank',
  'tuned',
  'compressed',
  'jobs',
];

/**
 * The run folder, checked before any work: it is new, empty, a run's own, or holds nothing that this run would replace.
 *
 * @returns its absolute path
 * @throws OutputError where something in the way is not a run's, unless `force`
 */
export async function claimFolder(cwd: string, out: string, force: boolean): Promise<string> {
  const folder = resolve(cwd, out);
  const names = await list(folder);
  await refuseLinks(folder, names);
  if (force) return folder;
  const inTheWay = names.filter((name) => OWN.includes(name) || /^scree-.*\.svg$/.test(name));
  if (inTheWay.length > 0 && !(await isRun(folder))) {
    throw new OutputError(`${join(folder, inTheWay[0])} is in the way and was not written by a run of tdc.`, {
      hint: 'Name another folder with --out, or add --force to replace it.',
    });
  }
  return folder;
}

/** A link would have what it points at replaced. */
async function refuseLinks(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter((entry) => OWN.includes(entry))) {
    if (!(await lstat(join(folder, name))).isSymbolicLink()) continue;
    throw new OutputError(`${join(folder, name)} is a link, and what it points at is not replaced.`, {
      hint: 'Remove the link, or name another folder with --out.',
    });
  }
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new OutputError(`The run folder ${folder} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Name a folder with --out.',
      cause,
    });
  }
}

/** run.json marks a run's own folder, and is written before anything else. */
async function isRun(folder: string): Promise<boolean> {
  try {
    return (await readRecord(folder, 'run.json')) !== undefined;
  } catch {
    return false;
  }
}
