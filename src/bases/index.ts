export * from './types.js';
export { breakEvenRank, factorCost, kernelCost, type LayerCost } from './factorCost.js';
export { foldKernel, kernelMatrix, kernelsOf, type KernelInfo, type Window } from './kernels.js';
export {
  collectKernelStatistics,
  type KernelStatistics,
  type KernelStatisticsOptions,
  type KernelStatisticsResult,
} from './kernelStatistics.js';
export type { PassOptions } from './passes.js';
export { buildRankBasis, rankBasisRefusal } from './rank.js';
export { balancedFactors, truncateKernel, type Truncated } from './truncate.js';
export { rankSelectors } from './selectors.js';
export { buildUnitBasis, unitScores } from './unit.js';
export {
  collectUnitStatistics,
  type PointStatistics,
  type UnitStatistics,
  type UnitStatisticsOptions,
} from './unitStatistics.js';
