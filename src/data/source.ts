import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';

import { DataError } from '../errors.js';
import { describe } from './bytes.js';

/** Fills `into` with the bytes from `position` on. */
export type ReadAt = (position: number, into: Uint8Array) => Promise<void>;

/** Bytes that stay where they are and are read by position, up to 2^53. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /**
   * Lends a reader for as long as `work` runs; nothing stays open behind it.
   *
   * @throws DataError when the bytes are no longer those of the first look
   */
  use<T>(work: (read: ReadAt) => Promise<T>): Promise<T>;
}

/**
 * A regular file as it stands now. It is opened for each use, so that no handle is left at exit or shared by processes; size and
 * time of change are compared after the work, which also covers a change in the middle of it.
 *
 * @throws DataError when it is missing or not a regular file
 */
export async function openSource(path: string, name: string): Promise<ByteSource> {
  const first = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw unreadable(name, cause);
  });
  if (!first.isFile()) throw new DataError(`${name} is not a regular file.`);
  const use = async <T>(work: (read: ReadAt) => Promise<T>): Promise<T> => {
    const file = await open(path).catch((cause: unknown) => {
      throw unreadable(name, cause);
    });
    try {
      const outcome = await settle(work((position, into) => fill(file, name, position, into)));
      checkSame(first, await file.stat({ bigint: true }), name);
      if ('value' in outcome) return outcome.value;
      throw outcome.error;
    } finally {
      await file.close();
    }
  };
  return { name, size: Number(first.size), use };
}

/** Reads a range that is known to be small. */
export function readRange(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  return source.use(async (read) => {
    const bytes = new Uint8Array(end - start);
    await read(start, bytes);
    return bytes;
  });
}

async function fill(file: FileHandle, name: string, position: number, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new DataError(`${name} ends at byte ${position + done}, expected more.`);
    done += bytesRead;
  }
}

/** A changed file explains whatever else went wrong, so errors wait for that check. */
async function settle<T>(work: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function checkSame(first: BigIntStats, now: BigIntStats, name: string): void {
  if (first.size === now.size && first.mtimeNs === now.mtimeNs) return;
  const how =
    first.size === now.size
      ? 'its time of change is another'
      : `it had ${first.size} bytes at first, now it has ${now.size}`;
  throw new DataError(`${name} changed on disk while it was being read: ${how}.`, {
    hint: 'Leave data files as they are during a run, and start again.',
  });
}

function unreadable(name: string, cause: unknown): DataError {
  return new DataError(`${name} cannot be read: ${describe(cause)}.`, { cause });
}
