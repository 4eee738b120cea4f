import type * as tf from '@tensorflow/tfjs';

import { GateError } from '../errors.js';
import { detailOf, readGraph, type ModelGraph, type WidthGroup } from '../graph/index.js';
import { disposeModel } from '../model/index.js';
import type { PlannedGroup } from '../records/types.js';
import { factorModel, foldConstantUnits, sliceModel } from '../surgery/index.js';
import type { PlanParts } from './parts.js';
import { formByBasis, resolvePlan, type Resolved } from './resolve.js';

/**
 * The model of a plan: kernels with a rank as two layers (`NAME_factor` and NAME), groups with a width sliced to the first k units of the
 * basis's order, in their ascending form. Where a group is folded, what its constants add goes into the bias of the layers that read them, of a
 * factored one into the bias of its second layer. A kernel whose rank saves no weights beside the plan's widths stays whole.
 *
 * @param groups every choice at most once; what is not named stays whole
 * @returns a standard LayersModel of its own; the caller disposes it. The model of the graph is not touched
 * @throws UsageError for a plan that does not fit the model, and a folded group that cannot be folded
 */
export function narrowModel(graph: ModelGraph, groups: readonly PlannedGroup[], parts: PlanParts): tf.LayersModel {
  const plan = resolvePlan(graph, groups, formByBasis(parts.rankBasis));
  if (plan.ranks.size === 0) return cut(graph, plan, parts, new Map());
  const factors = [...plan.ranks].map(
    ([layer, { basis, k }]) => [layer, { basis: parts.rankBasis(layer, basis), k }] as const,
  );
  const factored = factorModel(graph, new Map(factors));
  try {
    const { inputShapes } = detailOf(graph).options;
    const inner = readGraph(factored, inputShapes === undefined ? {} : { inputShapes });
    const firsts = new Map([...plan.ranks.keys()].map((layer) => [layer, firstHalf(inner, layer)]));
    checkSameGroups(graph, inner, firsts);
    return cut(inner, plan, parts, firsts);
  } finally {
    disposeModel(factored);
  }
}

/** The path of what stands before the second layer of a factored one. */
export function firstHalf({ program }: ModelGraph, second: string): string {
  const value = program.steps.find(({ name }) => name === second)!.inputs[0];
  return program.steps.find(({ outputs }) => outputs.includes(value))!.name;
}

function cut(
  graph: ModelGraph,
  { units, folded }: Resolved,
  parts: PlanParts,
  firsts: ReadonlyMap<string, string>,
): tf.LayersModel {
  const keep = new Map([...units].map(([name, { basis, k }]) => [name, keptUnits(parts, name, basis, k)]));
  if (folded.size === 0) return sliceModel(graph, keep);
  const constants = new Map([...folded].map((name) => [name, parts.constants(name)]));
  const through = new Map([...firsts].map(([second, first]) => [first, second]));
  return foldConstantUnits(graph, keep, constants, through);
}

/** The first k units of a basis's order, ascending. */
export function keptUnits(parts: PlanParts, group: string, basis: string, k: number): Int32Array {
  return parts.unitBasis(group, basis).order.slice(0, k).sort();
}

/** Factoring must not change which units there are, or the plan would be carried out on others. */
function checkSameGroups(before: ModelGraph, after: ModelGraph, firsts: ReadonlyMap<string, string>): void {
  const readerOf = (name: string): string => firsts.get(name) ?? name;
  for (const group of before.groups) {
    const twin = after.groups.find(({ name }) => name === group.name);
    if (twin === undefined || describe(twin, (name) => name) !== describe(group, readerOf)) {
      throw new GateError(`Group "${group.name}" is another one once ${[...firsts.keys()].join(', ')} are factored.`);
    }
  }
}

/** What a group is, apart from numbers of steps and values. */
function describe({ n, producers, tailPoints, recurrent }: WidthGroup, readerOf: (name: string) => string): string {
  const points = tailPoints.map(({ axis, units, consumers, state }) => [
    axis,
    units === null ? null : [...units],
    consumers.map(readerOf),
    state ?? false,
  ]);
  return JSON.stringify([n, producers.map((name) => name), points, recurrent.length]);
}
