import type * as tf from '@tensorflow/tfjs';

/** The part of a layer that holds kernels and a bias, the bias last of its weights. */
export interface KernelPart {
  readonly weights: tf.LayerVariable[];
  readonly kernel?: tf.LayerVariable;
  readonly depthwiseKernel?: tf.LayerVariable;
  readonly pointwiseKernel?: tf.LayerVariable;
  readonly bias?: tf.LayerVariable | null;
}

interface Wrapping {
  readonly layer?: tf.layers.Layer;
  readonly cell?: KernelPart;
  readonly forwardLayer?: { readonly cell: KernelPart };
  readonly backwardLayer?: { readonly cell: KernelPart };
}

/** The layer itself, what it wraps, its recurrent cell, or both cells of a Bidirectional. */
export function kernelParts(layer: tf.layers.Layer): KernelPart[] {
  const { layer: inner, cell, forwardLayer, backwardLayer } = layer as unknown as Wrapping;
  if (forwardLayer !== undefined && backwardLayer !== undefined) return [forwardLayer.cell, backwardLayer.cell];
  if (cell !== undefined) return [cell];
  return [inner ?? layer];
}

/** The kernel that reads and mixes a layer's input; undefined where there is none. */
export function mixingKernel({ pointwiseKernel, kernel }: KernelPart): tf.LayerVariable | undefined {
  return pointwiseKernel ?? kernel ?? undefined;
}
