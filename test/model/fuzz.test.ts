import { writeFile } from 'node:fs/promises';

import * as tf from '@tensorflow/tfjs';
import { assert as check, asyncProperty, nat } from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ModelError } from '../../src/errors.js';
import { disposeModel, loadModel } from '../../src/model/index.js';
import { tangled, readManifest, temporaryFolder, writeStock } from './helpers.js';

/** Enough to reach most places with most values, in about a second. */
const RUNS = 600;

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

function replaceAt(value: unknown, [head, ...rest]: Path, by: unknown): unknown {
  if (head === undefined) return by;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...(value as unknown[])] as unknown as Record<string, unknown>)
    : { ...(value as object) };
  if (by === undefined && rest.length === 0) delete copy[head];
  else copy[head] = replaceAt(copy[head], rest, by);
  return copy;
}

const WRONG: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  7,
  1e9,
  1e300,
  '',
  'dense',
  'shared',
  'left',
  '__proto__',
  'toString',
  [],
  [[]],
  [['left', 0, 0]],
  {},
  { class_name: 'Dense', config: {} },
];

describe('a manifest with any one value replaced', () => {
  it('loads with every weight set, or is refused with a ModelError that leaves nothing behind; it never hangs', async () => {
    const model = tangled();
    const path = await writeStock(model, await temporaryFolder());
    disposeModel(model);
    const manifest = await readManifest(path);
    const places = pathsIn(manifest).slice(1);
    let refused = 0;
    await check(
      asyncProperty(nat(places.length - 1), nat(WRONG.length - 1), async (place, wrong) => {
        await writeFile(path, JSON.stringify(replaceAt(manifest, places[place] ?? [], WRONG[wrong])));
        const before = tf.memory().numTensors;
        const result: unknown = await loadModel(path).catch((error: unknown) => error);
        if (result instanceof Error) {
          if (!(result instanceof ModelError)) throw result;
          refused += 1;
        } else {
          disposeModel((result as { model: tf.LayersModel }).model);
        }
        if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors are left`);
      }),
      { numRuns: RUNS, seed: 3 },
    );
    expect(refused).toBeGreaterThan(RUNS / 4);
  });
});
