import { UsageError } from '../errors.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import { createRandom, deriveSeed } from '../random/index.js';
import { consumerNorms } from './consumers.js';
import { UNIT_BASES, type UnitBasis, type UnitBasisName } from './types.js';
import type { UnitStatistics } from './unitStatistics.js';

/**
 * Orders a group's units, the most important first; units of equal score stay in their own order.
 *
 * `tail`: as they are. `magnitude`: rms of the activation times the norm of the consumers' kernel rows, summed over the tail points.
 * `taylor`: mean |activation x gradient|. `variance`: of the activation, summed over the tail points. `random`: the floor.
 *
 * @param statistics of this group; needed by `magnitude`, `variance` and (with gradients) `taylor`
 * @param seed of `random`
 * @throws UsageError for an unknown name, or statistics that are missing
 */
export function buildUnitBasis(
  name: UnitBasisName,
  graph: ModelGraph,
  group: WidthGroup,
  { statistics, seed = 0 }: { readonly statistics?: UnitStatistics; readonly seed?: number } = {},
): UnitBasis {
  if (name === 'tail') return { kind: 'unit', name, order: Int32Array.from({ length: group.n }, (_, unit) => unit) };
  if (name === 'random') {
    return {
      kind: 'unit',
      name,
      order: createRandom(deriveSeed(seed, 'random basis', group.name)).permutation(group.n),
    };
  }
  return { kind: 'unit', name, order: byScore(unitScores(name, graph, group, statistics)) };
}

/** Importance of each unit, [n], for the bases that measure one. */
export function unitScores(
  name: Exclude<UnitBasisName, 'tail' | 'random'>,
  graph: ModelGraph,
  group: WidthGroup,
  statistics: UnitStatistics | undefined,
): Float64Array {
  if (!UNIT_BASES.includes(name))
    throw new UsageError(`There is no unit basis "${name}"; known: ${UNIT_BASES.join(', ')}.`);
  if (statistics === undefined || (name === 'taylor' && statistics.taylor === null)) {
    throw new UsageError(`The basis "${name}" needs statistics of the group "${group.name}", and they are missing.`);
  }
  if (name === 'taylor') return statistics.taylor!;
  const scores = new Float64Array(group.n);
  group.tailPoints.forEach((point, i) => {
    const { variance, meanSquare } = statistics.points[i];
    const norms = name === 'magnitude' ? consumerNorms(graph, group, point) : null;
    for (let unit = 0; unit < group.n; unit++) {
      scores[unit] += norms === null ? variance[unit] : Math.sqrt(meanSquare[unit]) * norms[unit];
    }
  });
  return scores;
}

function byScore(scores: Float64Array): Int32Array {
  return Int32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
}
