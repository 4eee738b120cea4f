// What a recommended plan is worth, on the MLP 784-256-128-64-10 of the bench `fashion`: whether the plans of 1, 3 and 10 % hold, and how many
// parameters they keep against uniform scaling, magnitude and greedy additive plans of the same weights, rows and rule, without tuning.
// A plan holds where upper95 <= allowed on both halves of select. Rivals may measure every plan they propose. No time in the figures.
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { disposeModel } from '../dist/model/index.js';
import { runRecommend } from '../dist/pipeline/index.js';
import { fullContext, RUN_DEFAULTS } from '../dist/pipeline/types.js';
import { budgetOf, resolveBudget } from '../dist/pipeline/plan/budget.js';
import { candidatesStage, sweepCandidates } from '../dist/pipeline/plan/candidates-stage.js';
import { halvesOf } from '../dist/pipeline/plan/halves.js';
import { heldOut } from '../dist/pipeline/plan/held-out.js';
import { jointModels } from '../dist/pipeline/plan/joint.js';
import { createJudge } from '../dist/pipeline/plan/judge.js';
import { planOptions, planProblem } from '../dist/pipeline/plan/problem.js';
import { weightsOf } from '../dist/pipeline/plan/weights.js';
import { retrainStage } from '../dist/pipeline/retrain-stage.js';
import { closeSession, openSession } from '../dist/pipeline/session.js';
import { allocations } from '../dist/recommend/allocate.js';
import { createPlanner, wholePlan } from '../dist/recommend/plan.js';
import { recommend } from '../dist/recommend/recommend.js';
import { tablesOf } from '../dist/recommend/search.js';
import { spaceOf } from '../dist/recommend/space.js';
import { DATA, trainOriginal } from './fashion/original.mjs';
import { columns } from './shared/table.mjs';

const BUDGETS = [0.01, 0.03, 0.1];
/** Plans that a rival measures along its ladder. */
const MOST_RUNGS = 64;
/** Single curves often say more than plans cost: a ladder goes on to this multiple of the budget. */
const REACH = 4;

