import { basename, dirname } from 'node:path';

import type { Given } from './options.js';

/** The run folder of the configured model, relative to the current folder; undefined where nothing names one. */
export async function runFolder({ out, model }: Given, cwd: string): Promise<string | undefined> {
  if (out !== undefined) return out;
  if (model === undefined) return undefined;
  const { locateModel } = await import('../model/locate.js');
  const path = await locateModel(model, cwd);
  const name = basename(path) === 'model.json' ? basename(dirname(path)) : basename(path).replace(/\.json$/iu, '');
  return `reports/${name}`;
}
