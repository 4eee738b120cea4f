import { UsageError } from '../errors.js';
import { RUN_DEFAULTS, type RunOptions } from '../pipeline/types.js';
import type { Given } from './options.js';

/** The options of a run without its data, which `inspect` does not need. */
export type ModelOptions = Omit<RunOptions, 'data'>;

/**
 * Fills in the defaults.
 *
 * @throws UsageError no model
 */
export function modelOptions(given: Given): ModelOptions {
  const { model, config: _config, json: _json, quiet: _quiet, svg: _svg, data: _data, ...rest } = given;
  if (model === undefined) {
    throw new UsageError('No model is named.', {
      hint: 'Name its folder behind the command, or let tdc init write a tdc.config.json that names it.',
    });
  }
  return { ...RUN_DEFAULTS, ...rest, model };
}

/**
 * Fills in the defaults.
 *
 * @throws UsageError no model or no data
 */
export function runOptions(given: Given): RunOptions {
  const options = modelOptions(given);
  if (given.data === undefined) {
    throw new UsageError('No data is named.', {
      hint: 'Add --data with a .csv, .npz, .npy or idx file, or let tdc init write a tdc.config.json that names it.',
    });
  }
  return { ...options, data: given.data };
}
