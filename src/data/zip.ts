import { crc32, inflateRawSync } from 'node:zlib';

import { DataError } from '../errors.js';
import { BYTE_LIMIT, DEFLATE_RATIO } from './bytes.js';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_SIZE = 22;

/** One member of a zip file; nothing is unpacked before `read`. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Unpacks: exactly `size` bytes whose checksum is right, else DataError. */
  read(): Uint8Array;
}

/**
 * Lists a zip file by its central directory. Sizes are checked against the file's own before anything is allocated, and a member
 * never unpacks past its declared size; names are labels, never paths to write to. PKWARE APPNOTE 6.3.9, sections 4.3 and 4.4.
 *
 * @throws DataError for a damaged, encrypted or zip64 directory, for two members of one name, for sizes that cannot be
 */
export function readZip(bytes: Uint8Array, name: string): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end < 0) throw damaged(name, 'its directory is missing');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries = new Map<string, ZipEntry>();
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw damaged(name, 'its directory is cut off');
    const entry = readEntry(bytes, view, at, name);
    if (entries.has(entry.name)) throw damaged(name, `it holds '${entry.name}' twice`);
    entries.set(entry.name, entry);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return [...entries.values()];
}

function findEnd(view: DataView): number {
  const last = view.byteLength - END_SIZE;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  return -1;
}

function readEntry(bytes: Uint8Array, view: DataView, at: number, zip: string): ZipEntry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const checksum = view.getUint32(at + 16, true);
  const packed = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const nameEnd = at + 46 + view.getUint16(at + 28, true);
  const name = new TextDecoder().decode(bytes.subarray(at + 46, nameEnd));
  const local = view.getUint32(at + 42, true);

  if ((flags & 1) !== 0) throw damaged(zip, `'${name}' is encrypted`);
  if (method !== 0 && method !== 8) throw damaged(zip, `'${name}' is packed by method ${method}, expected 0 or 8`);
  const most = method === 0 ? packed : packed * DEFLATE_RATIO;
  if (size > most || size > BYTE_LIMIT) {
    throw damaged(zip, `'${name}' declares ${size} bytes, expected at most ${Math.min(most, BYTE_LIMIT)}`);
  }
  const read = (): Uint8Array => {
    const data = memberBytes(bytes, view, local, packed, `${zip}: '${name}'`);
    const raw = method === 0 ? data : inflate(data, size, `${zip}: '${name}'`);
    if (raw.length !== size || crc32(raw) !== checksum) {
      throw damaged(zip, `'${name}' does not match its declared size and checksum`);
    }
    return raw;
  };
  return { name, size, read };
}

function memberBytes(bytes: Uint8Array, view: DataView, local: number, packed: number, what: string): Uint8Array {
  if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL) throw damaged(what, 'its header is missing');
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packed > bytes.length) throw damaged(what, 'it is cut off');
  return bytes.subarray(start, start + packed);
}

function inflate(data: Uint8Array, size: number, what: string): Uint8Array {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw damaged(what, `it does not unpack to its declared ${size} bytes`, cause);
  }
}

function damaged(name: string, why: string, cause?: unknown): DataError {
  return new DataError(`${name} is not a sound zip file: ${why}.`, { cause });
}
