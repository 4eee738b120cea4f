import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { checkRandomModels } from './property.js';

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});

describe('sliceModel on random small models', () => {
  it('computes what the masked model does and costs what was said: 2,000 models', () => {
    expect(checkRandomModels(2000, 2).models).toBe(2000);
  }, 900_000);
});