/** @param {{print: (figure: object) => void, log: (text: string) => void}} out */
export async function run(out) {
  if (!existsSync(DATA)) {
    out.log(`There is no Fashion-MNIST at ${DATA}: left out.`);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'tdc-recommend-'));
  try {
    await trainOriginal(join(folder, 'model'), out.log);
    await compare(folder, out);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The model of `folder`, by the tool and by its rivals. */
export async function compare(folder, out) {
  const options = {
    ...RUN_DEFAULTS,
    model: join(folder, 'model'),
    data: DATA,
    out: join(folder, 'run'),
    backend: 'wasm',
  };
  const context = fullContext({
    cwd: folder,
    command: 'bench recommend',
    now: () => performance.now(),
    versions: { node: process.versions.node, tfjs: tf.version_core },
  });
  for (const budget of BUDGETS) tellRun(await runRecommend({ ...options, budget }, context), budget, out);
  const session = await openSession(options, context);
  try {
    const world = await prepare(session);
    for (const budget of BUDGETS) await rivals(world, budget, out);
    world.dispose();
  } finally {
    await closeSession(session);
  }
}

function tellRun({ plan, run }, budget, { print, log }) {
  const { planned, original, report, budget: info, verdict, examplesNeeded, evaluations, tuning } = plan;
  const percent = (rise) => signed(rise / original.loss);
  const seconds = run.stages.map(
    ({ name, seconds: s, reused }) => `${name} ${reused ? 'reused' : `${s.toFixed(1)} s`}`,
  );
  log(`\ntdc recommend --budget ${budget}: ${seconds.join(', ')}`);
  log(
    [
      `  ${verdict}${examplesNeeded === undefined ? '' : `, ${examplesNeeded} examples would settle it`}`,
      `${planned.tuned ? 'tuned, ' : ''}${plan.weights} weights: ${choices(plan.groups)}`,
      `${share(planned.parameters / original.parameters)} of the parameters`,
      `predicted ${percent(planned.predicted)}, measured ${percent(planned.delta)}, at most ${percent(planned.upper95)}`,
      `report ${percent(report.delta)} (${percent(report.low95)} to ${percent(report.high95)}): ${report.verdict}`,
      `${evaluations} joint measurements, ${tuning?.tried ?? 0} of them tuned`,
    ].join('\n  '),
  );
  const name = `recommend/${budget * 100}%/tuned`;
  print({
    name: `${name}/parameters`,
    ours: planned.parameters,
    peer: original.parameters,
    peerName: 'original',
    unit: 'parameters',
  });
  print({ name: `${name}/upper95`, ours: planned.upper95, peer: info.allowed, peerName: 'allowed', unit: 'nats' });
}

/** One set of weights with its planner and its measurements, each plan measured once. */
function fieldOf(label, candidate, joint, judge) {
  const planner = createPlanner({ cost: joint.cost, minimize: 'parameters' });
  const space = spaceOf(candidate, { roundTo: 1, min: {}, pin: {} });
  const points = new Map();
  const measure = async (plan) => {
    const point = points.get(plan.key) ?? (await judged(joint, judge, plan.choice));
    points.set(plan.key, point);
    return point;
  };
  return { label, planner, space, measure, joint, tables: tablesOf(planner, space), whole: wholePlan(planner, space) };
}

async function judged(joint, judge, choice) {
  const model = joint.model(choice, false);
  try {
    return judge.point(await judge.rows(model));
  } finally {
    disposeModel(model);
  }
}

async function prepare(session) {
  const made = await retrainStage(session, []);
  const halves = halvesOf(session.dataset.splits.select.size, session.options.seed);
  const judge = await createJudge(session, halves, 'relative');
  const sets = await weightsOf(session, made);
  const curves = await candidatesStage(session, made, sets, halves, []);
  const joint = jointModels(session, { sets, judge });
  const problemOf = (budget) => planProblem(session, sets, curves, { judge, budget, models: joint });
  const { candidates } = await problemOf({ kind: 'relative', value: 1, allowed: 1 });
  const fields = candidates.map((candidate) => fieldOf(candidate.weights, candidate, joint, judge));
  const control = await controlField(session, made, halves, judge);
  const magnitude = fieldOf('original', onlyMagnitude(candidates[0]), joint, judge);
  return {
    session,
    judge,
    problemOf,
    fields,
    magnitude: [magnitude, control],
    dispose: () => [made.retrained, made.control].forEach(({ model }) => disposeModel(model)),
  };
}

/** The control's weights, as many steps without TailDropout, with their units by magnitude. */
async function controlField(session, made, halves, judge) {
  const here = { ...session, options: { ...session.options, bases: ['magnitude'] } };
  const sets = (await weightsOf(here, { ...made, retrained: made.control })).slice(1);
  const curves = await sweepCandidates(here, sets, halves);
  const joint = jointModels(here, { sets, judge });
  const budget = { kind: 'relative', value: 1, allowed: 1 };
  const { candidates } = await planProblem(here, sets, curves, { judge, budget, models: joint });
  return fieldOf('control', onlyMagnitude(candidates[0]), joint, judge);
}

function onlyMagnitude(candidate) {
  const variables = candidate.variables
    .map((variable) => ({ ...variable, curves: variable.curves.filter(({ basis }) => basis === 'magnitude') }))
    .filter(({ curves }) => curves.length > 0);
  return { ...candidate, variables };
}

async function rivals({ session, judge, problemOf, fields, magnitude }, value, { print, log }) {
  const wanted = budgetOf({ ...session, options: { ...session.options, budget: value } });
  const original = judge.bound(judge.original).loss;
  const { info } = await resolveBudget(session, wanted, judge.halves, original);
  const { allowed } = info;
  const ours = await recommend(await problemOf(info), planOptions(session, judge));
  const found = [
    ['ours, untuned', ourPlan(fields, ours)],
    ['uniform', await narrowest(fields, uniform, allowed)],
    ['magnitude, uniform', await narrowest(magnitude, uniform, allowed)],
    ['magnitude, additive', await narrowest(magnitude, (field) => ladder(field, allowed), allowed)],
    ['greedy additive, as it is', await greedyAsItIs(fields, allowed)],
    ['greedy additive, backed off', await narrowest(fields, (field) => greedy(field, allowed), allowed)],
  ];
  const rows = [];
  for (const [name, one] of found) rows.push(await rowOf(name, one, { session, original, info, fields }));
  log(`\n${value * 100} % untuned: allowed ${allowed.toFixed(5)} nats, ${judge.halves.bounding.length} rows a half`);
  const header = ['method', 'weights', 'kept', 'parameters', 'predicted', 'steer', 'at most', 'select', 'at most', ''];
  log(columns([[...header, 'report', 'measured'], ...rows]));
  const full = fields[0].whole.value;
  const parametersOf = (index) => found[index][1].plan?.value ?? full;
  for (const index of [1, 2, 3, 5]) {
    print({
      name: `recommend/${value * 100}%/${found[index][0]}`,
      ours: ours.verdict === 'holds' ? parametersOf(0) : full,
      peer: parametersOf(index),
      peerName: found[index][0],
      unit: 'parameters',
    });
  }
}

function ourPlan(fields, { weights, groups, planned, evaluations }) {
  const field = fields.find(({ label }) => label === weights);
  const choice = { weights, groups };
  return { field, plan: { choice, value: planned.parameters, predicted: planned.predicted }, evaluations };
}

/** The cheapest of what a method proposes that holds, on any weights. */
async function narrowest(fields, propose, allowed) {
  let best = {};
  let evaluations = 0;
  for (const field of fields) {
    for (const plan of propose(field)) {
      const point = await field.measure(plan);
      evaluations++;
      if (!holds(point, allowed)) continue;
      if (best.plan === undefined || plan.value < best.plan.value) best = { field, plan };
      break;
    }
  }
  return { ...best, evaluations };
}

function holds({ steer, bound }, allowed) {
  return steer.upper95 <= allowed && bound.upper95 <= allowed;
}

/** The same share of every group's units, by the better of its unit curves; narrow first, in steps of one unit of the widest group. */
function uniform({ planner, space }) {
  const most = Math.max(...space.candidate.variables.map(({ n }) => n));
  return Array.from({ length: most - 1 }, (_, i) =>
    planner.plan(
      space,
      space.variables.map((variable, at) => unitsAt(variable, space.candidate.variables[at].n, (i + 1) / most)),
    ),
  );
}

function unitsAt({ families, options: [whole] }, n, part) {
  const k = Math.max(1, Math.round(part * n));
  const units = families.filter(({ ks, at }) => ks.includes(k) && at(k).group.kind === 'unit').map(({ at }) => at(k));
  return units.reduce((best, option) => (best.family < 0 || option.rise < best.rise ? option : best), whole);
}

/** Dynamic programming on what the single curves add up to, for growing budgets; narrow first. */
function ladder({ planner, space, tables }, allowed) {
  const left = REACH * allowed - space.candidate.full.delta;
  const rungs = allocations(tables, left)
    .map(({ options }) => planner.plan(space, options))
    .reverse();
  const step = Math.max(1, (rungs.length - 1) / (MOST_RUNGS - 1));
  return rungs.length <= MOST_RUNGS ? rungs : Array.from({ length: MOST_RUNGS }, (_, i) => rungs[Math.round(i * step)]);
}

/** Narrows the group that saves most per rise of its single curve until the rises add up to the budget; every step of it, narrow first. */
function greedy({ planner, space, whole }, allowed) {
  const left = allowed - space.candidate.full.delta;
  const path = [
    planner.plan(
      space,
      space.variables.map(({ options }) => options[0]),
    ),
  ];
  for (;;) {
    const here = path[0];
    const steps = space.variables.flatMap(({ options }, i) =>
      options.flatMap((option) => {
        const plan = planner.plan(space, here.options.with(i, option));
        const risen = plan.predicted - here.predicted;
        const within = plan.predicted - space.candidate.full.delta <= left;
        return plan.value < here.value && within
          ? [{ plan, worth: (here.value - plan.value) / Math.max(risen, 1e-9) }]
          : [];
      }),
    );
    if (steps.length === 0) break;
    path.unshift(steps.reduce((a, b) => (b.worth > a.worth ? b : a)).plan);
  }
  return path.filter(({ value }) => value < whole.value);
}

async function greedyAsItIs(fields, allowed) {
  const plans = fields.flatMap((field) =>
    greedy(field, allowed)
      .slice(0, 1)
      .map((plan) => ({ field, plan })),
  );
  if (plans.length === 0) return { evaluations: 0 };
  return { ...plans.reduce((a, b) => (b.plan.value < a.plan.value ? b : a)), evaluations: 0 };
}

async function rowOf(name, { field, plan, evaluations }, { session, original, info, fields }) {
  if (plan === undefined)
    return [name, '-', 'nothing narrower holds', share(1), ...Array(7).fill(''), String(evaluations)];
  const { steer, bound } = await judgedAgain(field, plan);
  const model = field.joint.model(plan.choice, false);
  const report = await heldOut(session, model, info, 1);
  disposeModel(model);
  const percent = (rise) => signed(rise / original);
  return [
    name,
    field.label,
    choices(plan.choice.groups),
    share(plan.value / fields[0].whole.value),
    percent(plan.predicted),
    percent(steer.delta),
    percent(steer.upper95),
    percent(bound.delta),
    percent(bound.upper95),
    holds({ steer, bound }, info.allowed) ? 'holds' : 'does not',
    `${percent(report.delta)} ${report.verdict}`,
    String(evaluations),
  ];
}

function judgedAgain(field, plan) {
  return field.measure({ ...plan, key: JSON.stringify(plan.choice) });
}

function choices(groups) {
  return groups
    .map(({ n, k, kind, basis }) => (k === n ? `${n}` : `${kind === 'rank' ? 'rank ' : ''}${k} ${basis}`))
    .join(', ');
}

function share(value) {
  return `${(100 * value).toFixed(1)} %`;
}

function signed(value) {
  return `${value < 0 ? '' : '+'}${(100 * value).toFixed(2)} %`;
}
