import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { ModelError } from '../errors.js';
import { foreignFolder } from './foreign.js';

/** Only the head of each JSON file is looked at to tell a manifest from other JSON. */
const PEEK_LIMIT = 256 * 1024 * 1024;

/**
 * Finds the manifest of a model.
 * @param path a folder with one JSON manifest of any name (`model.json` wins when there are several), that JSON file,
 *   or a `file://` URL of either, with two or three slashes.
 * @param cwd what a relative path is relative to.
 * @returns the absolute path of the JSON file.
 * @throws ModelError when there is nothing there, several manifests, or another format's folder; and for http(s).
 */
export async function locateModel(path: string, cwd = '.'): Promise<string> {
  const target = resolve(cwd, plainPath(path));
  const info = await stat(target).catch(() => undefined);
  if (info === undefined) throw new ModelError(`No model at ${target}: there is no such file or folder.`);
  if (info.isFile()) return target;
  if (!info.isDirectory()) throw new ModelError(`${target} is neither a file nor a folder.`);
  return manifestIn(target);
}

function plainPath(path: string): string {
  if (path === '' || path.includes('\0'))
    throw new ModelError(`A model path is expected, received ${JSON.stringify(path)}.`);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1]?.toLowerCase();
  if (scheme === undefined) return path;
  if (scheme !== 'file') {
    throw new ModelError(`Models are read from disk, not from ${scheme}:// (received ${path}).`, {
      hint: 'Download model.json and the weight files it lists into one folder, and give that folder.',
    });
  }
  const rest = path.slice('file://'.length).replace(/^localhost\//, '/');
  const decoded = decode(rest);
  return /^\/[A-Za-z]:[\\/]/.test(decoded) ? decoded.slice(1) : decoded;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function manifestIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((e) => e.isFile() || e.isSymbolicLink()).map((e) => e.name);
  const json = names.filter((name) => name.toLowerCase().endsWith('.json')).sort();
  if (json.includes('model.json')) return join(folder, 'model.json');
  const foreign = foreignFolder(folder, names);
  if (foreign !== undefined) throw foreign;
  const only = json.length === 1 ? json : await manifestsAmong(folder, json);
  if (only.length === 1) return join(folder, only[0] ?? '');
  if (json.length === 0) {
    throw new ModelError(
      `${folder} holds no model: a JSON manifest (model.json) is expected, found ${names.length === 0 ? 'no file' : 'none'}.`,
    );
  }
  throw new ModelError(
    `${folder} holds ${json.length} JSON files and none is called model.json: ${json.slice(0, 10).join(', ')}${json.length > 10 ? ', …' : ''}.`,
    {
      hint: 'Give the path of the one that is the model.',
    },
  );
}

/** Of several JSON files, those that are a model: they have a topology. */
async function manifestsAmong(folder: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const info = await stat(join(folder, name)).catch(() => undefined);
    if (info === undefined || !info.isFile() || info.size > PEEK_LIMIT) continue;
    const text = await readFile(join(folder, name), 'utf8');
    if (text.includes('"modelTopology"')) found.push(name);
  }
  return found;
}
