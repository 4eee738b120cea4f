// How often rows that no choice has seen contradict a plan: the digits MLP, its retrained weights and their train rows fixed, the other rows cut
// anew into select and report 100 times, planning and measuring only; the same on the original's own weights alone, where plans lie closer to the
// budget. No time in the figures.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { wholeSplit } from '../dist/data/split.js';
import { disposeModel } from '../dist/model/index.js';
import { intervalsOf } from '../dist/objective/interval.js';
import { mean } from '../dist/objective/stats.js';
import { fullContext, RUN_DEFAULTS } from '../dist/pipeline/types.js';
import { budgetOf, resolveBudget } from '../dist/pipeline/plan/budget.js';
import { sweepCandidates } from '../dist/pipeline/plan/candidates-stage.js';
import { pickRows } from '../dist/pipeline/plan/halves.js';
import { jointModels } from '../dist/pipeline/plan/joint.js';
import { createJudge, worsening } from '../dist/pipeline/plan/judge.js';
import { planOptions, planProblem } from '../dist/pipeline/plan/problem.js';
import { weightsOf } from '../dist/pipeline/plan/weights.js';
import { retrainStage } from '../dist/pipeline/retrain-stage.js';
import { closeSession, openSession } from '../dist/pipeline/session.js';
import { createRandom, deriveSeed } from '../dist/random/index.js';
import { judgeReport } from '../dist/recommend/judge.js';
import { recommend } from '../dist/recommend/recommend.js';
import { columns } from './shared/table.mjs';

const ROOT = join(import.meta.dirname, '..');
const OPTIONS = {
  model: join(ROOT, 'fixtures/digits-mlp'),
  data: { path: join(ROOT, 'fixtures/digits/digits.csv.gz'), scale: 0.0625 },
  backend: 'wasm',
  control: false,
};
const BUDGETS = [0.01, 0.05];
const CUTS = 100;
/** Cuts whose report may contradict, and what the mean rise beyond the budget may be. */
const MOST = { contradicted: 5, beyond: 0 };

/** @param {{print: (figure: object) => void, log: (text: string) => void}} out */
export async function run(out) {
  const folder = await mkdtemp(join(tmpdir(), 'tdc-held-out-'));
  const context = fullContext({
    cwd: folder,
    command: 'bench held-out',
    now: () => performance.now(),
    versions: { node: process.versions.node, tfjs: tf.version_core },
  });
  const session = await openSession({ ...RUN_DEFAULTS, ...OPTIONS, out: join(folder, 'run') }, context);
  try {
    await recut(session, out);
  } finally {
    await closeSession(session);
    await rm(folder, { recursive: true, force: true });
  }
}

async function recut(session, { print, log }) {
  const { train, select, report } = session.dataset.splits;
  const made = await retrainStage(session, []);
  // neither the weights nor what is learned from train rows depends on the cut
  const sets = await weightsOf(session, made);
  const pooled = poolOf(await wholeSplit(select), await wholeSplit(report));
  const splits = { train, select: pooled, report: pooled };
  const world = { session: { ...session, dataset: { ...session.dataset, splits } }, sets, known: new Map() };
  log(`${train.size} train rows; ${pooled.size} rows cut ${CUTS} times into ${sizes(pooled.size).join(', ')}`);
  log('(steering and bounding halves of select, report)');
  const full = session.graph.cost(new Map()).parameters;
  for (const [which, some] of Object.entries({ 'both weights': sets, 'original weights': sets.slice(0, 1) })) {
    for (const budget of BUDGETS) {
      const plans = [];
      for (let cut = 0; cut < CUTS; cut++) plans.push(await planOn({ ...world, sets: some }, budget, cut));
      tell(`held-out/${budget * 100}%, ${which}`, plans, full, { print, log });
    }
  }
  disposeModel(made.retrained.model);
}

/** Two batches in memory as one split. */
function poolOf(a, b) {
  const joined = [...a.inputs, a.target].map((one, i) => concatenate(one, [...b.inputs, b.target][i]));
  return {
    size: a.size + b.size,
    read: async (rows) => {
      const gathered = joined.map((one) => gather(one, rows));
      return { size: rows.length, inputs: gathered.slice(0, -1), target: gathered.at(-1) };
    },
  };
}

function gather({ shape: [, ...shape], values }, rows) {
  const size = shape.reduce((product, n) => product * n, 1);
  const picked = new values.constructor(rows.length * size);
  rows.forEach((row, i) => picked.set(values.subarray(row * size, (row + 1) * size), i * size));
  return { shape: [rows.length, ...shape], values: picked };
}

