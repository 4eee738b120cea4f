import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { GRADIENT_CASES } from '../../src/backend/doctor/gradient-cases.js';
import { gradientError } from '../../src/backend/doctor/gradient-check.js';
import { startBackend } from '../../src/backend/index.js';
import { AVAILABLE } from './available.js';

// float32 rounding over 2h and the third derivative together stay under 2e-3; a wrong gradient is off by 5e-2 and more.
const TOLERANCE = 1e-2;

for (const { backend, skip, title } of AVAILABLE) {
  describe.skipIf(skip)(`gradients on ${title}`, () => {
    beforeAll(async () => {
      await startBackend({ backend });
    });

    it.each(GRADIENT_CASES)('$name: agree with central differences, and nothing leaks', async (gradientCase) => {
      const before = tf.memory().numTensors;
      expect(await gradientError(gradientCase, { seed: 1 })).toBeLessThan(TOLERANCE);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
