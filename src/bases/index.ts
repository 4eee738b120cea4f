export * from './types.js';
export { breakEvenRank, factorCost, kernelCost, type LayerCost } from './factorCost.js';
export { foldKernel, kernelMatrix, kernelsOf, type KernelInfo, type Window } from './kernels.js';
export {
  collectKernelStatistics,
  KERNEL_STATISTICS_DEFAULTS,
  MAX_INPUTS,
  type KernelStatistics,
  type KernelStatisticsOptions,
  type KernelStatisticsResult,
} from './kernelStatistics.js';
export { PASS_DEFAULTS, type PassOptions } from './passes.js';
export { buildRankBasis, PCA_MAX_INPUTS, rankBasisRefusal, RIDGES } from './rank.js';
export { balancedFactors, truncateKernel, type Truncated } from './truncate.js';
export { rankSelectors, SELECTORS, type RankSelectors, type SelectorInfo } from './selectors.js';
export { buildUnitBasis, unitScores } from './unit.js';
export {
  collectUnitStatistics,
  UNIT_STATISTICS_DEFAULTS,
  type PointStatistics,
  type UnitStatistics,
  type UnitStatisticsOptions,
} from './unitStatistics.js';
