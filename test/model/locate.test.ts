import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';

import { locateModel } from '../../src/model/index.js';
import { temporaryFolder } from './helpers.js';

const MODEL = '{"modelTopology": {}, "weightsManifest": []}';

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe('locateModel', () => {
  it.each<[string, Record<string, string>, string]>([
    ['the only JSON file, whatever its name', { 'net.json': MODEL, 'weights.bin': '' }, 'net.json'],
    ['model.json among several', { 'a.json': MODEL, 'model.json': MODEL }, 'model.json'],
    ['the only one that is a model', { 'labels.json': '[]', 'net.json': MODEL }, 'net.json'],
  ])('takes %s', async (_, files, name) => {
    const folder = await folderWith(files);
    expect(await locateModel(folder)).toBe(join(folder, name));
  });

  it('takes a file, a relative path, and file:// with two or three slashes, spaces encoded or not', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'my net'));
    const path = join(root, 'my net', 'net.json');
    await writeFile(path, MODEL);
    for (const given of [
      path,
      'my net',
      './my net/net.json',
      pathToFileURL(path).href,
      `file://${path}`,
      'file://my net',
      'file://./my net/net.json',
      `file://localhost${path}`,
    ]) {
      expect(await locateModel(given, root)).toBe(path);
    }
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['an empty folder', {}, /holds no model: .* found no file/],
    ['a folder without JSON', { 'a.bin': '' }, /holds no model/],
    ['two models', { 'a.json': MODEL, 'b.json': MODEL }, /2 JSON files .*: a.json, b.json/],
    ['a SavedModel', { 'saved_model.pb': '', 'keras.json': '{}' }, /SavedModel/],
    ['a web model of tfjs before 1.0', { 'tensorflowjs_model.pb': '', 'weights_manifest.json': '[]' }, /before 1\.0/],
    ['an unpacked .keras', { 'model.weights.h5': '', 'config.json': '{}', 'metadata.json': '{}' }, /unpacked \.keras/],
    ['only an .h5', { 'net.h5': '' }, /holds net\.h5 and no JSON/],
  ])('refuses %s', async (_, files, message) => {
    await expect(locateModel(await folderWith(files))).rejects.toThrow(message);
  });

  it.each([
    ['https://example.com/model.json', /not from https:\/\//],
    ['indexeddb://x', /not from indexeddb/],
    ['nowhere/model.json', /no such file or folder/],
    ['', /path is expected/],
  ])('refuses %j', async (path, message) => {
    await expect(locateModel(path, '/')).rejects.toThrow(message);
  });
});
