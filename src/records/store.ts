import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DataError } from '../errors.js';
import { writeAtomic } from './files.js';
import { SCHEMAS } from './schemas.js';
import type {
  CandidatesRecord,
  CompareRecord,
  CompressRecord,
  LatencyRecord,
  PlanRecord,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from './types.js';

/** Records a run folder may hold, by file name. */
export interface RecordFiles {
  readonly 'retrain.json': RetrainRecord;
  readonly 'sweep.json': SweepRecord;
  readonly 'compare.json': CompareRecord;
  readonly 'candidates.json': CandidatesRecord;
  readonly 'plan.json': PlanRecord;
  readonly 'compress.json': CompressRecord;
  readonly 'latency.json': LatencyRecord;
  readonly 'run.json': RunRecord;
}

/** Writes a record as JSON, two spaces, one newline at the end: same record, same bytes. */
export async function writeRecord<Name extends keyof RecordFiles>(
  folder: string,
  name: Name,
  record: RecordFiles[Name],
): Promise<void> {
  await writeAtomic(join(folder, name), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Reads a record of a run folder; undefined where the file is absent.
 *
 * @throws DataError where the file is not that record, or of a newer version.
 */
export async function readRecord<Name extends keyof RecordFiles>(
  folder: string,
  name: Name,
): Promise<RecordFiles[Name] | undefined> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DataError(`Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
  return parseRecord(name, text, path);
}

function parseRecord<Name extends keyof RecordFiles>(name: Name, text: string, path: string): RecordFiles[Name] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${path} is not JSON: ${(cause as Error).message}.`, { hint: AGAIN, cause });
  }
  const parsed = SCHEMAS[name].safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    throw new DataError(`${path} is not a record of this version: ${where}: ${issue?.message ?? 'unknown'}.`, {
      hint: AGAIN,
    });
  }
  return json as RecordFiles[Name];
}

const AGAIN = 'Delete the file and measure again.';
