import { beforeAll, describe, expect, it } from 'vitest';

import { tailDropout } from '../../src/layers/index.js';
import { comparePca, PCA_LIMITS } from './linear-autoencoder.js';
import { failOnLeaks, useBackend } from './tensors.js';

failOnLeaks();
beforeAll(() => useBackend('cpu'));

describe.each([2, 3, 4])('a linear autoencoder, 8 -> 6 -> 8, seed %i', (seed) => {
  it.each(['uniform', 'triangular'] as const)(
    'learns the principal components in their order with the %s sampler',
    (sampler) => {
      const { angle, excess } = comparePca(tailDropout({ sampler, seed }), seed);
      expect(angle).toBeLessThanOrEqual(PCA_LIMITS.angle);
      expect(excess).toBeLessThanOrEqual(PCA_LIMITS.excess);
    },
  );

  it('does not without TailDropout', () => {
    const { angle, excess } = comparePca(null, seed);
    expect(angle).toBeGreaterThan(PCA_LIMITS.controlAngle);
    expect(excess).toBeGreaterThan(PCA_LIMITS.controlExcess);
  });
});

describe('a fixed set of widths', () => {
  it('orders blocks: the components at its members, and not between them', () => {
    const { angles } = comparePca(tailDropout({ sampler: { name: 'fixed', ks: [1, 2, 4, 6] }, seed: 1 }), 1);
    for (const k of [1, 2, 4, 6]) expect(angles[k - 1]).toBeLessThanOrEqual(PCA_LIMITS.angle);
    expect(angles[2]).toBeGreaterThan(10);
  });
});
