export { layerPaths } from './container.js';
export { compileProgram } from './program.js';
export { runProgram, stepsBetween, type RunOptions } from './run.js';
export { finalActivations, hasLogits, type FinalActivation } from './activation.js';
