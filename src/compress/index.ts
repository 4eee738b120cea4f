export { foldable } from '../surgery/index.js';
export { reestimateBatchNorm, type BatchNormOptions } from './batchNorm.js';
export {
  latencyOf,
  measureLatency,
  measureLatencyTable,
  modelLatency,
  type LatencyOptions,
  type LatencyTable,
  type LatencyTableOptions,
} from './latency.js';
export { maskedModel, type MaskedModel } from './masked.js';
export { collectMeans, type MeansOptions } from './means.js';
export { narrowModel } from './narrow.js';
export { checkParity, predictorOf, worseParity, type Parity, type ParityOptions, type Predict } from './parity.js';
export { meansOf, type PlanParts } from './parts.js';
export { planCost } from './planCost.js';
export { formByBasis, formByName, resolvePlan, type RankForm, type Resolved } from './resolve.js';
export { saveModel, storageOf, type Saved, type SaveOptions } from './save.js';
export { shrink, type ShrinkOptions } from './shrink.js';
export { tune, TUNE_DEFAULTS, tuneEpochs, type Tuned, type TuneOptions } from './tune.js';
