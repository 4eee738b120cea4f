/**
 * How wide do the layers of a TensorFlow.js model need to be?
 *
 * ```
 * model + dataset ──retrain──▶ ordered model ──sweep, compare-svd──▶ curves ──recommend──▶ plan ──compress──▶ smaller model
 *                                                                      └─────────report───────┴──▶ report.html + *.svg + summary.md
 * ```
 *
 * The rooms, from the commands down; a room imports only from below:
 *
 * - `cli`        yargs commands: load, ONE call of `pipeline`, save, print
 * - `pipeline`   runs the stages a command lacks, reuses by digest, writes records, models and the report
 * - `recommend`  curves + budget → joint plans, measured, searched and judged; sees no tensor, gets its truth through `measure(plan)`
 * - `compress`   plan → smaller model: narrowing, the masked reference, parity, training at the widths, files, latency
 * - `report`     records → charts → SVG, HTML, Markdown, terminal; sees no tensor
 * - `sweep`      the engine: loss for every kept width or rank k, paired against the original; jobs
 * - `retrain`    TailDropout fine-tuning with distillation, and its control
 * - `surgery`    changes a model, model in and model out: slices width groups, factors kernels, folds constant units
 * - `bases`      orderings of features: tail, magnitude, taylor, svd, pca, whitened, kfac; the linear algebra under them
 * - `evaluate`   feeds batches through a model with some groups masked, judges every row
 * - `graph`      reads a model: steps, width groups, tail points, parameters and MACs
 * - `objective`  what is measured: loss and metrics per row, their statistics
 * - `model`      a LayersModel on disk: validate, read, write
 * - `data`       datasets: csv, npz, npy, json, idx; splits; batches
 * - `backend`    choosing and preparing a TensorFlow.js backend
 * - `layers`     TailDropout and its samplers (also `taildropout/layers`, for browsers)
 * - `records`    the JSON between commands: types, reading, writing
 * - `random`     seeded streams; `errors` what went wrong and the exit code that says so
 */
export { defineConfig, type TdcConfig } from './config.js';
export * from './errors.js';
export * from './pipeline/index.js';
export * from './records/types.js';
export { createSampler, expectedTruncatedDraws, SAMPLER_NAMES, TailDropout, tailDropout } from './layers/index.js';
