export { factorLayer, factorModel, foldFactorBias, type FactorOptions, type Factors } from './factor.js';
export { foldable, foldConstantUnits, type Constants } from './fold.js';
export { sliceModel, type Keep } from './slice.js';
