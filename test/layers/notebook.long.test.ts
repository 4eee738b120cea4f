import { beforeAll, describe, expect, it } from 'vitest';

import type { TailDropoutArgs } from '../../src/layers/index.js';
import { NOTEBOOK_LIMITS, runNotebook } from './notebook.js';
import type { Notebook } from './notebook.js';
import { failOnLeaks, useBackend } from './tensors.js';

failOnLeaks();
beforeAll(() => useBackend('wasm'));

describe("the original's example notebook", () => {
  it.each([
    { seed: 0, dropout: { sampler: 'reference', p: 0.2 } },
    { seed: 1, dropout: { sampler: 'reference', p: 0.2 } },
    { seed: 2, dropout: { sampler: 'reference', p: 0.2 } },
    { seed: 1, dropout: { p: 0.2 } },
  ] as const)('needs no more than some 40 of 100 units, $dropout, seed $seed', ({ seed, dropout }) => {
    const { curve, k98 } = run(seed, dropout);
    expect(curve[20]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.at20);
    expect(curve[40]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.at40);
    expect(curve[100]).toBeLessThanOrEqual(NOTEBOOK_LIMITS.full);
    expect(k98).toBeLessThanOrEqual(NOTEBOOK_LIMITS.k98);
  });

  it('orders the units more the more draws truncate: p = 1e-5 does hardly, against the claim that it suffices', () => {
    const none = run(0, null);
    const reference = run(0, { sampler: 'reference', p: 0.2 });
    const gain = (notebook: Notebook): number => (none.area - notebook.area) / (none.area - reference.area);
    const [tiny, small] = [1e-5, 1e-3].map((p) => run(0, { sampler: 'reference', p }));
    expect(none.curve[40]).toBeGreaterThanOrEqual(NOTEBOOK_LIMITS.controlAt40);
    expect(none.k98).toBeGreaterThan(2 * NOTEBOOK_LIMITS.k98);
    expect(gain(tiny)).toBeLessThan(0.25);
    expect(gain(small)).toBeGreaterThan(gain(tiny) + 0.1);
    expect(gain(small)).toBeLessThan(0.9);
    // not reproduced: 1e-5 leaves at 40 units at least ten times the loss that p = .2 leaves
    expect(tiny.curve[40]).toBeGreaterThan(10 * reference.curve[40]);
  });
});

function run(seed: number, dropout: TailDropoutArgs | null): Notebook {
  return runNotebook({ seed, steps: 4000, learningRate: 1e-3, dropout });
}
