import { constants } from 'node:fs';
import { access, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { OutputError } from '../errors.js';

const HINT = 'Name a folder that can be written.';

/** What the codes of the operating system mean for somebody who wants a folder. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'it is not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'its file system takes no new folders',
  ENOSPC: 'no space is left',
  ENAMETOOLONG: 'the name is too long',
};

/**
 * Makes a folder and those above it that are missing, one after the other. Node's own recursive mkdir never returns where a file
 * system refuses a folder by saying that it is not there, as /proc does.
 *
 * @returns the folders made, outermost first; empty where it stands
 * @throws OutputError where a file is in the way or a folder is refused
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = resolve(path); !(await isFolder(folder)); folder = dirname(folder)) missing.unshift(folder);
  const made: string[] = [];
  for (const folder of missing) if (await makeOne(folder)) made.push(folder);
  return made;
}

/**
 * Finds out, before long work, whether a folder can be made and written; what is made for that is removed again.
 *
 * @throws OutputError where it cannot
 */
export async function tryFolder(path: string): Promise<void> {
  const made = await makeFolder(path);
  try {
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new OutputError(`The folder ${path} cannot be written: ${reasonOf(cause)}.`, { hint: HINT, cause });
  } finally {
    // one that another process fills meanwhile stays
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => {});
  }
}

/** False: nothing stands there. The root always is one. */
async function isFolder(path: string): Promise<boolean> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    // below a file: the walk up comes to it
    if ((code === 'ENOENT' || code === 'ENOTDIR') && dirname(path) !== path) return false;
    throw refused(path, cause);
  }
  throw new OutputError(`${path} is in the way: it is a file, and a folder is to be made there.`, { hint: HINT });
}

/** False: another process was faster. */
async function makeOne(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST' && (await isFolder(folder))) return false;
    throw refused(folder, cause);
  }
}

function refused(folder: string, cause: unknown): OutputError {
  return new OutputError(`The folder ${folder} cannot be made: ${reasonOf(cause)}.`, { hint: HINT, cause });
}

function reasonOf(cause: unknown): string {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
