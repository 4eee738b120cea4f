import { createHash } from 'node:crypto';

import type * as tf from '@tensorflow/tfjs';

import { weightEntries } from './build.js';
import { isObject } from './json.js';
import type { JsonObject } from './json.js';

/**
 * `sha256:…` over a model's topology (without its own name, which tfjs may have made up) and the bytes of its weights as they are now.
 * Two models with the same layers and the same weights have the same digest, on disk or not, in any process.
 */
export async function modelDigest(model: tf.LayersModel): Promise<string> {
  const topology = model.toJSON(null, false) as unknown as JsonObject;
  const config = isObject(topology['config']) ? { ...topology['config'], name: '' } : null;
  const hash = createHash('sha256').update(JSON.stringify([topology['class_name'] ?? null, config]));
  for (const { key, shape, variable } of weightEntries(model)) {
    const values = await variable.data();
    hash
      .update(JSON.stringify([key, variable.dtype, shape]))
      .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return `sha256:${hash.digest('hex')}`;
}
