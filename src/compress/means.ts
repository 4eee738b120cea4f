import { collectUnitStatistics, type PassOptions } from '../bases/index.js';
import type { ModelGraph } from '../graph/index.js';
import { inferObjective } from '../objective/infer.js';
import { meansOf } from './parts.js';

export interface MeansOptions extends Pick<PassOptions, 'split' | 'batchSize' | 'maxRows' | 'onProgress' | 'pause'> {
  /** Groups to be measured, by name; default all. */
  readonly groups?: readonly string[];
}

/**
 * Mean of each unit at each tail point over examples and positions: what `narrowModel` lets stand for the units that go.
 * @returns by group: one list [n] per tail point
 * @throws DataError where there are no rows, or an activation is not finite
 */
export async function collectMeans(
  graph: ModelGraph,
  options: MeansOptions,
): Promise<Map<string, readonly Float32Array[]>> {
  // nothing is compared with a target: any objective serves
  const objective = inferObjective({ target: 'real', activation: 'linear', units: 1 });
  const statistics = await collectUnitStatistics(graph, { ...options, objective, seed: 0, gradients: false });
  return new Map([...statistics].map(([name, known]) => [name, meansOf(known)]));
}
