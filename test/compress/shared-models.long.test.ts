import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { MODELS } from '../graph/models.js';
import { SHARED } from '../shared.js';
import { problemsOf } from './carried.js';

const folder = mkdtempSync(join(tmpdir(), 'tdc-compress-'));
beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('every shared model, compressed: matches the masked one, is stored as its source, and opens in plain TensorFlow.js', () => {
  it.skipIf(MODELS.length === 0).each(MODELS)(
    '%s',
    async (name) => expect(await problemsOf(join(SHARED!, 'models', name), join(folder, name))).toEqual([]),
    600_000,
  );
});
