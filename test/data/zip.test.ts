import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { readZip } from '../../src/data/zip.js';
import { errorOf, fitOf, npy, npz, readError, tempFolder } from './helpers.js';
import { writeFileSync } from 'node:fs';

const CENTRAL = Buffer.from([0x50, 0x4b, 1, 2]);

/** A zip with one member, whose central directory is then changed. */
function forged(change: (zip: Buffer, central: number) => void, level: 0 | 6 = 6): Buffer {
  const zip = Buffer.from(zipSync({ 'x.npy': new Uint8Array(1000) }, { level }));
  change(zip, zip.indexOf(CENTRAL));
  return zip;
}

const readAll = (zip: Uint8Array): Uint8Array[] => readZip(zip, 'z.npz').map((entry) => entry.read());

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
