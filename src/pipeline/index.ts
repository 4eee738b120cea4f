export { runInspect, type Inspected } from './inspect.js';
export { runReport } from './report-stage.js';
export { runCompare, runCompress, runRecommend, runRetrain, runSweep } from './run.js';
export { RUN_DEFAULTS } from './types.js';
export type { RunContext, RunEvent, RunInput, RunOptions, RunResult, StageName } from './types.js';
