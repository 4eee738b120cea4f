import { existsSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { DataSpec } from '../data/spec.js';
import { UsageError } from '../errors.js';
import { CONFIG_FILES } from './configFiles.js';
import type { Given } from './options.js';
import { check } from './schema.js';

const SHOWN = 'tdc.config.json, .js, .mjs or .ts';

/**
 * Reads the configuration file: the named one, else the nearest `tdc.config.*` or `tdc` key of a package.json between the
 * current folder and its project's root. Its paths are taken from its own folder.
 *
 * @param onAbove told of a file that nobody named and that lies in a folder above
 * @throws UsageError a file that is missing or cannot be read, or a wrong key
 */
export async function readConfig(
  cwd: string,
  named: string | undefined,
  onAbove: (file: string) => void = () => {},
): Promise<Given> {
  const found = await findConfig(cwd, named);
  if (found === null) return {};
  const file = relative(cwd, found.path) || basename(found.path);
  const where = basename(found.path) === 'package.json' ? ' of tdc' : '';
  if (named === undefined && file.startsWith('..')) onAbove(file);
  const raw = plainObject(found.config, file);
  const given = check(canonical(raw), {
    kind: 'file',
    name: (key) => (key === '' ? file : `\`${key}\`${where} in ${file}`),
  });
  return fromFolder(given, relative(cwd, dirname(found.path)));
}

async function findConfig(cwd: string, named: string | undefined): Promise<{ config: unknown; path: string } | null> {
  const path = named === undefined ? undefined : resolve(cwd, named);
  if (path !== undefined && !(existsSync(path) && statSync(path).isFile())) {
    throw new UsageError(`The configuration file ${named} does not exist.`, {
      hint: 'Name an existing file, or run tdc init to write one.',
    });
  }
  const { lilconfig } = await import('lilconfig');
  const explorer = lilconfig('tdc', {
    searchPlaces: [...CONFIG_FILES],
    stopDir: projectRoot(cwd),
    cache: false,
    ignoreEmptySearchPlaces: false,
    loaders: {
      '.json': loadJson,
      '.js': loadModule,
      '.mjs': loadModule,
      '.cjs': loadModule,
      '.ts': loadTypeScript,
      '.mts': loadTypeScript,
    },
  });
  try {
    const result = path === undefined ? await explorer.search(cwd) : await explorer.load(path);
    return result === null ? null : { config: result.config, path: result.filepath };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const shown = path === undefined ? 'The configuration file' : `The configuration file ${named}`;
    throw new UsageError(`${shown} cannot be read: ${reason}`, { hint: `A configuration is ${SHOWN}.`, cause });
  }
}

/** The nearest folder that looks like a project's root, else the folder itself: a stranger's file further up is not ours. */
function projectRoot(cwd: string): string {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) || existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return resolve(cwd);
  }
}

function loadJson(path: string, content: string): unknown {
  try {
    return JSON.parse(content.replace(/^\uFEFF/u, '')) as unknown;
  } catch (cause) {
    throw new UsageError(
      `${basename(path)} is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { hint: 'Mend it, or let tdc init --force write it anew.', cause },
    );
  }
}

async function loadModule(path: string): Promise<unknown> {
  return exportOf(await import(pathToFileURL(path).href), path);
}

async function loadTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return exportOf(await createJiti(import.meta.url, { fsCache: false }).import(path), path);
}

function exportOf(module: unknown, path: string): unknown {
  if (typeof module === 'object' && module !== null && 'default' in module) return module.default;
  throw new UsageError(`${basename(path)} has no default export.`, {
    hint: 'Write: export default { model: …, data: … }',
  });
}

function plainObject(config: unknown, file: string): Record<string, unknown> {
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Record<string, unknown>;
  const received = Array.isArray(config)
    ? 'a list'
    : config === undefined
      ? 'nothing'
      : config === null
        ? 'null'
        : `a ${typeof config}`;
  throw new UsageError(`${file} expects an object with options, received ${received}.`, {
    hint: 'For example { "model": "my/model", "data": "my.csv" }.',
  });
}

const OFF = new Map([
  ['noRetrain', 'retrain'],
  ['noControl', 'control'],
  ['noDistill', 'distill'],
]);

/** `batch_size` and `batch-size` are batchSize, `no_retrain: true` is retrain: false. */
function canonical(raw: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(raw).map(([key, value]): [string, unknown] => {
    const name = key.startsWith('_') ? key : camel(key);
    const positive = OFF.get(name);
    return positive === undefined ? [name, value] : [positive, typeof value === 'boolean' ? !value : value];
  });
  return Object.fromEntries(entries);
}

function camel(key: string): string {
  return key.replace(/[-_]([a-z])/gu, (_, letter: string) => letter.toUpperCase());
}

function fromFolder(given: Given, folder: string): Given {
  const path = (p: string): string =>
    folder === '' || isAbsolute(p) || /^[a-z]+:\/\//iu.test(p) ? p : join(folder, p);
  const { model, data, out, baseline } = given;
  return {
    ...given,
    ...(model === undefined ? {} : { model: path(model) }),
    ...(data === undefined ? {} : { data: dataFrom(data, path) }),
    ...(out === undefined ? {} : { out: path(out) }),
    ...(baseline === undefined ? {} : { baseline: path(baseline) }),
  };
}

function dataFrom(data: DataSpec, path: (p: string) => string): DataSpec {
  if (typeof data === 'string') return path(data);
  if ('path' in data) return { ...data, path: path(data.path) };
  return {
    ...data,
    train: path(data.train),
    ...(data.select === undefined ? {} : { select: path(data.select) }),
    ...(data.report === undefined ? {} : { report: path(data.report) }),
  };
}
