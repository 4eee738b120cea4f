import { DataError } from '../errors.js';

const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const END = 0x06054b50;
const END_SIZE = 22;
const END64 = 0x06064b50;
const END64_SIZE = 56;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_SIZE = 20;

/** 16- and 32-bit fields hold these where the true value is in a zip64 record. */
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;

/** The last bytes of a file in which its directory's end is found, with a comment of 65,535 bytes at most. */
export const TAIL_BYTES = 0xffff + END_SIZE + LOCATOR64_SIZE + END64_SIZE;

/** A member as the central directory describes it; nothing about it has been checked. */
export interface ZipMember {
  readonly name: string;
  readonly encrypted: boolean;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly checksum: number;
  /** Bytes in the file. */
  readonly packed: number;
  /** Bytes unpacked. */
  readonly size: number;
  /** Position of the header before its bytes. */
  readonly local: number;
}

/**
 * Finds the central directory.
 *
 * @param tail the file's last bytes, which begin at position `base`
 * @returns its range (0 <= start <= end <= file) and its number of members, as declared
 * @throws DataError when there is none
 */
export function findDirectory(
  tail: Uint8Array,
  base: number,
  name: string,
): { start: number; end: number; count: number } {
  const view = viewOf(tail);
  const at = findEnd(view);
  if (at < 0) throw damaged(name, 'its directory is missing');
  let range = { start: view.getUint32(at + 16, true), end: base + at, count: view.getUint16(at + 10, true) };
  if (range.start === IN_ZIP64_32 || range.count === IN_ZIP64_16) range = findEnd64(view, at, base) ?? range;
  if (!(range.start <= range.end)) throw damaged(name, 'its directory is cut off');
  return range;
}

/**
 * Reads the central directory's members.
 *
 * @throws DataError when there are fewer than declared, or two of one name
 */
export function readMembers(directory: Uint8Array, count: number, name: string): ZipMember[] {
  const view = viewOf(directory);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_SIZE > view.byteLength || view.getUint32(at, true) !== CENTRAL) {
      throw damaged(name, 'its directory is cut off');
    }
    const member = readMember(directory, view, at);
    if (members.has(member.name)) throw damaged(name, `it holds '${member.name}' twice`);
    members.set(member.name, member);
    at += CENTRAL_SIZE + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return [...members.values()];
}

export function damaged(name: string, why: string, details: { cause?: unknown; hint?: string } = {}): DataError {
  return new DataError(`${name} is not a sound zip file: ${why}.`, details);
}

function findEnd(view: DataView): number {
  const last = view.byteLength - END_SIZE;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  return -1;
}

/** The zip64 end record, by the locator right before the end record. */
function findEnd64(view: DataView, end: number, base: number): ReturnType<typeof findDirectory> | undefined {
  const locator = end - LOCATOR64_SIZE;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64) return undefined;
  const position = Number(view.getBigUint64(locator + 8, true));
  const at = position - base;
  if (at < 0 || at + END64_SIZE > locator || view.getUint32(at, true) !== END64) return undefined;
  const [count, start] = [32, 48].map((field) => Number(view.getBigUint64(at + field, true)));
  return { start, end: position, count };
}

function readMember(bytes: Uint8Array, view: DataView, at: number): ZipMember {
  const nameEnd = at + CENTRAL_SIZE + view.getUint16(at + 28, true);
  const extraEnd = Math.min(view.byteLength, nameEnd + view.getUint16(at + 30, true));
  const declared = [at + 24, at + 20, at + 42].map((field) => view.getUint32(field, true));
  const [size, packed, local] = readSizes64(view, nameEnd, extraEnd, declared);
  return {
    name: new TextDecoder().decode(bytes.subarray(at + CENTRAL_SIZE, nameEnd)),
    encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
    method: view.getUint16(at + 10, true),
    checksum: view.getUint32(at + 16, true),
    packed,
    size,
    local,
  };
}

/** Replaces the values that do not fit 32 bits by those of the extra field 1, which has them in this order. */
function readSizes64(view: DataView, start: number, end: number, declared: readonly number[]): number[] {
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    const last = Math.min(end, next + view.getUint16(at + 2, true));
    return declared.map((value) => {
      if (value !== IN_ZIP64_32 || next + 8 > last) return value;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  return [...declared];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
