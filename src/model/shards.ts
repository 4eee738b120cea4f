import { open, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, relative, isAbsolute, sep } from 'node:path';

import { ModelError } from '../errors.js';
import { lfsPointer } from './foreign.js';
import { quote } from './json.js';
import type { WeightGroup } from './manifest.js';

/**
 * Reads the shards of one group, once their sizes are known to add up to what the manifest declares.
 * @param manifest path of the JSON file; shards lie in its folder or below.
 * @returns exactly `group.bytes` bytes.
 * @throws ModelError for a path or link that leaves the folder, a missing shard, and any other number of bytes.
 */
export async function readGroup(manifest: string, group: WeightGroup): Promise<Buffer> {
  const root = await realpath(dirname(manifest));
  if (new Set(group.paths).size !== group.paths.length)
    throw new ModelError(`${manifest} lists the same weight file twice in one group.`);
  const handles: FileHandle[] = [];
  try {
    const sizes: number[] = [];
    for (const path of group.paths) {
      const handle = await openShard(root, path);
      handles.push(handle);
      const info = await handle.stat();
      if (!info.isFile()) throw new ModelError(`The weight file ${quote(path)} of ${manifest} is not a regular file.`);
      sizes.push(info.size);
    }
    const found = sizes.reduce((a, b) => a + b, 0);
    if (found !== group.bytes) throw await wrongSize(manifest, group, handles, found);
    return await fill(handles, sizes, manifest);
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** The real path is checked to be a regular file before it is opened: opening a pipe would wait for ever. */
async function openShard(root: string, path: string): Promise<FileHandle> {
  const parts = path.split(/[\\/]/);
  if (
    isAbsolute(path) ||
    path.includes('\0') ||
    /^[a-z][a-z0-9+.-]*:/i.test(path) ||
    parts.includes('..') ||
    parts[0] === ''
  ) {
    throw new ModelError(
      `The weight file ${quote(path)} lies outside the model's folder; only plain relative paths are read.`,
      {
        hint: 'Put the weight files beside the JSON file and name them there without folders.',
      },
    );
  }
  const file = join(root, path);
  const real = await realpath(file).catch(() => undefined);
  if (real === undefined)
    throw new ModelError(`The weight file ${file} is missing.`, {
      hint: 'Copy every file that the manifest lists beside it.',
    });
  const inside = relative(root, real);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new ModelError(`The weight file ${quote(path)} is a link that leaves the model's folder.`);
  }
  await checkRegular(real);
  return open(real, 'r');
}

async function checkRegular(path: string): Promise<void> {
  if (!(await stat(path)).isFile()) throw new ModelError(`The weight file ${path} is not a regular file.`);
}

async function wrongSize(
  manifest: string,
  group: WeightGroup,
  handles: readonly FileHandle[],
  found: number,
): Promise<ModelError> {
  for (const [i, handle] of handles.entries()) {
    const head = Buffer.alloc(32);
    await handle.read(head, 0, 32, 0);
    if (head.toString('latin1').startsWith('version https://git-lfs'))
      return lfsPointer(join(dirname(manifest), group.paths[i] ?? ''));
  }
  const files =
    group.paths.length === 1
      ? quote(group.paths[0])
      : `${group.paths.length} weight files from ${quote(group.paths[0])} on`;
  const short = found < group.bytes;
  return new ModelError(
    `${manifest}: ${files} ${group.paths.length === 1 ? 'is' : 'are'} too ${short ? 'short' : 'long'}: the manifest declares ${group.bytes} bytes, found ${found}.`,
    {
      hint: short
        ? 'The download or copy broke off: fetch the weight files again.'
        : 'The weights belong to another manifest: fetch both from the same place again.',
    },
  );
}

async function fill(handles: readonly FileHandle[], sizes: readonly number[], manifest: string): Promise<Buffer> {
  const bytes = Buffer.alloc(sizes.reduce((a, b) => a + b, 0));
  let offset = 0;
  for (const [i, handle] of handles.entries()) {
    const end = offset + (sizes[i] ?? 0);
    while (offset < end) {
      const { bytesRead } = await handle.read(bytes, offset, end - offset);
      if (bytesRead === 0) throw new ModelError(`A weight file of ${manifest} shrank while it was read.`);
      offset += bytesRead;
    }
  }
  return bytes;
}
