import { runOnCpu } from './on-cpu.js';

/** Fault: wasm's Dilation2D and its gradients start their search at the smallest POSITIVE float, as its max pooling does. */
export function repairDilation2D(): void {
  for (const name of ['Dilation2D', 'Dilation2DBackpropInput', 'Dilation2DBackpropFilter']) runOnCpu(name);
}
