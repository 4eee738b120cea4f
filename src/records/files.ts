import { randomUUID } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { OutputError } from '../errors.js';
import { makeFolder } from './folders.js';

/**
 * Writes text to a temporary file beside the target and renames it: a reader sees the old file or the new one, never half.
 *
 * @throws OutputError where the folder cannot be written.
 */
export async function writeAtomic(path: string, contents: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await makeFolder(dirname(path));
    await writeFile(temporary, contents);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (cause instanceof OutputError) throw cause;
    throw new OutputError(`Cannot write ${path}: ${(cause as Error).message}.`, {
      hint: 'Name a folder that can be written with --out.',
      cause,
    });
  }
}

/**
 * Writes a file that is not there yet.
 *
 * @throws OutputError where something stands there, unless `force`
 */
export async function saveNew(path: string, contents: string, force: boolean): Promise<void> {
  const stands = await stat(path).catch(() => undefined);
  if (stands !== undefined && !(force && stands.isFile())) {
    throw new OutputError(`${path} is in the way.`, { hint: 'Name another file, or add --force to replace it.' });
  }
  await writeAtomic(path, contents);
}
