import { repairAvgPoolGrad } from './avg-pool-grad.js';
import { repairBatchMatMul } from './batch-mat-mul.js';
import { repairComparisonGradients } from './comparison-gradients.js';
import { repairCpuBanner } from './cpu-banner.js';
import { repairConv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { repairConv3DGradients } from './conv3d-gradients.js';
import { repairDepthwiseGradients } from './depthwise-gradients.js';
import { repairDilatedGradients } from './dilated-gradients.js';
import { repairDilation2D } from './dilation2d.js';
import { repairMaxPool } from './max-pool.js';
import { repairNormalization } from './normalization.js';
import { repairResizeNearestGrad } from './resize-nearest-grad.js';
import { repairUnsortedSegmentSum } from './unsorted-segment-sum.js';

const done = new Set<string>();

/** Mends gradients and layers that are at fault on every backend. May be called again. */
export function repairEverywhere(): void {
  once('everywhere', () => {
    repairComparisonGradients();
    repairDilatedGradients();
    repairNormalization();
  });
}

/** Mends the cpu backend's kernels. May be called again. */
export function repairCpu(): void {
  once('cpu', () => {
    repairCpuBanner();
    repairAvgPoolGrad('cpu');
    repairResizeNearestGrad();
  });
}

/** Mends the stock wasm backend's kernels, after it was started. May be called again. */
export function repairWasm(): void {
  once('wasm', () => {
    repairAvgPoolGrad('wasm');
    repairBatchMatMul();
    repairConv2DBackpropFilter();
    repairConv3DGradients();
    repairDepthwiseGradients();
    repairDilation2D();
    repairMaxPool();
    repairUnsortedSegmentSum();
  });
}

function once(name: string, mend: () => void): void {
  if (done.has(name)) return;
  done.add(name);
  mend();
}
