import type { RankBasis, UnitBasis } from '../bases/index.js';
import type { UnitStatistics } from '../bases/index.js';

/** What a plan's words stand for on one set of weights. */
export interface PlanParts {
  /** The order in which a group's units are kept. */
  readonly unitBasis: (group: string, basis: string) => UnitBasis;
  /** The factors of a layer's kernel. */
  readonly rankBasis: (layer: string, basis: string) => RankBasis;
  /** What stands for each unit that goes: one list [n] per tail point, in the group's order. Asked for folded groups only. */
  readonly constants: (group: string) => readonly Float32Array[];
}

/** Mean of each unit at each tail point, as constants to be folded. */
export function meansOf({ points }: UnitStatistics): readonly Float32Array[] {
  return points.map(({ mean }) => Float32Array.from(mean));
}
