import { describe, expect, it } from 'vitest';

import { GRADIENT_CASES } from '../../../src/backend/doctor/gradient-cases.js';
import { gradientError } from '../../../src/backend/doctor/gradient-check.js';
import { startBackend } from '../../../src/backend/index.js';

const TOLERANCE = 1e-2;

describe('repairs of several backends in one process', () => {
  it('stay right whichever backend was started before', async () => {
    const wrong: string[] = [];
    for (const backend of ['wasm', 'cpu', 'wasm', 'cpu'] as const) {
      const started = await startBackend({ backend });
      for (const gradientCase of GRADIENT_CASES) {
        const error = await gradientError(gradientCase, { seed: 4 });
        if (!(error < TOLERANCE)) wrong.push(`${backend}: ${gradientCase.name} (${error})`);
      }
      await started.dispose();
    }
    expect(wrong).toEqual([]);
  });
});
