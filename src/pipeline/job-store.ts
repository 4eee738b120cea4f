import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

import { writeAtomic } from '../records/files.js';
import type { CurvePoint } from '../records/types.js';
import type { JobStore, SweepJob } from '../sweep/jobs.js';
import { digestOf } from './digest.js';

/** A store that can be emptied when the stage is done. */
export interface FolderStore extends JobStore {
  clear(): Promise<void>;
}

/**
 * Keeps the points of finished jobs in the run folder, each under its digest, so that a run that was stopped or killed goes on
 * where it was. A file that cannot be read counts as not there.
 *
 * @param stage digest of everything that all jobs of the stage depend on
 */
export function jobStore(folder: string, stage: string): FolderStore {
  const all = join(folder, 'jobs');
  const jobs = join(all, stage.slice('sha256:'.length, 'sha256:'.length + 16));
  const pathOf = (job: SweepJob): string => join(jobs, `${digestOf({ stage, job }).slice('sha256:'.length)}.json`);
  return {
    get: async (job) => {
      try {
        const { digest, points } = JSON.parse(await readFile(pathOf(job), 'utf8')) as Stored;
        const isWhole = digest === digestOf(points) && points.length === job.ks.length;
        return isWhole ? points : undefined;
      } catch {
        return undefined;
      }
    },
    put: (job, points) =>
      writeAtomic(pathOf(job), JSON.stringify({ digest: digestOf(points), points } satisfies Stored)),
    clear: async () => {
      await rm(jobs, { recursive: true, force: true });
      // goes with the last stage's jobs
      await rmdir(all).catch(() => {});
    },
  };
}

interface Stored {
  /** Of the points: a file that was damaged is measured again. */
  readonly digest: string;
  readonly points: readonly CurvePoint[];
}
