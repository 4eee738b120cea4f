import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

import { BackendError } from '../errors.js';

/** An optional package that is not installed: in `auto` no more than a reason to try the next backend. */
export class PackageMissingError extends BackendError {}

export interface FoundPackage {
  readonly name: string;
  /** Its main file. */
  readonly file: string;
  /** `require` as seen from that file. */
  readonly require: NodeJS.Require;
}

/**
 * Looks for an optional package beside this one, then in the folder where the command runs (a global `tdc` finds what
 * the user's project has). Nothing is loaded.
 *
 * @param names tried in this order
 */
export function findPackage(names: readonly string[]): FoundPackage | undefined {
  const places = [import.meta.url, resolve('package.json')];
  for (const name of names) {
    for (const place of places) {
      const file = tryResolve(createRequire(place), name);
      if (file !== undefined) return { name, file, require: createRequire(file) };
    }
  }
  return undefined;
}

/**
 * Two copies of tfjs-core share tensors' memory but neither classes nor gradients, and fail in odd places. So that is
 * found out before the package is loaded.
 *
 * @throws BackendError when the package would bring its own tfjs-core
 */
export function assertOneTfjs(found: FoundPackage): void {
  const ours = tryResolve(createRequire(import.meta.url), '@tensorflow/tfjs-core');
  const theirs = tryResolve(found.require, '@tensorflow/tfjs-core');
  if (theirs === undefined || theirs === ours) return;
  throw new BackendError(
    `${found.name} in ${dirname(found.file)} uses its own copy of @tensorflow/tfjs-core (${theirs}); ` +
      `one shared copy is needed.`,
    { hint: 'Install taildropout and that package in one project, all @tensorflow packages at exactly 4.22.0.' },
  );
}

function tryResolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
