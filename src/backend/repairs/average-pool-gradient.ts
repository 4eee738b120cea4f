import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from './kernels.js';
import type { KernelCall, StockKernel } from './kernels.js';
import type { Repair } from './types.js';

export const averagePoolGradient: Repair = {
  name: 'average-pool-gradient',
  fault: "AvgPoolGrad and AvgPool3DGrad divide by the whole window at the border too, where padding 'same' shrinks it.",
  backends: ['cpu', 'webgpu'],
  apply(backendName) {
    for (const kernelName of ['AvgPoolGrad', 'AvgPool3DGrad']) replaceKernel(backendName, kernelName, gradient);
  },
};

/**
 * The kernel is right where nothing is padded. So it is run on the padded image, as 'valid', with dy raised where part
 * of the window is padding, and the image is cut out of the result.
 */
function gradient({ inputs, attrs }: KernelCall, stock: StockKernel): tf.Tensor {
  const { dy, input } = inputs;
  const axes = input.rank === 5 ? axes3d({ inputs, attrs }) : axes2d({ inputs, attrs });
  if (axes.every((axis) => axis.before === 0 && axis.after === 0)) return stock(inputs);
  const [batch, channels] = [input.shape[0], input.shape[input.rank - 1]];
  const padded = [batch, ...axes.map((axis) => axis.before + axis.input + axis.after), channels];
  const { filterSize, strides } = attrs;
  const whole = stock(
    { dy: tf.mul(dy, windowShare(axes)), input: tf.zeros(padded) },
    { filterSize, strides, pad: 'valid' },
  );
  return tf.slice(whole, [0, ...axes.map((axis) => axis.before), 0], input.shape);
}

interface Axis {
  readonly input: number;
  readonly output: number;
  readonly window: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
}

/** Per output place, window size / elements really averaged: [1, …, 1]. */
function windowShare(axes: readonly Axis[]): tf.Tensor {
  return axes
    .map((axis, place) => {
      const shape = Array.from({ length: axes.length + 2 }, (_, index) => (index === place + 1 ? axis.output : 1));
      return tf.tensor(axisShare(axis), shape);
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
    axis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top, info.padInfo.bottom),
    axis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left, info.padInfo.right),
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
    axis(info.inDepth, info.outDepth, info.filterDepth, info.strideDepth, info.padInfo.front, info.padInfo.back),
    axis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top, info.padInfo.bottom),
    axis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left, info.padInfo.right),
  ];
}

function axis(input: number, output: number, window: number, stride: number, before: number, after: number): Axis {
  return { input, output, window, stride, before, after };
}
