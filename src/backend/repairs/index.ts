import { averagePoolGradient } from './average-pool-gradient.js';
import { batchNormalizationAxis } from './batch-normalization-axis.js';
import { bilinearResizeGradient } from './bilinear-resize-gradient.js';
import { dilatedConvolution } from './dilated-convolution.js';
import { frozenBatchNormalization } from './frozen-batch-normalization.js';
import { integerTranspose } from './integer-transpose.js';
import { nearestResizeGradient } from './nearest-resize-gradient.js';
import { normalizationWithoutWeights } from './normalization-without-weights.js';
import { thresholdedRelu } from './thresholded-relu.js';
import { transposedConvolution3D } from './transposed-convolution-3d.js';
import type { Repair } from './types.js';

/** Faults of tfjs 4.22 that JavaScript alone mends. Upstream has had no release since 2024. */
export const REPAIRS: readonly Repair[] = [
  averagePoolGradient,
  nearestResizeGradient,
  bilinearResizeGradient,
  integerTranspose,
  dilatedConvolution,
  transposedConvolution3D,
  thresholdedRelu,
  normalizationWithoutWeights,
  frozenBatchNormalization,
  batchNormalizationAxis,
];

const applied = new Set<string>();

/**
 * Mends a registered backend, once; a second call changes nothing. Faults of tfjs' layers are mended for all backends
 * with the first call.
 *
 * @returns names of the repairs in force on that backend
 */
export function registerRepairs(backendName: string): string[] {
  const due = REPAIRS.filter((repair) => repair.backends === 'all' || repair.backends.includes(backendName));
  for (const repair of due) {
    const key = `${repair.backends === 'all' ? 'all' : backendName}/${repair.name}`;
    if (applied.has(key)) continue;
    repair.apply(backendName);
    applied.add(key);
  }
  return due.map((repair) => repair.name);
}
