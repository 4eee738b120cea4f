import { createRequire } from 'node:module';

import type * as tf from '@tensorflow/tfjs';

export type Fused = typeof tf.fused;
export type MatMulConfig = Parameters<Fused['matMul']>[0];
export type ConvConfig = Parameters<Fused['conv2d']>[0];

/** What stands in for tfjs' fused operations, where it fits. */
export interface FusedLayers {
  readonly isDense: (config: MatMulConfig) => boolean;
  readonly dense: (config: MatMulConfig) => tf.Tensor;
  readonly isConv: (config: ConvConfig) => boolean;
  readonly convolution: (config: ConvConfig) => tf.Tensor;
}

/** Lets layers of tfjs-layers compute with these. */
export function replaceFused({ isDense, dense, isConv, convolution }: FusedLayers): void {
  // tfjs-layers (CommonJS) reads `fused` off this object at every call
  const tfjs = createRequire(import.meta.url).resolve('@tensorflow/tfjs');
  const core = createRequire(tfjs)('@tensorflow/tfjs-core') as { fused: Fused };
  const stock = core.fused;
  core.fused = {
    ...stock,
    matMul: (config: MatMulConfig) => (isDense(config) ? dense(config) : stock.matMul(config)),
    conv2d: ((config: ConvConfig) => (isConv(config) ? convolution(config) : stock.conv2d(config))) as Fused['conv2d'],
  };
}
