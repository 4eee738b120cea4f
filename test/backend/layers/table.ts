import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../../src/backend/index.js';
import { AVAILABLE } from '../available.js';
import type { LayerCase } from './cases.js';
import { measure } from './measure.js';
import type { Measured } from './measure.js';

/** Of the largest output: sums of up to some 50 float32 products, in another order. */
const OUTPUT_TOLERANCE = 1e-5;

/** float32 rounding over 2h and the third derivative stay under 5e-3; the known faults are off by 5e-2 and more. */
const GRADIENT_TOLERANCE = 1e-2;

/** Three steps of gradient descent at a rate of 0.05 carry the rounding of the gradients into the weights. */
const WEIGHT_TOLERANCE = 1e-4;

/** Every case on every backend that is here; the others are compared with cpu, which comes first. */
export function describeLayerTable(cases: readonly LayerCase[], sampled: number): void {
  const reference = new Map<string, Measured>();
  for (const { backend, skip, title } of AVAILABLE) {
    describe.skipIf(skip)(`layers on ${title}`, () => {
      beforeAll(async () => {
        await startBackend({ backend });
      });

      it.each(cases)('$name: output, gradients and trained weights are right, nothing leaks', async (layerCase) => {
        const measured = await measure(layerCase, sampled);
        const { output, weights } = reference.get(layerCase.name) ?? measured;
        reference.set(layerCase.name, { ...measured, output, weights });
        expect(distance(measured.output, output)).toBeLessThanOrEqual(OUTPUT_TOLERANCE);
        expect(measured.gradientError).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
        for (const [index, values] of weights.entries()) {
          expect(distance(measured.weights[index], values)).toBeLessThanOrEqual(WEIGHT_TOLERANCE);
        }
        expect(measured.leaked).toBe(0);
      });
    });
  }
}

/** The largest difference over the largest absolute value (weights near zero: over 1). */
function distance(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, scale] = [0, 0];
  for (const [index, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(actual[index] - value));
    scale = Math.max(scale, Math.abs(value));
    if (!Number.isFinite(actual[index])) return Number.POSITIVE_INFINITY;
  }
  return difference / (scale || 1);
}
