export type { CostChanges, FactorChange, ModelGraph, Program, Step, TailPoint, Value, WidthGroup } from './types.js';
export { compileProgram } from './program.js';
export { runProgram, type RunOptions } from './run.js';
export { finalActivations, hasLogits, type FinalActivation } from './activation.js';
export type { BytesPerWeight } from './cost.js';
export { detailOf, readGraph, type GraphDetail, type GraphOptions } from './read.js';
export { feasibility, inspectGraph, type CostAxis, type GraphFacts, type GroupFacts } from './inspect.js';
export { graphSvg } from './svg.js';
export { kernelParts, mixingKernel, type KernelPart } from './kernel-parts.js';
