/** A LayersModel on disk and in memory: find, read, check, build, copy, write. */
export { locateModel } from './locate.js';
export { readModelFile } from './file.js';
export { modelFileBytes } from './file-bytes.js';
export type { FileWeight, ModelFile } from './file.js';
export { loadModel } from './load.js';
export type { LoadedModel } from './load.js';
export { cloneModel, weightEntries } from './build.js';
export type { LeafLayer, WeightEntry } from './build.js';
export { disposeModel } from './dispose.js';
export { modelDigest } from './digest.js';
export { writeModel } from './write.js';
export type { WriteOptions, WrittenModel } from './write.js';
export type { Quantization, QuantizationType } from './manifest.js';
