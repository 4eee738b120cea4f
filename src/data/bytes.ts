import { readFile, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

import { DataError } from '../errors.js';

/** No file, packed or unpacked, may be larger: 2 GiB, what Node reads in one piece. */
export const BYTE_LIMIT = 2 ** 31 - 1;

/** How data beyond the limit is brought. */
export const LARGE_HINT =
  'Store it uncompressed, where any size is read: numpy.savez or numpy.save in C order, or an idx file without .gz.';

/** Deflate cannot shrink further than 1032 : 1, so a larger declared size is a lie. */
export const DEFLATE_RATIO = 1032;

/**
 * Reads a regular file whole.
 *
 * @throws DataError when it is missing, empty, not a regular file, larger than 2 GiB, or a Git LFS pointer
 */
export async function readBytes(path: string, name: string): Promise<Uint8Array> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${name} cannot be read: ${describe(cause)}.`, { cause });
  });
  if (!info.isFile()) throw new DataError(`${name} is not a regular file.`);
  if (info.size === 0) throw new DataError(`${name} is empty.`);
  if (info.size > BYTE_LIMIT) {
    throw new DataError(`${name} has ${info.size} bytes, expected at most ${BYTE_LIMIT}.`, {
      hint: LARGE_HINT,
    });
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(`${name} cannot be read: ${describe(cause)}.`, { cause });
  });
  if (bytes.subarray(0, 40).toString('latin1').startsWith('version https://git-lfs')) {
    throw new DataError(`${name} is a Git LFS pointer, expected the data itself.`, { hint: 'Run git lfs pull.' });
  }
  return bytes;
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip, never more than the limit.
 *
 * @param declared reads off the first unpacked bytes (up to 1 MiB) how many there should be in all; it may throw
 * @throws DataError when the file is damaged or unpacks to more than the limit
 */
export async function gunzip(
  bytes: Uint8Array,
  name: string,
  options: { limit?: number; declared?: (first: Uint8Array) => number } = {},
): Promise<Uint8Array> {
  let limit = options.limit ?? BYTE_LIMIT;
  const stream = createGunzip({ chunkSize: 2 ** 20 });
  stream.end(bytes);
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (total === 0 && options.declared !== undefined) limit = Math.min(limit, options.declared(chunk));
      total += chunk.length;
      if (total > limit) {
        throw new DataError(`${name} unpacks to more than ${limit} bytes, which is all it may hold.`, {
          hint: limit === BYTE_LIMIT ? LARGE_HINT : undefined,
        });
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${name} is not a whole gzip file: ${describe(cause)}.`, { cause });
  }
  return joinChunks(chunks, total);
}

/** Bytes as text, without a byte order mark. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError(`${name} is not UTF-8 text.`, { cause, hint: 'Save it as UTF-8.' });
  }
}

function joinChunks(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const joined = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

/** What went wrong with a file, in a few words. */
export function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if ('code' in cause && cause.code === 'ENOENT') return 'there is no such file';
  return cause.message;
}
