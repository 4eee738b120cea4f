import { installBatchNorm } from './batch-norm.js';
import { installConv } from './conv.js';
import { installDepthwise } from './depthwise.js';
import { installFusedLayers } from './fused-layers.js';
import { installGrow } from './grow.js';
import { installKeepPrefixes } from './keep-prefixes.js';
import { installMatMul } from './mat-mul.js';
import { installOptimizers } from './optimizers.js';
import { installPasses } from './passes.js';
import { installPool } from './pool.js';
import { installReluGradient } from './relu-gradient.js';
import { installSoftmaxLoss } from './softmax-loss.js';

let installed = false;

/** Puts the own kernels over the mended stock ones, which still serve what is not covered. May be called again. */
export function installKernels(): void {
  if (installed) return;
  installed = true;
  installMatMul();
  installConv();
  installDepthwise();
  installPool();
  installPasses();
  installReluGradient();
  installOptimizers();
  installKeepPrefixes();
  installSoftmaxLoss();
  installFusedLayers();
  installBatchNorm();
  installGrow();
}
