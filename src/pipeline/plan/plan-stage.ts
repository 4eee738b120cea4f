import type * as tf from '@tensorflow/tfjs';

import { latencyOf } from '../../compress/index.js';
import { UsageError } from '../../errors.js';
import { disposeModel } from '../../model/index.js';
import type { Outlook } from '../../recommend/outlook.js';
import { recommend, type PlanOutcome } from '../../recommend/recommend.js';
import type { PlanCost } from '../../recommend/types.js';
import { readRecord, writeRecord } from '../../records/store.js';
import type { BudgetInfo, LatencyRecord, Measured, PlanRecord, Rise } from '../../records/types.js';
import { retrainingOf } from '../measure-stage.js';
import type { Retrained } from '../retrain-stage.js';
import { headOf, stageDigest, type Session } from '../session.js';
import { markFolder, reused, timed, type Clocked } from '../stage.js';
import { budgetOf, resolveBudget } from './budget.js';
import { candidatesStage } from './candidates-stage.js';
import type { PlanGround } from './check.js';
import { halvesOf } from './halves.js';
import { heldOut } from './held-out.js';
import { jointModels, type JointModels } from './joint.js';
import { createJudge, type Judge } from './judge.js';
import { planOptions, planProblem, type PlanSearch } from './problem.js';
import { keepTuned, tunedModel, tuningOf, type Tuning } from './tuning.js';
import { planBases, weightsOf, type PlanWeights } from './weights.js';

/** Finds, judges and writes a plan; or takes the one that stands in the run folder for the same inputs. */
export async function planStage(
  session: Session,
  made: Retrained | undefined,
  { baseline, table }: PlanGround,
  stages: Clocked[],
): Promise<PlanRecord> {
  const { folder } = session;
  const shared = baseline === undefined ? {} : { baseline };
  const inputs = planDigest(session, made, table);
  const kept = await keptFor(session, inputs);
  if (kept !== undefined) {
    reused(session, stages, 'recommend');
    const { baseline: _, ...plan } = kept;
    // another retraining may have ended in the same bytes
    const record = { ...plan, ...retrainingOf(made), ...shared };
    await writeRecord(folder, 'plan.json', record);
    return record;
  }
  const record = { ...(await makePlan(session, made, inputs, table, stages)), ...shared };
  await writeRecord(folder, 'plan.json', record);
  return record;
}

/**
 * The run folder's plan.
 *
 * @throws UsageError where it is of another model, other rows or another loss: it would be lost if a new one were made unasked
 */
export async function keptPlan(session: Session): Promise<PlanRecord | undefined> {
  const kept = await readRecord(session.folder, 'plan.json');
  if (kept === undefined) return undefined;
  const head = headOf(session, 'tdc/plan', kept.inputs);
  const other = (['model', 'data', 'loss'] as const).find((part) => identity(kept[part]) !== identity(head[part]));
  if (other === undefined) return kept;
  throw new UsageError(
    `The plan in ${session.folder} is of another ${other === 'data' ? 'data set, cut or seed' : other}.`,
    {
      hint: 'Give the options that the plan was made with, or name a --budget to make a new plan.',
    },
  );
}

function identity(part: { readonly digest?: string; readonly name: string }): string {
  return part.digest ?? part.name;
}

function planDigest(session: Session, made: Retrained | undefined, table: LatencyRecord | undefined): string {
  const { exact, grid, layers, exclude, minimize, confidence, tune, roundTo, min, pin } = session.options;
  const { epochs, batchSize, learningRate, distill } = session.options;
  // tuning trains, and sums over a batch are split by threads
  const training = { epochs, batchSize, learningRate, distill, threads: session.backend.info.threads };
  return stageDigest(session, 'plan', {
    exact,
    grid,
    layers,
    exclude,
    minimize,
    confidence,
    tune,
    roundTo,
    min,
    pin,
    training,
    bases: planBases(session),
    budget: budgetOf(session),
    weights: made?.weights,
    ...(table === undefined ? {} : { latency: { full: table.full, groups: table.groups } }),
  });
}

async function keptFor(session: Session, inputs: string): Promise<PlanRecord | undefined> {
  const kept = await readRecord(session.folder, 'plan.json').catch(() => undefined);
  if (kept?.inputs !== inputs) return undefined;
  if (!kept.planned.tuned) return kept;
  const model = await tunedModel(session, inputs).catch(() => undefined);
  if (model === undefined) return undefined;
  disposeModel(model);
  return kept;
}

type Search = PlanSearch & {
  readonly models: JointModels;
  readonly tuning: Tuning | undefined;
  /** What is told of the budget. */
  readonly notes: readonly string[];
};

async function makePlan(
  session: Session,
  made: Retrained | undefined,
  inputs: string,
  table: LatencyRecord | undefined,
  stages: Clocked[],
): Promise<PlanRecord> {
  const halves = halvesOf(session.dataset.splits.select.size, session.options.seed);
  const wanted = budgetOf(session);
  const judge = await createJudge(session, halves, wanted.kind);
  const original = judge.bound(judge.original);
  const { info: budget, note } = await resolveBudget(session, wanted, halves, original.loss);
  if (note !== undefined) session.context.onEvent({ type: 'warning', text: note });
  const sets = await weightsOf(session, made);
  const tuning = tuningOf(session);
  const models = jointModels(session, {
    sets,
    judge,
    ...(tuning === undefined ? {} : { tuning }),
    ...(table === undefined ? {} : { latency: (groups) => latencyOf(table, groups) }),
  });
  try {
    const search = { judge, budget, models, tuning, notes: note === undefined ? [] : [note] };
    const outcome = await find(session, made, sets, search, stages);
    return await record(session, made, inputs, search, outcome, stages);
  } finally {
    models.dispose();
  }
}

