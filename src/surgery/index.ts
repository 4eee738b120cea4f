export { foldConstantUnits, type Constants } from './fold.js';
export { sliceModel, type Keep } from './slice.js';
