import { DataError } from '../errors.js';
import { disposeModel } from '../model/index.js';
import { writeRecord } from '../records/store.js';
import type { PlanRecord } from '../records/types.js';
import { compareStage } from './compare-stage.js';
import { basesOf, isOfOriginal } from './basis-names.js';
import { MEASURING } from './measure-stage.js';
import { writeReport } from './report-stage.js';
import { checkPlan, checkWords } from './plan/check.js';
import { compressStage } from './plan/compress-stage.js';
import { keptPlan, planStage } from './plan/plan-stage.js';
import { keptRetraining, retrainStage, type Retrained } from './retrain-stage.js';
import { closeSession, openSession, type Session } from './session.js';
import { runRecord, type Clocked } from './stage.js';
import { sweepStage } from './sweep-stage.js';
import { fullContext, RUN_DEFAULTS, type RunContext, type RunInput, type RunOptions, type RunResult } from './types.js';
import { warnings } from './warnings.js';

/** Orders the features of a model: ordered/model.json, control/model.json, retrain.json. Reuses what is there by digest. */
export async function runRetrain(options: RunInput, context: Partial<RunContext> = {}): Promise<RunResult> {
  return inSession(options, context, async (session, stages) => {
    const made = await retrainStage(session, stages);
    disposeRetrained(made);
    return { files: trainedFiles(made), retrain: made.record };
  });
}

/**
 * Loss for kept widths, per group, for the original's and (unless told not to) the retrained weights: sweep.json and the
 * report. Runs the retraining it needs and has not got.
 */
export async function runSweep(options: RunInput, context: Partial<RunContext> = {}): Promise<RunResult> {
  return inSession(options, context, async (session, stages) => {
    // a wrong name is told before anything is trained
    const made = await retrainedFor(session, basesOf(session, MEASURING.sweep), stages);
    const record = await sweepStage(session, made, stages).finally(() => {
      if (made !== undefined) disposeRetrained(made);
    });
    return {
      files: ['sweep.json', ...trainedFiles(made)],
      sweep: record,
      ...(made === undefined ? {} : { retrain: made.record }),
    };
  });
}

/**
 * TailDropout's order, magnitude, Taylor, SVD, PCA, whitened and K-FAC on the same rows: compare.json and the report. Runs the
 * retraining it needs and has not got.
 */
export async function runCompare(options: RunInput, context: Partial<RunContext> = {}): Promise<RunResult> {
  return inSession(options, context, async (session, stages) => {
    const made = await retrainedFor(session, basesOf(session, MEASURING.compare), stages);
    const compare = await compareStage(session, made, stages).finally(() => {
      if (made !== undefined) disposeRetrained(made);
    });
    return {
      files: ['compare.json', ...trainedFiles(made)],
      compare,
      ...(made === undefined ? {} : { retrain: made.record }),
    };
  });
}

/**
 * The retraining that these bases need. The original's directions need none; there what stands in the run folder is taken, so that the
 * record fits the others there.
 */
async function retrainedFor(
  session: Session,
  bases: readonly string[],
  stages: Clocked[],
): Promise<Retrained | undefined> {
  if (!session.options.retrain) return undefined;
  if (!bases.every(isOfOriginal)) return retrainStage(session, stages);
  const kept = await keptRetraining(session, stages);
  if (kept === undefined) {
    const text = `nothing is retrained: ${bases.join(', ')} ${bases.length === 1 ? 'is' : 'are'} measured on the original's kernels`;
    session.context.onEvent({ type: 'note', text });
  }
  return kept;
}

/**
 * The narrowest widths whose joint, measured loss holds the budget: plan.json, tuned/model.json where training at the widths won, and the
 * report. Runs the retraining and the sweep it needs and has not got. `gate` says why a gate fails.
 */
export async function runRecommend(options: RunInput, context: Partial<RunContext> = {}): Promise<RunResult> {
  await checkWords({ ...RUN_DEFAULTS, ...options }, fullContext(context));
  return inSession(options, context, async (session, stages) => {
    const { plan, made, sweep } = await planned(session, stages);
    const gate = gateOf(plan, session.options.strict);
    return {
      files: ['plan.json', 'sweep.json', 'candidates.json', ...tunedFiles(plan), ...trainedFiles(made)],
      sweep,
      plan,
      ...(made === undefined ? {} : { retrain: made.record }),
      ...(gate === undefined ? {} : { gate }),
    };
  });
}

