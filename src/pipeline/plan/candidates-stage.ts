import { subSplit } from '../../data/split.js';
import { TdcError } from '../../errors.js';
import type { ModelGraph } from '../../graph/types.js';
import { kernelsOf } from '../../bases/index.js';
import type { Candidate, CandidateCurve, PlanVariable } from '../../recommend/types.js';
import { readRecord, writeRecord } from '../../records/store.js';
import type { CandidatesRecord, Curve, GroupCurves, Rise, WeightsName } from '../../records/types.js';
import { createRandom, deriveSeed } from '../../random/index.js';
import type { JobStore } from '../../sweep/jobs.js';
import { sweep, type Swept } from '../../sweep/sweep.js';
import { jobStore } from '../job-store.js';
import { retrainingOf } from '../measure-stage.js';
import type { Retrained } from '../retrain-stage.js';
import { headOf, stageDigest, type Session } from '../session.js';
import { markFolder, pauseOf, reused, timed, type Clocked } from '../stage.js';
import type { Halves } from './halves.js';
import { isFolded, planBases, type PlanWeights } from './weights.js';

/** Most rows that single curves are measured on: they propose plans, which are then measured on all. */
const CURVE_ROWS = 1000;
/** Where one pass over those rows takes more multiply-adds than this, curves are measured on a grid above {@link COARSE_ABOVE} units, not 64. */
const CHEAP_PASS = 1e9;
const COARSE_ABOVE = 16;
const RULES = [CURVE_ROWS, CHEAP_PASS, COARSE_ABOVE];

/**
 * Measures every single curve that planning starts from, on the steering half of select or {@link CURVE_ROWS} rows of it; or takes what stands
 * in the run folder for the same inputs. No budget goes into it.
 */
export async function candidatesStage(
  session: Session,
  made: Retrained | undefined,
  sets: readonly PlanWeights[],
  halves: Halves,
  stages: Clocked[],
): Promise<CandidatesRecord> {
  const { exact, grid, layers, exclude } = session.options;
  const more = { exact, grid, layers, exclude, bases: planBases(session), weights: made?.weights, rules: RULES };
  const inputs = stageDigest(session, 'candidates', more);
  const kept = await readRecord(session.folder, 'candidates.json').catch(() => undefined);
  if (kept?.inputs === inputs) {
    reused(session, stages, 'candidates');
    if (kept.retraining === made?.record.inputs) return kept;
    // another retraining may have ended in the same bytes
    const renamed = { ...kept, ...retrainingOf(made) };
    await writeRecord(session.folder, 'candidates.json', renamed);
    return renamed;
  }
  const store = jobStore(session.folder, inputs);
  try {
    const record = { ...(await measure(session, inputs, sets, halves, stages, store)), ...retrainingOf(made) };
    await writeRecord(session.folder, 'candidates.json', record);
    await store.clear();
    return record;
  } catch (error) {
    if (error instanceof TdcError) await store.clear();
    throw error;
  }
}

async function measure(
  session: Session,
  inputs: string,
  sets: readonly PlanWeights[],
  halves: Halves,
  stages: Clocked[],
  store: JobStore,
): Promise<CandidatesRecord> {
  await markFolder(session, stages);
  const count = sets.reduce((sum, { curves }) => sum + curves.length, 0);
  const swept = await timed(session, stages, 'candidates', `${count} curves`, () =>
    sweepCandidates(session, sets, halves, store),
  );
  const { original, retrained, groups } = swept;
  return {
    ...headOf(session, 'tdc/candidates', inputs),
    rows: curveRows(halves, session.options.seed).length,
    original,
    ...(retrained === undefined ? {} : { retrained }),
    groups,
    missing: sets.flatMap((set) =>
      [...set.missing].flatMap(([group, list]) => list.map((entry) => ({ group, ...entry }))),
    ),
  };
}

/** Every single curve of every set of weights on the steering half, and nothing written but what a store keeps. */
export function sweepCandidates(
  session: Session,
  sets: readonly PlanWeights[],
  halves: Halves,
  store?: JobStore,
): Promise<Swept> {
  const { objective, dataset, options, context, graph } = session;
  const { exact, grid, memory } = options;
  const rows = curveRows(halves, options.seed);
  const isCheap = rows.length * graph.cost(new Map()).macs <= CHEAP_PASS;
  const graphs: Partial<Record<WeightsName, ModelGraph>> = Object.fromEntries(
    sets.map((set) => [set.weights, set.graph]),
  );
  return sweep(
    { ...graphs, original: graph },
    {
      objective,
      exact,
      grid,
      ...(isCheap ? {} : { denseUpTo: COARSE_ABOVE }),
      memory,
      split: subSplit(dataset.splits.select, rows),
      curves: sets.flatMap((set) => set.curves),
      ...(store === undefined ? {} : { store }),
      pause: pauseOf(session),
      onProgress: (done, total, detail) =>
        context.onEvent({ type: 'progress', stage: 'candidates', done, total, detail }),
    },
  );
}

/** Ascending. */
export function curveRows({ steering }: Halves, seed: number): Int32Array {
  if (steering.length <= CURVE_ROWS) return steering;
  const order = createRandom(deriveSeed(seed, 'rows of single curves')).permutation(steering.length);
  return order
    .slice(0, CURVE_ROWS)
    .map((at) => steering[at])
    .sort();
}

/** How the rises of a budget are read off a measured point. */
export interface Reading {
  rise(
    point: Curve['points'][number] | { metrics: Readonly<Record<string, number>>; delta: number; deltaSe: number },
  ): {
    readonly delta: number;
    readonly deltaSe: number;
  };
}

/** The record as planning sees it: for every set of weights its variables, with rises in the budget's unit. */
export function candidatesOf(
  record: Pick<CandidatesRecord, 'groups'>,
  sets: readonly PlanWeights[],
  reading: Reading,
  fullOf: (set: PlanWeights) => Rise,
): readonly Candidate[] {
  return sets.map((set) => ({
    weights: set.weights,
    full: fullOf(set),
    variables: record.groups.flatMap((group) => variablesOf(group, set, reading)),
  }));
}

/** A group with several kernels is narrowed by its units or by its first kernel's rank; every other kernel is a choice of its own. */
function variablesOf(group: GroupCurves, set: PlanWeights, reading: Reading): PlanVariable[] {
  const own = group.curves.filter(({ weights }) => weights === set.weights);
  const layers = [...new Set(own.flatMap(({ layer }) => layer ?? []))];
  const main = own.filter(({ layer }) => layer === undefined || layer === layers[0]);
  const curve = (one: Curve): CandidateCurve => curveOf(one, group.name, set, reading);
  const variables: PlanVariable[] =
    main.length === 0 ? [] : [{ name: group.name, n: group.n, curves: main.map(curve) }];
  for (const layer of layers.slice(1)) {
    const curves = own.filter((one) => one.layer === layer).map(curve);
    const kernel = kernelsOf(set.graph).find((one) => one.layer === layer)!;
    variables.push({ name: layer, n: kernel.cols, curves });
  }
  return variables;
}

function curveOf(curve: Curve, group: string, { weights, graph }: PlanWeights, reading: Reading): CandidateCurve {
  const { basis, kind, layer, n } = curve;
  const folded = kind === 'unit' && isFolded(weights, basis, graph, group);
  const points = curve.points.filter(({ k }) => k >= 1).map((point) => ({ k: point.k, ...reading.rise(point) }));
  return { basis, kind, ...(layer === undefined ? {} : { layer }), ...(folded ? { folded } : {}), n, points };
}
