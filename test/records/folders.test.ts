import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OutputError } from '../../src/errors.js';
import { writeAtomic } from '../../src/records/files.js';
import { makeFolder, tryFolder } from '../../src/records/folders.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tdc-folders-'));
});
afterEach(() => rm(root, { recursive: true }));

describe('makeFolder', () => {
  it('makes what is missing, and says what', async () => {
    await mkdir(join(root, 'a'));
    expect(await makeFolder(join(root, 'a/b/c'))).toEqual([join(root, 'a/b'), join(root, 'a/b/c')]);
    expect((await stat(join(root, 'a/b/c'))).isDirectory()).toBe(true);
    expect(await makeFolder(join(root, 'a/b/c'))).toEqual([]);
  });

  it('gives way to others that make the same folder', async () => {
    const path = join(root, 'x/y/z');
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('refuses a file in the way, and a link to nothing', async () => {
    await writeFile(join(root, 'file'), '');
    await symlink(join(root, 'nothing'), join(root, 'link'));
    await expect(makeFolder(join(root, 'file'))).rejects.toThrow(/file is in the way: it is a file/);
    await expect(makeFolder(join(root, 'file/a/b'))).rejects.toThrow(/file is in the way: it is a file/);
    await expect(makeFolder(join(root, 'link/a'))).rejects.toThrow(OutputError);
  });

  // node's own recursive mkdir never returns from this
  it.skipIf(process.platform !== 'linux')('returns where the file system has no room for folders', async () => {
    const attempt = makeFolder('/proc/tdc/x');
    await expect(attempt).rejects.toThrow('The folder /proc/tdc cannot be made: its file system takes no new folders.');
    await expect(attempt).rejects.toThrow(OutputError);
    await expect(writeAtomic('/proc/tdc/x.json', '')).rejects.toThrow(OutputError);
  });
});

describe('tryFolder', () => {
  it('leaves nothing behind, and what stands there as it is', async () => {
    await tryFolder(join(root, 'a/b'));
    expect(await readdir(root)).toEqual([]);
    await mkdir(join(root, 'kept'));
    await tryFolder(join(root, 'kept/b'));
    expect(await readdir(root)).toEqual(['kept']);
  });
});
