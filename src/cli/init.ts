import { existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';

import { DataError, OutputError, UsageError } from '../errors.js';
import type { TdcConfig } from '../config.js';
import { writeAtomic } from '../records/files.js';
import { CONFIG_FILES } from './configFiles.js';
import type { Given } from './options.js';

export interface WrittenConfig {
  /** Absolute path of the file. */
  readonly path: string;
  readonly config: TdcConfig;
  readonly text: string;
  /** Commands find it without being told its name. */
  readonly found: boolean;
  /** What was not found, one sentence each. */
  readonly missing: readonly string[];
}

const DEFAULT_FILE = 'tdc.config.json';
const DEPTH = 3;
/** A home folder is not searched to its end. */
const MOST_FILES = 5000;
/** Enough of a manifest to tell it from other JSON. */
const PEEK_BYTES = 4096;
const DATA = /\.(csv|npz)(\.gz)?$/iu;
const IDX = /^train-.*idx\d-ubyte(\.gz)?$/iu;
const SKIPPED = /^(\.|node_modules$|reports$|dist$)/u;

/**
 * Writes a configuration for a folder, with the first model and data set found in it, or the ones given. Folders above the
 * file that are missing are made.
 *
 * @throws OutputError the file exists and `force` is not given, or cannot be written; UsageError a file name of another kind;
 * DataError neither a model nor data is found
 */
export async function writeConfig(cwd: string, given: Given): Promise<WrittenConfig> {
  const name = given.config ?? DEFAULT_FILE;
  const path = resolve(cwd, name);
  const write = WRITERS[extname(path)];
  if (write === undefined) {
    throw new UsageError(`A configuration is a .json, .mjs or .ts file, received ${name}.`, {
      hint: `Leave --config out to write ${DEFAULT_FILE}.`,
    });
  }
  if (existsSync(path) && given.force !== true) {
    throw new OutputError(`${name} exists.`, { hint: 'Add --force to write it anew.' });
  }
  const found = await search(cwd);
  const model = given.model ?? found.model;
  const data = given.data ?? found.data;
  if (model === undefined && data === undefined) throw nothingFound(name);
  const from = (file: string): string => relativeTo(dirname(path), cwd, file);
  const config = {
    ...(model === undefined ? {} : { model: from(model) }),
    ...(data === undefined ? {} : { data: typeof data === 'string' ? from(data) : data }),
  };
  const text = write(JSON.stringify(config, null, 2));
  await writeAtomic(path, text);
  const missing = [
    ...(model === undefined
      ? [`No model was found: add "model" to ${name}, the folder of a TensorFlow.js LayersModel.`]
      : []),
    ...(data === undefined ? [`No data was found: add "data" to ${name}, a .csv, .npz, .npy or idx file.`] : []),
  ];
  return {
    path,
    config,
    text,
    found: dirname(path) === resolve(cwd) && CONFIG_FILES.includes(basename(path)),
    missing,
  };
}

function nothingFound(name: string): DataError {
  return new DataError('Neither a model nor data was found in this folder or below it, so there is nothing to write.', {
    hint: `Run tdc init where they are, or write ${name} yourself: { "model": "my/model", "data": "my.csv" }.`,
  });
}

/** A configuration's paths are taken from its own folder. */
function relativeTo(folder: string, cwd: string, path: string): string {
  if (isAbsolute(path) || /^[a-z]+:\/\//iu.test(path)) return path;
  return relative(folder, resolve(cwd, path)) || '.';
}

const WRITERS: Readonly<Record<string, (json: string) => string>> = {
  '.json': (json) => `${json}\n`,
  '.mjs': (json) => `/** @type {import('taildropout').TdcConfig} */\nexport default ${json};\n`,
  '.ts': (json) => `import type { TdcConfig } from 'taildropout';\n\nexport default ${json} satisfies TdcConfig;\n`,
};

interface Found {
  model?: string;
  data?: string;
}

/** Breadth first, names in order, so that the nearest and first wins. */
async function search(root: string): Promise<Found> {
  const found: Found = {};
  let folders = [''];
  let seen = 0;
  for (let depth = 0; depth <= DEPTH && seen < MOST_FILES; depth++) {
    const deeper: string[] = [];
    for (const folder of folders) {
      const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
      const files = entries
        .filter((e) => e.isFile())
        .map((e) => e.name)
        .sort();
      seen += entries.length;
      found.model ??= await modelIn(root, folder, files);
      found.data ??= dataIn(folder, files);
      deeper.push(
        ...entries
          .filter((e) => e.isDirectory() && !SKIPPED.test(e.name))
          .map((e) => join(folder, e.name))
          .sort(),
      );
    }
    folders = deeper;
  }
  return found;
}

async function modelIn(root: string, folder: string, files: readonly string[]): Promise<string | undefined> {
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    if (await isManifest(join(root, folder, file)))
      return file === 'model.json' && folder !== '' ? folder : join(folder, file);
  }
  return undefined;
}

function dataIn(folder: string, files: readonly string[]): string | undefined {
  if (files.some((name) => IDX.test(name))) return folder === '' ? '.' : folder;
  const file = files.find((name) => DATA.test(name));
  return file === undefined ? undefined : join(folder, file);
}

async function isManifest(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PEEK_BYTES), 0, PEEK_BYTES, 0);
    const head = buffer.toString('utf8', 0, bytesRead);
    return head.includes('"modelTopology"') && !head.includes('"graph-model"');
  } finally {
    await handle.close();
  }
}
