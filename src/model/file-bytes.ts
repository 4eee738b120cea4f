import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { readManifest } from './file.js';
import { isObject } from './json.js';
import { parseManifest } from './manifest.js';

/**
 * Bytes on disk of a model that was read before: its manifest and the weight files that it lists.
 * @param path the JSON file
 * @throws ModelError for what is no model
 */
export async function modelFileBytes(path: string): Promise<number> {
  const json = await readManifest(path);
  const groups = parseManifest(path, isObject(json) ? json['weightsManifest'] : undefined);
  const files = new Set([path, ...groups.flatMap(({ paths }) => paths).map((shard) => join(dirname(path), shard))]);
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file)).size));
  return sizes.reduce((all, size) => all + size, 0);
}
