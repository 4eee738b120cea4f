import { repairAvgPoolGrad } from './avg-pool-grad.js';
import { repairBatchMatMul } from './batch-mat-mul.js';
import { repairConv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { repairConv3DGradients } from './conv3d-gradients.js';
import { repairDepthwiseGradients } from './depthwise-gradients.js';
import { repairDilatedDepthwiseGradient } from './dilated-depthwise-gradient.js';
import { repairDilation2D } from './dilation2d.js';
import { repairMaxPool } from './max-pool.js';
import { repairSlice } from './slice.js';
import { repairUnsortedSegmentSum } from './unsorted-segment-sum.js';

let done = false;

/** Mends the stock wasm backend's kernels, after it was started. May be called again. */
export function repairWasm(): void {
  if (done) return;
  done = true;
  repairAvgPoolGrad();
  repairBatchMatMul();
  repairConv2DBackpropFilter();
  repairConv3DGradients();
  repairDepthwiseGradients();
  repairDilatedDepthwiseGradient();
  repairDilation2D();
  repairMaxPool();
  repairSlice();
  repairUnsortedSegmentSum();
}