/**
 * Writes the plan's model, those very weights, parity checked: compressed/model.json, compress.json and the report. Takes the run folder's
 * plan.json where no budget is named; makes a plan where there is none.
 */
export async function runCompress(options: RunInput, context: Partial<RunContext> = {}): Promise<RunResult> {
  await checkWords({ ...RUN_DEFAULTS, ...options }, fullContext(context));
  return inSession(options, context, async (session, stages) => {
    checkCompress(session);
    const kept = session.options.budget === undefined ? await keptPlan(session) : undefined;
    const { plan, made } = kept === undefined ? await planned(session, stages) : { plan: kept, made: undefined };
    const { compress, latency } = await compressStage(session, plan, stages);
    const gate = gateOf(plan, session.options.strict);
    return {
      files: ['compress.json', 'compressed/model.json', 'latency.json', ...trainedFiles(made)],
      plan,
      compress,
      latency,
      ...(made === undefined ? {} : { retrain: made.record }),
      ...(gate === undefined ? {} : { gate }),
    };
  });
}

/** What compressing needs beyond a plan, told before one is made. */
function checkCompress({ options, dataset }: Session): void {
  if (!options.estimateBatchNorm || dataset.splits.train.size > 0) return;
  throw new DataError(
    'Statistics of BatchNormalization are taken from train rows, and this data set was cut without any.',
    {
      hint: 'Give the train split a share with --split, or leave out --estimate-batch-norm.',
    },
  );
}

async function planned(session: Session, stages: Clocked[]) {
  const ground = await checkPlan(session, stages);
  const made = session.options.retrain ? await retrainStage(session, stages) : undefined;
  try {
    const sweep = await sweepStage(tailOnly(session), made, stages);
    const plan = await planStage(session, made, ground, stages);
    return { plan, made, sweep };
  } finally {
    if (made !== undefined) disposeRetrained(made);
  }
}

/** The sweep beside a plan draws the scree panels; what a plan is looked for in is measured by itself. */
function tailOnly(session: Session): Session {
  const { bases: _, ...options } = session.options;
  return { ...session, options: { ...options, mode: 'both' } };
}

/** Why a gate fails: nothing narrower holds, rows that decided nothing contradict, or it is not shown and `strict`. */
function gateOf({ feasible, report, verdict }: PlanRecord, strict: boolean): string | undefined {
  if (!feasible) return 'no narrower plan holds the budget';
  if (report.verdict === 'contradicts') return 'the report split contradicts the plan';
  if (strict && verdict !== 'holds') return `the plan is ${verdict}, and --strict wants one that holds`;
  return undefined;
}

function tunedFiles({ planned: { tuned } }: PlanRecord): readonly string[] {
  return tuned ? ['tuned/model.json'] : [];
}

type Done = Omit<RunResult, 'folder' | 'run'>;

async function inSession(
  input: RunInput,
  partial: Partial<RunContext>,
  body: (session: Session, stages: Clocked[]) => Promise<Done>,
): Promise<RunResult> {
  const options: RunOptions = { ...RUN_DEFAULTS, ...input };
  const context = fullContext(partial);
  const stages: Clocked[] = [];
  const session = await openSession(options, context);
  try {
    for (const doubt of await warnings(session)) {
      session.warnings.push(doubt);
      context.onEvent({ type: 'warning', text: doubt.text });
    }
    const done = await body(session, stages);
    const run = runRecord(context, stages);
    const reported = await writeReport(session.folder, { ...done, run }, context, stages);
    await writeRecord(session.folder, 'run.json', run);
    // what the report of a plan shows beside it, for whoever prints the plan
    const beside = done.plan === undefined ? {} : reported.records;
    return {
      ...beside,
      ...done,
      folder: session.folder,
      files: [...reported.files, ...done.files, 'run.json'],
      run,
    };
  } finally {
    await closeSession(session);
  }
}

function trainedFiles(made: Retrained | undefined): readonly string[] {
  if (made === undefined) return [];
  const control = made.record.control === undefined ? [] : ['control/model.json'];
  return ['retrain.json', 'ordered/model.json', ...control];
}

function disposeRetrained({ retrained, control }: Retrained): void {
  disposeModel(retrained.model);
  if (control !== undefined) disposeModel(control.model);
}