function concatenate(a, b) {
  const values = new a.values.constructor(a.values.length + b.values.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  return { shape: [a.shape[0] + b.shape[0], ...a.shape.slice(1)], values };
}

function sizes(rows) {
  const select = Math.floor(rows / 2);
  return [Math.floor(select / 2), select - Math.floor(select / 2), rows - select];
}

/** Cuts, plans, and reads what the report rows say of the plan. */
async function planOn({ session, sets, known }, budget, cut) {
  const { objective, dataset } = session;
  const [steering, bounding] = sizes(dataset.splits.select.size);
  const order = createRandom(deriveSeed(0, 'held out', cut)).permutation(dataset.splits.select.size);
  const halves = {
    steering: order.slice(0, steering).sort(),
    bounding: order.slice(steering, steering + bounding).sort(),
  };
  const report = order.slice(steering + bounding).sort();

  const options = { ...session.options, budget, seed: cut };
  const here = { ...session, options };
  const wanted = budgetOf(here);
  const judge = await createJudge(here, halves, wanted.kind);
  const original = judge.bound(judge.original);
  const { info } = await resolveBudget(here, wanted, halves, original.loss);
  const joint = jointModels(here, { sets, judge });
  // the losses of a plan's rows are the same whichever half they are in
  const rowsOf = async (plan) => {
    const key = JSON.stringify(plan);
    const rows = known.get(key) ?? (await measured(joint, judge, plan));
    known.set(key, rows);
    return rows;
  };
  const models = { cost: joint.cost, measure: async (plan) => judge.point(await rowsOf(plan)) };
  const curves = await sweepCandidates(here, sets, halves);
  const problem = await planProblem(here, sets, curves, { judge, budget: info, models });
  const outcome = await recommend(problem, planOptions(here, judge));

  const { verdict, feasible, planned, weights, groups, evaluations } = outcome;
  const interval = intervalsOf(report.length, {
    confidence: options.confidence,
    seed: deriveSeed(options.seed, 'report split'),
  });
  const rise = interval(
    pickRows(worsening(objective, wanted.kind, await rowsOf({ weights, groups }), judge.original), report),
  );
  const says = judgeReport(rise, info.allowed);
  return {
    verdict,
    feasible,
    says,
    rise,
    allowed: info.allowed,
    planned,
    weights,
    evaluations,
    original: original.loss,
  };
}

async function measured(joint, judge, plan) {
  const model = joint.model(plan, false);
  try {
    return await judge.rows(model);
  } finally {
    disposeModel(model);
  }
}

function tell(name, plans, full, { print, log }) {
  const rows = [
    ['verdict', 'plans', 'contradicts', 'does not', 'confirms', 'beyond', 'parameters', 'measured', 'report'],
    ...['holds', 'not resolved', 'broken', 'all'].map((verdict) => {
      const some = plans.filter((plan) => verdict === 'all' || plan.verdict === verdict);
      return some.length === 0 ? [verdict, '0'] : rowOf(verdict, some, full);
    }),
  ];
  log(`\n${name}: ${plans.filter(({ feasible }) => !feasible).length} cuts without a plan narrower than the original`);
  log(columns(rows));
  log(
    `parameters: least, median, most; on average ${mean(plans.map(({ evaluations }) => evaluations)).toFixed(1)} joint plans a cut`,
  );
  log(`weights: ${count(plans.map(({ weights }) => weights))}`);
  const contradicted = plans.filter(({ says }) => says === 'contradicts').length;
  const beyond = mean(plans.map(({ rise, allowed }) => rise.delta - allowed));
  print({
    name: `${name}/contradicted`,
    ours: contradicted,
    peer: MOST.contradicted,
    peerName: 'most allowed',
    unit: 'cuts',
  });
  print({ name: `${name}/beyond`, ours: beyond, peer: MOST.beyond, peerName: 'most allowed', unit: 'nats' });
  print({
    name: `${name}/parameters`,
    ours: mean(plans.map(({ planned }) => planned.parameters)),
    peer: full,
    peerName: 'original',
    unit: 'parameters',
  });
}

function rowOf(verdict, plans, full) {
  const said = (what) => String(plans.filter(({ says }) => says === what).length);
  const share = (pick) => percent(mean(plans.map((plan) => pick(plan) / plan.original)));
  const parameters = plans.map(({ planned }) => planned.parameters / full).sort((a, b) => a - b);
  const some = [0, parameters.length >> 1, parameters.length - 1].map((i) => `${(100 * parameters[i]).toFixed(0)} %`);
  return [
    verdict,
    String(plans.length),
    said('contradicts'),
    said('does not contradict'),
    said('confirms'),
    share(({ rise, allowed }) => rise.delta - allowed),
    some.join(' '),
    share(({ planned }) => planned.delta),
    share(({ rise }) => rise.delta),
  ];
}

function percent(value) {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(2)} %`;
}

function count(names) {
  return [...new Set(names)].map((one) => `${one} ${names.filter((other) => other === one).length}`).join(', ');
}
