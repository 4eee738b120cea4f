export { diagnose } from './doctor/diagnose.js';
export type { DiagnoseOptions } from './doctor/diagnose.js';
export type { BackendDiagnosis, DoctorRecord } from './doctor/types.js';
export { registerRepairs } from './repairs/index.js';
export type { AdamLike, BackendName, BackendOptions, StartedBackend } from './types.js';
export { BACKEND_DEFAULTS, startBackend } from './start.js';
export { assertTrainable } from './trainable.js';