async function find(
  session: Session,
  made: Retrained | undefined,
  sets: readonly PlanWeights[],
  search: Search,
  stages: Clocked[],
): Promise<PlanOutcome> {
  const curves = await candidatesStage(session, made, sets, search.judge.halves, stages);
  const problem = await planProblem(session, sets, curves, search);
  const { kind, value } = search.budget;
  const detail = `budget ${kind === 'relative' ? value : `${kind}:${value}`}`;
  const onOutlook = (outlook: Outlook): void => tellOutlook(session, made, search.budget, outlook);
  return timed(session, stages, 'recommend', detail, () =>
    recommend(problem, { ...planOptions(session, search.judge), onOutlook }),
  );
}

/** The feasibility table, before any joint model is measured: what is to be had, and what retraining alone did. */
function tellOutlook(session: Session, made: Retrained | undefined, budget: BudgetInfo, outlook: Outlook): void {
  const { minimize } = session.options;
  const at = (cost: PlanCost): string =>
    minimize === 'latency' ? `${(cost.latency ?? 0).toPrecision(3)} ms` : String(Math.round(cost[minimize]));
  const note = (text: string): void => session.context.onEvent({ type: 'note', text });
  note(
    `${minimize}: ${at(outlook.full)} at full width, ${at(outlook.smallest)} with every group at its least, ${at(outlook.optimistic)} if single curves added up`,
  );
  const unit = budget.kind === 'metric' ? session.objective.metrics[0].name : session.objective.unit;
  note(`the budget allows a rise of ${budget.allowed.toPrecision(3)} ${unit}`);
  if (made === undefined) return;
  const { retrained, control } = made.record;
  const change = (delta: number): string => `${delta < 0 ? '' : '+'}${delta.toPrecision(2)} ${session.objective.unit}`;
  const beside = control === undefined ? '' : `, its control without TailDropout ${change(control.delta)}`;
  note(`on all select rows retraining alone, at full width, changes the loss by ${change(retrained.delta)}${beside}`);
}

async function record(
  session: Session,
  made: Retrained | undefined,
  inputs: string,
  { judge, budget, models, tuning, notes }: Search,
  outcome: PlanOutcome,
  stages: Clocked[],
): Promise<PlanRecord> {
  const { options, graph, selection, folder } = session;
  const { weights, groups, planned } = outcome;
  const kept = await readRecord(folder, 'plan.json').catch(() => undefined);
  const reads = (kept?.data.digest === session.dataset.digest ? kept.report.reads : 0) + 1;
  const model = models.model({ weights, groups }, planned.tuned);
  try {
    const report = await heldOut(session, model, budget, reads);
    await markFolder(session, stages);
    await keepTuned(session, inputs, planned.tuned ? model : undefined);
    const whole = await wholes(judge, made);
    const { tunings, feasibility, isOriginal: _, likely, ...found } = outcome;
    const head = headOf(session, 'tdc/plan', inputs);
    return {
      ...head,
      notes: [...head.notes, ...notes],
      ...retrainingOf(made),
      budget,
      confidence: options.confidence,
      minimize: options.minimize,
      ...found,
      ...models.carried({ weights, groups }),
      ...(likely === undefined ? {} : { likely: models.carried(likely) }),
      frontier: outcome.frontier.map(models.carried),
      rows: { steering: judge.halves.steering.length, bounding: judge.halves.bounding.length },
      original: { ...measuredOf(judge.bound(judge.original)), ...graph.cost(new Map()) },
      ...whole,
      feasibility: {
        ...feasibility,
        smallest: models.carried(feasibility.smallest),
        ...(whole.retrained === undefined ? {} : { retrained: riseOnly(whole.retrained) }),
        ...(whole.control === undefined ? {} : { control: riseOnly(whole.control) }),
      },
      ...(tuning === undefined
        ? {}
        : {
            tuning: { epochs: tuning.epochs, learningRate: tuning.learningRate, tried: tunings },
          }),
      skipped: selection.skipped,
      report,
    };
  } finally {
    disposeModel(model);
  }
}

/** What retraining alone made, at full width, on the bounding half. */
async function wholes(judge: Judge, made: Retrained | undefined): Promise<Pick<PlanRecord, 'retrained' | 'control'>> {
  if (made === undefined) return {};
  const told = async (model: tf.LayersModel): Promise<Measured & Rise> => {
    const bound = judge.bound(await judge.rows(model));
    return { ...measuredOf(bound), ...riseOnly(bound) };
  };
  const retrained = await told(made.retrained.model);
  return made.control === undefined ? { retrained } : { retrained, control: await told(made.control.model) };
}

function measuredOf({ loss, se, metrics }: Measured): Measured {
  return { loss, se, metrics };
}

function riseOnly({ delta, deltaSe, upper95 }: Rise): Rise {
  return { delta, deltaSe, upper95 };
}
