import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { DataError } from '../errors.js';
import { writeAtomic } from '../records/files.js';
import { readRecord } from '../records/store.js';
import type {
  CandidatesRecord,
  CompareRecord,
  CompressRecord,
  LatencyRecord,
  PlanRecord,
  RecordHead,
  RetrainRecord,
  RunRecord,
  SweepRecord,
} from '../records/types.js';
import type { Clocked } from './stage.js';
import { timed } from './stage.js';
import { fullContext, type RunContext, type RunResult } from './types.js';

/** What a report is made of. */
interface Records {
  readonly sweep?: SweepRecord;
  readonly compare?: CompareRecord;
  readonly retrain?: RetrainRecord;
  readonly plan?: PlanRecord;
  /** Single curves of every ordering that the plan was looked for in. */
  readonly candidates?: CandidatesRecord;
  readonly latency?: LatencyRecord;
  readonly compress?: CompressRecord;
  readonly run?: RunRecord;
}

/** What was written, and the records that it shows. */
export interface Reported {
  readonly files: readonly string[];
  readonly records: Records;
}

/**
 * Renders records into the run folder: report.html, summary.md, scree.svg and one SVG a group.
 *
 * @returns the names written; none where there is no curve yet
 */
export async function writeReport(
  folder: string,
  records: Records,
  context: RunContext,
  stages: Clocked[],
): Promise<Reported> {
  const all = await complete(folder, records);
  if (all.sweep === undefined && all.compare === undefined) return { files: [], records: all };
  const names = await timed({ context }, stages, 'report', 'report.html', async () => {
    // vega is loaded only when there is something to draw
    const { renderReport } = await import('../report/render.js');
    const rendered = await renderReport(all);
    await removeOld(folder, [...rendered.groups.keys()]);
    const files = new Map([
      ['report.html', rendered.html],
      ['summary.md', rendered.summary],
      ['scree.svg', rendered.scree],
      ...rendered.groups,
    ]);
    for (const [name, text] of files) await writeAtomic(join(folder, name), text);
    return [...files.keys()];
  });
  return { files: names, records: all };
}

/**
 * The records of one report: what was just measured, and of what else stands in the folder that which fits it: the same model,
 * data, loss, seed, backend and retraining.
 */
async function complete(folder: string, records: Records): Promise<Records> {
  const sweep = records.sweep ?? (await readRecord(folder, 'sweep.json').catch(() => undefined));
  const compare = records.compare ?? (await readRecord(folder, 'compare.json').catch(() => undefined));
  const plan = records.plan ?? (await readRecord(folder, 'plan.json').catch(() => undefined));
  const candidates = await readRecord(folder, 'candidates.json').catch(() => undefined);
  const latency = await readRecord(folder, 'latency.json').catch(() => undefined);
  const compress = records.compress ?? (await readRecord(folder, 'compress.json').catch(() => undefined));
  const head = records.sweep ?? records.compare ?? records.plan;
  const fits = (other: RecordHead | undefined): boolean =>
    head !== undefined && other !== undefined && identity(other) === identity(head);
  const { run, retrain } = records;
  return {
    ...(run === undefined ? {} : { run }),
    ...(fits(sweep) ? { sweep: sweep! } : {}),
    ...(fits(compare) ? { compare: compare! } : {}),
    ...(fits(plan) ? { plan: plan! } : {}),
    ...(fits(plan) && fits(candidates) ? { candidates: candidates! } : {}),
    ...(fits(plan) && plan!.minimize === 'latency' && latency !== undefined ? { latency } : {}),
    ...(fits(plan) && compress !== undefined && isOf(compress, plan!) ? { compress } : {}),
    ...(retrain !== undefined && retrain.inputs === head?.retraining ? { retrain } : {}),
  };
}

/** Whether a compression is of this plan. */
export function isOf(compress: CompressRecord, plan: PlanRecord): boolean {
  return compress.plan === plan.inputs;
}

function identity({ model, data, loss, seed, backend, retraining }: RecordHead): string {
  return JSON.stringify([model.digest, data.digest, loss.name, seed, backend.name, backend.variant, retraining]);
}

/** Panels of groups that an earlier run had and this one has not. */
async function removeOld(folder: string, keep: readonly string[]): Promise<void> {
  const names = await readdir(folder);
  const old = names.filter((name) => /^scree-.*\.svg$/.test(name) && !keep.includes(name));
  await Promise.all(old.map((name) => rm(join(folder, name))));
}

/**
 * Renders the records of a run folder again.
 *
 * @throws DataError where the folder holds no curves, or a record that cannot be read
 */
export async function runReport(path: string, partial: Partial<RunContext> = {}): Promise<RunResult> {
  const context = fullContext(partial);
  const folder = resolve(context.cwd, path);
  const sweep = await readRecord(folder, 'sweep.json');
  const compare = await readRecord(folder, 'compare.json');
  if (sweep === undefined && compare === undefined) {
    throw new DataError(`${folder} holds neither sweep.json nor compare.json, so there is nothing to draw.`, {
      hint: 'Name the folder of a run, or make one with tdc sweep.',
    });
  }
  const retrain = await readRecord(folder, 'retrain.json');
  const plan = await readRecord(folder, 'plan.json');
  const compress = await readRecord(folder, 'compress.json');
  const run = await readRecord(folder, 'run.json');
  if (run === undefined) {
    throw new DataError(`${folder} holds no run.json.`, { hint: 'Name the folder of a run.' });
  }
  const records = {
    run,
    ...(sweep === undefined ? {} : { sweep }),
    ...(compare === undefined ? {} : { compare }),
    ...(retrain === undefined ? {} : { retrain }),
    ...(plan === undefined ? {} : { plan }),
    ...(compress === undefined ? {} : { compress }),
  };
  const reported = await writeReport(folder, records, context, []);
  return { folder, files: reported.files, ...reported.records, run };
}
