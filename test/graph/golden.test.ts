import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { describeGroups } from './golden.js';
import { MODELS, loadShared } from './models.js';

/** Checked by hand against each model's architecture. */
const CHECKED = [
  'mobilenetv2-nsfwjs-u8',
  'mobilenet025-f32',
  'cnn-fashion-bn',
  'bilstm-nnsplit-u8',
  'acgan-2in',
  'crepe-pitch',
];

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});

describe.skipIf(MODELS.length === 0)('readGraph', () => {
  it.each(CHECKED)('finds the groups that the architecture has: %s', async (name) => {
    const model = await loadShared(name);
    await expect(describeGroups(readGraph(model))).toMatchFileSnapshot(
      join(import.meta.dirname, 'golden', `${name}.golden.txt`),
    );
    disposeModel(model);
  });
});
