import { crc32, inflateRawSync } from 'node:zlib';

import type { DataError } from '../errors.js';
import { BYTE_LIMIT, DEFLATE_RATIO, LARGE_HINT } from './bytes.js';
import type { ByteSource } from './source.js';
import { readRange } from './source.js';
import type { ZipMember } from './zip-directory.js';
import { damaged, findDirectory, readMembers, TAIL_BYTES } from './zip-directory.js';

const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
/** Far more than names and sizes of all arrays take. */
const MAX_DIRECTORY = 2 ** 26;

/** One member of a zip file; nothing is unpacked before `read`. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Unpacks: exactly `size` bytes whose checksum is right, else DataError. */
  read(): Uint8Array;
}

/** One member of a zip file that is not in memory. */
export interface FarEntry {
  readonly name: string;
  /** Unpacks like `ZipEntry.read`; says where a stored member lies, its checksum yet to be compared. */
  find(): Promise<Uint8Array | { readonly start: number; readonly end: number; readonly checksum: number }>;
}

/**
 * Lists a zip file by its central directory. Sizes are checked against the file's own before anything is allocated, and a member
 * never unpacks past its declared size; names are labels, never paths to write to. PKWARE APPNOTE 6.3.9, sections 4.3 to 4.5.
 *
 * @throws DataError for a damaged or encrypted directory, for two members of one name, for sizes that cannot be
 */
export function readZip(bytes: Uint8Array, name: string): ZipEntry[] {
  const { start, end, count } = findDirectory(bytes, 0, name);
  return readMembers(bytes.subarray(start, end), count, name).map((member) => {
    checkMember(member, name, BYTE_LIMIT);
    const what = `${name}: '${member.name}'`;
    const read = (): Uint8Array => {
      const from = dataStart(bytes.subarray(member.local, member.local + LOCAL_SIZE), member, bytes.length, what);
      return unpack(bytes.subarray(from, from + member.packed), member, name);
    };
    return { name: member.name, size: member.size, read };
  });
}

/**
 * Lists a zip file of any size by reading its directory alone.
 *
 * @throws DataError like `readZip`; packed members keep the limit of 2 GiB
 */
export async function openZip(source: ByteSource): Promise<FarEntry[]> {
  const { name, size } = source;
  const base = Math.max(0, size - TAIL_BYTES);
  const { start, end, count } = findDirectory(await readRange(source, base, size), base, name);
  if (end - start > MAX_DIRECTORY) {
    throw damaged(name, `its directory has ${end - start} bytes, expected at most ${MAX_DIRECTORY}`);
  }
  return readMembers(await readRange(source, start, end), count, name).map((member) => {
    checkMember(member, name, member.method === 0 ? Infinity : BYTE_LIMIT);
    return { name: member.name, find: () => findMember(source, member) };
  });
}

async function findMember(source: ByteSource, member: ZipMember): ReturnType<FarEntry['find']> {
  const what = `${source.name}: '${member.name}'`;
  const headEnd = Math.min(source.size, member.local + LOCAL_SIZE);
  const head = await readRange(source, Math.min(member.local, headEnd), headEnd);
  const start = dataStart(head, member, source.size, what);
  const end = start + member.packed;
  if (member.method !== 0) return unpack(await readRange(source, start, end), member, source.name);
  if (member.size !== member.packed) throw mismatch(source.name, member);
  return { start, end, checksum: member.checksum };
}

function checkMember({ name, encrypted, method, packed, size }: ZipMember, zip: string, limit: number): void {
  if (encrypted) throw damaged(zip, `'${name}' is encrypted`);
  if (method !== 0 && method !== 8) throw damaged(zip, `'${name}' is packed by method ${method}, expected 0 or 8`);
  const most = Math.min(limit, method === 0 ? packed : packed * DEFLATE_RATIO);
  if (size <= most && packed <= limit) return;
  const why = `'${name}' declares ${size} bytes, expected at most ${most}`;
  throw damaged(zip, why, { hint: most === limit ? LARGE_HINT : undefined });
}

/** Where a member's bytes begin, by the header before them. */
function dataStart(head: Uint8Array, { local, packed }: ZipMember, length: number, what: string): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < LOCAL_SIZE || view.getUint32(0, true) !== LOCAL) throw damaged(what, 'its header is missing');
  const start = local + LOCAL_SIZE + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + packed > length) throw damaged(what, 'it is cut off');
  return start;
}

function unpack(data: Uint8Array, member: ZipMember, zip: string): Uint8Array {
  const raw = member.method === 0 ? data : inflate(data, member.size, `${zip}: '${member.name}'`);
  if (raw.length !== member.size || crc32(raw) !== member.checksum) throw mismatch(zip, member);
  return raw;
}

function inflate(data: Uint8Array, size: number, what: string): Uint8Array {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw damaged(what, `it does not unpack to its declared ${size} bytes`, { cause });
  }
}

function mismatch(zip: string, { name }: ZipMember): DataError {
  return damaged(zip, `'${name}' does not match its declared size and checksum`);
}
