export { foldable } from '../surgery/index.js';
export { maskedModel, type MaskedModel } from './masked.js';
export { collectMeans, type MeansOptions } from './means.js';
export { narrowModel } from './narrow.js';
export { meansOf, type PlanParts } from './parts.js';
export { planCost } from './planCost.js';
export { formByBasis, formByName, resolvePlan, type RankForm, type Resolved } from './resolve.js';
