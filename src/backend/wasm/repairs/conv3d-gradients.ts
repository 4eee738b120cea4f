import { runOnCpu } from './on-cpu.js';

/**
 * Fault: wasm's Conv3DBackpropInputV2 is wrong (so is Conv3DTranspose, which is made of it), and its
 * Conv3DBackpropFilterV2 with strides or 'same'. The cpu kernels are right.
 */
export function repairConv3DGradients(): void {
  runOnCpu('Conv3DBackpropInputV2');
  runOnCpu('Conv3DBackpropFilterV2');
}
