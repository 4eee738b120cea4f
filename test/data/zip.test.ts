import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { openSource } from '../../src/data/source.js';
import { openZip, readZip } from '../../src/data/zip.js';
import { errorOf, fitOf, npy, npz, readError, tempFile, tempFolder } from './helpers.js';
import { writeFileSync } from 'node:fs';

const DATA = Uint8Array.from({ length: 3000 }, (_, i) => i % 7);
const CENTRAL = Buffer.from([0x50, 0x4b, 1, 2]);

/** A zip with one member, whose central directory is then changed. */
function forged(change: (zip: Buffer, central: number) => void, level: 0 | 6 = 6): Buffer {
  const zip = Buffer.from(zipSync({ 'x.npy': new Uint8Array(1000) }, { level }));
  change(zip, zip.indexOf(CENTRAL));
  return zip;
}

const readAll = (zip: Uint8Array): Uint8Array[] => readZip(zip, 'z.npz').map((entry) => entry.read());

/** One stored member whose sizes and place stand in zip64 records only, as in an npz file beyond 4 GiB. */
function zip64(name: string, data: Uint8Array): Buffer {
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46, 0);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt32LE(crc32(data), 16);
  for (const at of [20, 24, 42]) central.writeUInt32LE(0xffffffff, at);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(28, 30);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const at of [4, 12]) extra.writeBigUInt64LE(BigInt(data.length), at);
  const body = Buffer.concat([local, Buffer.from(name), data]);
  const directory = Buffer.concat([central, Buffer.from(name), extra]);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(body.length), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(body.length + directory.length), 8);
  const end = Buffer.alloc(22, 255);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(0, 20);
  return Buffer.concat([body, directory, end64, locator, end]);
}

describe('readZip', () => {
  it.each([0, 6] as const)('unpacks what another program packed at level %i', (level) => {
    const members = {
      'a.npy': Uint8Array.from([1, 2, 3]),
      'b/c.npy': new Uint8Array(5000).fill(7),
      empty: new Uint8Array(0),
    };
    const read = readZip(zipSync(members, { level }), 'z.npz');
    expect(Object.fromEntries(read.map((entry) => [entry.name, Uint8Array.from(entry.read())]))).toEqual(members);
  });

  it.each<[string, Buffer, RegExp]>([
    [
      'declares more than deflate can hold',
      forged((zip, at) => zip.writeUInt32LE(2 ** 30, at + 24)),
      /declares 1073741824 bytes/,
    ],
    [
      'declares more than any file may hold',
      forged((zip, at) => zip.writeUInt32LE(2 ** 32 - 1, at + 24)),
      /declares 4294967295 bytes/,
    ],
    [
      'unpacks to more than declared',
      forged((zip, at) => zip.writeUInt32LE(10, at + 24)),
      /does not unpack to its declared 10 bytes/,
    ],
    [
      'unpacks to less than declared',
      forged((zip, at) => zip.writeUInt32LE(1001, at + 24)),
      /does not match its declared size/,
    ],
    ['is stored with another size', forged((zip, at) => zip.writeUInt32LE(2000, at + 24), 0), /declares 2000 bytes/],
    ['has a wrong checksum', forged((zip, at) => zip.writeUInt32LE(1, at + 16)), /checksum/],
    ['is encrypted', forged((zip, at) => zip.writeUInt16LE(1, at + 8)), /encrypted/],
    ['is packed by another method', forged((zip, at) => zip.writeUInt16LE(14, at + 10)), /method 14, expected 0 or 8/],
    ['points outside the file', forged((zip, at) => zip.writeUInt32LE(2 ** 31, at + 42)), /header is missing/],
    [
      'has a directory outside the file',
      forged((zip) => zip.writeUInt32LE(2 ** 31, zip.length - 6)),
      /directory is cut off/,
    ],
    ['counts more members than it has', forged((zip) => zip.writeUInt16LE(9, zip.length - 12)), /directory is cut off/],
    ['is cut off', forged(() => undefined).subarray(0, 60), /directory is missing/],
    ['is shorter than any zip', Buffer.from('PK\x03\x04'), /directory is missing/],
  ])('refuses a member or file that %s', async (_, zip, message) => {
    const error = await errorOf(() => readAll(zip));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });

  it('refuses two members of one name', async () => {
    const zip = Buffer.from(zipSync({ 'x.npy': new Uint8Array(1), 'y.npy': new Uint8Array(1) }));
    zip[zip.lastIndexOf('y.npy')] = 'x'.charCodeAt(0);
    expect((await errorOf(() => readZip(zip, 'z.npz'))).message).toMatch(/holds 'x.npy' twice/);
  });

  it('takes names that climb out of the folder as labels and writes nothing', async () => {
    const folder = tempFolder();
    const path = join(folder, 'evil.npz');
    writeFileSync(path, npz({ '../../escaped': npy('<f4', [20, 2], new Float32Array(40)) }));
    const error = await readError(path, fitOf([2], [2]));
    expect(error.message).toMatch(/holds '\.\.\/\.\.\/escaped', expected x/);
    expect(existsSync(join(folder, '../../escaped.npy'))).toBe(false);
  });
});

describe('openZip', () => {
  it.each([
    ['stored', zipSync({ 'a.npy': DATA, b: DATA }, { level: 0 })],
    ['packed', zipSync({ 'a.npy': DATA, b: DATA })],
    ['with sizes of 64 bits', zip64('a.npy', DATA)],
  ])('finds members that are %s, where readZip does', async (_, zip) => {
    const path = tempFile('z.npz', zip);
    const source = await openSource(path, 'z.npz');
    const held = readZip(zip, 'z.npz').map((entry) => [entry.name, Buffer.from(entry.read())]);
    const far = await Promise.all(
      (await openZip(source)).map(async (entry) => {
        const found = await entry.find();
        return [entry.name, Buffer.from(found instanceof Uint8Array ? found : zip.subarray(found.start, found.end))];
      }),
    );
    expect(far).toEqual(held);
    expect(far[0]).toEqual(['a.npy', Buffer.from(DATA)]);
  });

  it.each([
    ['end record', 22 + 12],
    ['directory', 22 + 20 + 8],
  ])('refuses 64-bit records whose %s is outside the file', async (_, back) => {
    const zip = zip64('a.npy', DATA);
    zip.writeBigUInt64LE(2n ** 60n, zip.length - back);
    const source = await openSource(tempFile('z.npz', zip), 'z.npz');
    expect((await errorOf(() => readZip(zip, 'z.npz'))).message).toMatch(/directory is cut off/);
    expect((await errorOf(() => openZip(source))).message).toMatch(/directory is cut off/);
  });

  it('says how to store what is too large to be unpacked', async () => {
    const zip = forged((bytes, at) => {
      bytes.writeUInt32LE(2 ** 30, at + 20);
      bytes.writeUInt32LE(2 ** 32 - 1, at + 24);
    });
    const source = await openSource(tempFile('z.npz', zip), 'z.npz');
    const error = await errorOf(() => openZip(source));
    expect(error.message).toMatch(/'x\.npy' declares 4294967295 bytes, expected at most 2147483647/);
    expect(error.hint).toMatch(/Store it uncompressed.*numpy\.savez/);
  });
});
