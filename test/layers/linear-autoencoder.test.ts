import { beforeAll, describe, expect, it, vi } from 'vitest';

import { tailDropout } from '../../src/layers/index.js';
import { comparePca, PCA_LIMITS } from './linear-autoencoder.js';
import { failOnLeaks, useBackend } from './tensors.js';

// seconds on an idle machine, several times that on a crowded one
vi.setConfig({ testTimeout: 240_000 });
failOnLeaks();
// the tensors are tiny: plain JavaScript is as fast as wasm here
beforeAll(() => useBackend('cpu'));

describe('a linear autoencoder, 8 -> 6 -> 8', () => {
  it('learns the principal components in their order when k is uniform', () => {
    const { angle, excess } = comparePca(tailDropout({ sampler: 'uniform', seed: 1 }), 1);
    expect(angle).toBeLessThanOrEqual(PCA_LIMITS.angle);
    expect(excess).toBeLessThanOrEqual(PCA_LIMITS.excess);
  });

  it('learns their span and not their order without TailDropout', () => {
    const { angle, excess } = comparePca(null, 1);
    expect(angle).toBeGreaterThan(PCA_LIMITS.controlAngle);
    expect(excess).toBeGreaterThan(PCA_LIMITS.controlExcess);
  });
});
