import { beforeAll, describe, expect, it, vi } from 'vitest';

import { NOTEBOOK_LIMITS, runNotebook } from './notebook.js';
import { failOnLeaks, useBackend } from './tensors.js';

// seconds on an idle machine, several times that on a crowded one
vi.setConfig({ testTimeout: 240_000 });
failOnLeaks();
beforeAll(() => useBackend('wasm'));

describe("the original's example notebook (50 -> 100 tanh -> 1, a target to memorise)", () => {
  it('needs no more than some 40 of 100 units with TailDropout', () => {
    const { curve, k98 } = runNotebook({ seed: 0, steps: 4000, learningRate: 1e-3, dropout: { p: 0.2 } });
    expect(curve[20]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.at20);
    expect(curve[40]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.at40);
    expect(curve[100]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.full);
    expect(k98).toBeLessThanOrEqual(NOTEBOOK_LIMITS.k98);
  });

  it('needs nearly all of them without, from the first thousand steps on', () => {
    const { curve, k98 } = runNotebook({ seed: 0, steps: 1000, learningRate: 1e-3, dropout: null });
    expect(curve[40]).toBeGreaterThanOrEqual(NOTEBOOK_LIMITS.controlAt40);
    expect(k98).toBeGreaterThan(2 * NOTEBOOK_LIMITS.k98);
  });
});
