import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';

import { DataError } from '../errors.js';
import { readBytes } from './bytes.js';
import { readCsv } from './csv.js';
import { isIdxName, readIdx } from './idx.js';
import { readJson } from './json.js';
import { openNpy, readNpy } from './npy.js';
import { openNpz, readNpz, readSingleNpy } from './npz.js';
import type { RawParts, ReadRequest } from './raw.js';
import { openSource } from './source.js';
import type { DataFormat } from './spec.js';
import { MEMORY_DEFAULTS } from './stored.js';

const EXPECTED = 'expected csv, npz, npy, json or idx';

const SAVE_AS = 'Save the examples as arrays x and y of an .npz file, or as a .csv table.';

const UNSUPPORTED: Record<string, string> = {
  '.parquet': 'a parquet file',
  '.js': 'a JavaScript module',
  '.mjs': 'a JavaScript module',
  '.cjs': 'a JavaScript module',
  '.ts': 'a TypeScript module',
  '.mts': 'a TypeScript module',
  '.pkl': 'a Python pickle, which can run code when opened',
  '.pickle': 'a Python pickle, which can run code when opened',
  '.tfrecord': 'a TFRecord file',
  '.h5': 'an HDF5 file',
  '.hdf5': 'an HDF5 file',
  '.mat': 'a MATLAB file',
  '.xlsx': 'a spreadsheet',
  '.zip': 'a zip archive',
  '.tar': 'a tar archive',
  '.tgz': 'a tar archive',
  '.png': 'one image',
  '.jpg': 'one image',
  '.jpeg': 'one image',
};

/**
 * Reads what a path names, by its format.
 *
 * @throws DataError for a missing, broken or unsupported file
 */
export async function loadParts(path: string, format: DataFormat | undefined, request: ReadRequest): Promise<RawParts> {
  const name = basename(resolve(path));
  const info = await stat(path).catch((cause: unknown) => {
    throw new DataError(`There is no data at ${path}.`, {
      hint: 'Paths are taken from the current folder, those in a configuration from its folder.',
      cause,
    });
  });
  if (info.isDirectory()) {
    await checkFolder(path, name, format);
    return readIdx(path, true, request);
  }
  const kind = format ?? (await detect(path, name));
  if (kind === 'idx') return readIdx(path, false, request);
  // what is packed or text is read whole
  const { memory = MEMORY_DEFAULTS } = request;
  const large = info.isFile() && info.size > memory.resident;
  if (large && kind === 'npz') return openNpz(await openSource(path, name), request, memory);
  if (large && kind === 'npy') {
    const source = await openSource(path, name);
    return readSingleNpy(name, request, () => openNpy({ source, start: 0, end: source.size }, name, memory));
  }
  const bytes = await readBytes(path, name);
  switch (kind) {
    case 'csv':
      return readCsv(bytes, name, request);
    case 'npz':
      return readNpz(bytes, name, request);
    case 'npy':
      return readSingleNpy(name, request, () => readNpy(bytes, name));
    default:
      return readJson(bytes, name, request);
  }
}

async function checkFolder(path: string, name: string, format: DataFormat | undefined): Promise<void> {
  if (format !== undefined && format !== 'idx') {
    throw new DataError(`${name} is a folder, expected a ${format} file.`, { hint: 'Name the data file itself.' });
  }
  const entries = await readdir(path, { withFileTypes: true });
  if (entries.some((entry) => isIdxName(entry.name))) return;
  const folders = entries.filter((entry) => entry.isDirectory());
  const nested = await Promise.all(folders.slice(0, 3).map((entry) => readdir(join(path, entry.name))));
  const files = [...entries.map((entry) => entry.name), ...nested.flat()];
  const images = files.some((file) => /\.(?:png|jpe?g|gif|bmp|webp)$/i.test(file));
  if (images) {
    throw new DataError(`${name} is a folder of images, which is not supported; ${EXPECTED}.`, { hint: SAVE_AS });
  }
  throw new DataError(
    `${name} is a folder without an idx pair, such as t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.`,
    {
      hint: 'Name the data file itself.',
    },
  );
}

async function detect(path: string, name: string): Promise<DataFormat> {
  const bare = name.replace(/\.gz$/i, '');
  const extension = extname(bare).toLowerCase();
  if (isIdxName(name)) return 'idx';
  if (extension === '.csv' || extension === '.tsv') return 'csv';
  if (extension === '.json') return 'json';
  if (bare === name && extension === '.npz') return 'npz';
  if (bare === name && extension === '.npy') return 'npy';
  const known = UNSUPPORTED[extension];
  if (known !== undefined) {
    throw new DataError(`${name} is ${known}, which is not supported; ${EXPECTED}.`, { hint: SAVE_AS });
  }
  const sniffed = await sniff(path);
  if (sniffed !== undefined) return sniffed;
  throw new DataError(`${name} is of a format that cannot be told by its name or first bytes; ${EXPECTED}.`, {
    hint: 'Name the format in the data entry of the configuration: format: "csv".',
  });
}

async function sniff(path: string): Promise<DataFormat | undefined> {
  const info = await stat(path);
  // a pipe or device would never end
  if (!info.isFile()) return undefined;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const start = buffer.subarray(0, bytesRead).toString('latin1');
    if (start.startsWith('\x93NUMPY')) return 'npy';
    return start.startsWith('PK\x03\x04') ? 'npz' : undefined;
  } finally {
    await file.close();
  }
}
