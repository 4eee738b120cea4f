import {
  buildUnitBasis,
  collectUnitStatistics,
  UNIT_BASES,
  type RankBasis,
  type UnitBasis,
} from '../../bases/index.js';
import { foldable, meansOf, type PlanParts } from '../../compress/index.js';
import { UsageError } from '../../errors.js';
import type { ModelGraph } from '../../graph/types.js';
import type { PlannedGroup, WeightsName } from '../../records/types.js';
import type { CurveSpec } from '../../sweep/jobs.js';
import { basesOf, TAIL_RANK } from '../basis-names.js';
import { passOf, rankCurves, type Chosen } from '../curves.js';
import type { Retrained } from '../retrain-stage.js';
import type { Session } from '../session.js';

/** What a plan is looked for in, unless `bases` says otherwise. */
export const PLAN_BASES: readonly string[] = ['tail', 'magnitude', 'svd', 'whitened', 'kfac'];

/** One set of weights, with everything that narrows it. */
export interface PlanWeights {
  readonly weights: WeightsName;
  readonly graph: ModelGraph;
  /** What is measured alone. */
  readonly curves: readonly CurveSpec[];
  readonly parts: PlanParts;
  readonly missing: Chosen['missing'];
}

/**
 * The bases that a plan may use, checked.
 *
 * @throws UsageError for an unknown name, and for tail-rank, whose weights are of no set
 */
export function planBases(session: Session): readonly string[] {
  const names = basesOf(session, PLAN_BASES);
  if (!names.includes(TAIL_RANK)) return names;
  throw new UsageError('A plan cannot use the basis tail-rank: its weights are retrained kernel by kernel.', {
    hint: `Name some of ${PLAN_BASES.join(', ')} with --bases; tuning trains a planned rank as well.`,
  });
}

/** The original's weights and, where there are any, the retrained ones: a plan is made from one of them. */
export async function weightsOf(session: Session, made: Retrained | undefined): Promise<readonly PlanWeights[]> {
  const bases = planBases(session);
  const sets = [await planWeights(session, 'original', session.graph, bases)];
  if (made !== undefined) sets.push(await planWeights(session, 'retrained', made.retrained, bases));
  return sets;
}

/** What some choices need, and no more: the same bases and means that planning had. */
export async function partsFor(
  session: Session,
  weights: WeightsName,
  graph: ModelGraph,
  groups: readonly PlannedGroup[],
): Promise<PlanParts> {
  return (await planWeights(session, weights, graph, [...new Set(groups.map(({ basis }) => basis))])).parts;
}

async function planWeights(
  session: Session,
  weights: WeightsName,
  graph: ModelGraph,
  bases: readonly string[],
): Promise<PlanWeights> {
  const units = await unitsOf(session, weights, graph, bases);
  const ranks = await rankCurves(session, graph, bases, weights);
  const directions = new Map<string, RankBasis>();
  for (const { keeps } of ranks.curves) {
    if ('directions' in keeps) directions.set(keyOf(keeps.directions.layer, keeps.directions.name), keeps.directions);
  }
  const parts: PlanParts = {
    unitBasis: (group, name) => known(units.bases, group, name),
    rankBasis: (layer, name) => known(directions, layer, name),
    constants: (group) => units.constants.get(group) ?? [],
  };
  return { weights, graph, curves: [...units.curves, ...ranks.curves], parts, missing: ranks.missing };
}

interface Units {
  readonly curves: readonly CurveSpec[];
  readonly bases: ReadonlyMap<string, UnitBasis>;
  readonly constants: ReadonlyMap<string, readonly Float32Array[]>;
}

async function unitsOf(
  session: Session,
  weights: WeightsName,
  graph: ModelGraph,
  asked: readonly string[],
): Promise<Units> {
  const names = unitNames(weights, asked);
  const selected = session.selection.groups.map(({ name }) => name);
  const gradients = names.includes('taylor');
  const statistics = await collectUnitStatistics(graph, { ...passOf(session), groups: selected, gradients });
  const curves: CurveSpec[] = [];
  const bases = new Map<string, UnitBasis>();
  const constants = new Map<string, readonly Float32Array[]>();
  for (const group of graph.groups.filter(({ name }) => selected.includes(name))) {
    const means = meansOf(statistics.get(group.name)!);
    constants.set(group.name, means);
    for (const name of names) {
      const units = buildUnitBasis(name, graph, group, {
        seed: session.options.seed,
        statistics: statistics.get(group.name)!,
      });
      bases.set(keyOf(group.name, name), units);
      const cost: CurveSpec['cost'] = (k) => session.graph.cost(new Map([[group.name, k]]));
      const folds = isFolded(weights, name, graph, group.name);
      const keeps = { units, of: group.name, ...(folds ? { constants: means } : {}) };
      curves.push({ group: group.name, basis: name, weights, graph, keeps, n: group.n, cost });
    }
  }
  return { curves, bases, constants };
}

/** The original's own order says nothing, unless nothing else was asked for. */
function unitNames(weights: WeightsName, asked: readonly string[]) {
  const names = UNIT_BASES.filter((name) => asked.includes(name));
  const ordered = names.filter((name) => weights === 'retrained' || name !== 'tail');
  return ordered.length > 0 ? ordered : names;
}

/**
 * Whether the mean stands for the units that go. Weights trained with the tail at zero expect zero there; all others miss their mean
 * (science: on original weights the fold is what makes narrow plans feasible).
 */
export function isFolded(weights: WeightsName, basis: string, graph: ModelGraph, name: string): boolean {
  if (weights === 'retrained' && basis === 'tail') return false;
  const group = graph.groups.find((candidate) => candidate.name === name);
  return group !== undefined && foldable(graph, group);
}

function keyOf(of: string, basis: string): string {
  return JSON.stringify([of, basis]);
}

function known<T>(bases: ReadonlyMap<string, T>, of: string, name: string): T {
  const basis = bases.get(keyOf(of, name));
  if (basis === undefined) throw new UsageError(`There is no basis "${name}" of "${of}" in this run.`);
  return basis;
}
