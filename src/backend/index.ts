export { diagnose } from './doctor/diagnose.js';
export { startBackend } from './start.js';
export { assertTrainable } from './trainable.js';
export type { BackendName, StartedBackend } from './types.js';
