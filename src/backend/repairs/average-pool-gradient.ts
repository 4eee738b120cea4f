import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from './kernels.js';
import type { KernelCall } from './kernels.js';
import type { Repair } from './types.js';

export const averagePoolGradient: Repair = {
  name: 'average-pool-gradient',
  fault: "AvgPoolGrad and AvgPool3DGrad divide by the whole window at the border too, where padding 'same' shrinks it.",
  backends: ['cpu', 'webgpu'],
  apply(backendName) {
    for (const kernelName of ['AvgPoolGrad', 'AvgPool3DGrad']) {
      replaceKernel(backendName, kernelName, (call, stock) => {
        const share = windowShare(call);
        const { dy, input } = call.inputs;
        return stock({ dy: share === undefined ? dy : tf.mul(dy, share), input: input });
      });
    }
  },
};

interface Axis {
  readonly input: number;
  readonly output: number;
  readonly window: number;
  readonly stride: number;
  readonly before: number;
}

/** Per output place, window size / elements really averaged: [1, …, 1]; undefined where nothing is padded. */
function windowShare(call: KernelCall): tf.Tensor | undefined {
  const axes = call.inputs['input'].rank === 5 ? axes3d(call) : axes2d(call);
  const shares = axes.map(axisShare);
  if (shares.every((share) => share.every((value) => value === 1))) return undefined;
  const rank = axes.length + 2;
  return shares
    .map((share, axis) => {
      const shape = Array.from({ length: rank }, (_, index) => (index === axis + 1 ? share.length : 1));
      return tf.tensor(share, shape);
    })
    .reduce((product, share) => tf.mul(product, share));
}

function axisShare({ input, output, window, stride, before }: Axis): number[] {
  return Array.from({ length: output }, (_, index) => {
    const start = index * stride - before;
    return window / (Math.min(start + window, input) - Math.max(start, 0));
  });
}

type Pad = Parameters<typeof tf.backend_util.computePool2DInfo>[4];
type Rounding = Parameters<typeof tf.backend_util.computePool2DInfo>[5];

function axes2d({ inputs, attrs }: KernelCall): Axis[] {
  const info = tf.backend_util.computePool2DInfo(
    inputs['input'].shape as [number, number, number, number],
    attrs['filterSize'] as [number, number],
    attrs['strides'] as [number, number],
    1,
    attrs['pad'] as Pad,
    attrs['dimRoundingMode'] as Rounding,
  );
  return [
    axis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top),
    axis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left),
  ];
}

function axes3d({ inputs, attrs }: KernelCall): Axis[] {
  const info = tf.backend_util.computePool3DInfo(
    inputs['input'].shape as [number, number, number, number, number],
    attrs['filterSize'] as [number, number, number],
    attrs['strides'] as [number, number, number],
    1,
    attrs['pad'] as 'valid' | 'same' | number,
    attrs['dimRoundingMode'] as Rounding,
  );
  return [
    axis(info.inDepth, info.outDepth, info.filterDepth, info.strideDepth, info.padInfo.front),
    axis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top),
    axis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left),
  ];
}

function axis(input: number, output: number, window: number, stride: number, before: number): Axis {
  return { input, output, window, stride, before };
}
