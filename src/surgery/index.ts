export { sliceModel, type Keep } from './slice.js';
