import * as tf from '@tensorflow/tfjs';

import { floats, replaceKernel } from '../kernel.js';
import type { Kernel } from '../kernel.js';

/** Fault: wasm has neither DepthwiseConv2dNativeBackpropFilter nor …BackpropInput, so no depthwise convolution trains. */
export function repairDepthwiseGradients(): void {
  replaceKernel('DepthwiseConv2dNativeBackpropFilter', 'wasm', () => backpropFilter);
  replaceKernel('DepthwiseConv2dNativeBackpropInput', 'wasm', () => backpropInput);
}

type Shape4 = [number, number, number, number];

export function depthwiseInfo(
  xShape: number[],
  filterShape: number[],
  attributes: Readonly<Record<string, unknown>>,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    xShape as Shape4,
    filterShape as Shape4,
    attributes['strides'] as number,
    (attributes['dilations'] as number | undefined) ?? 1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
    true,
  );
}

const backpropFilter: Kernel = (inputs, attributes, backend) => {
  const filterShape = attributes['filterShape'] as number[];
  const info = depthwiseInfo(inputs.x.shape, filterShape, attributes);
  const out = backend.makeOutput(filterShape, 'float32');
  const gradient = floats(out, backend);
  const x = floats(inputs.x, backend);
  const dy = floats(inputs.dy, backend);
  gradient.fill(0);
  const multiplier = filterShape[3];
  eachTap(info, (pixel, outPixel, tap) => {
    for (let c = 0; c < info.inChannels; c++) {
      const value = x[pixel * info.inChannels + c];
      const at = (tap * info.inChannels + c) * multiplier;
      const from = (outPixel * info.inChannels + c) * multiplier;
      for (let m = 0; m < multiplier; m++) gradient[at + m] += value * dy[from + m];
    }
  });
  return out;
};

const backpropInput: Kernel = (inputs, attributes, backend) => {
  const inputShape = attributes['inputShape'] as number[];
  const filterShape = inputs.filter.shape;
  const info = depthwiseInfo(inputShape, filterShape, attributes);
  const out = backend.makeOutput(inputShape, 'float32');
  const gradient = floats(out, backend);
  const filter = floats(inputs.filter, backend);
  const dy = floats(inputs.dy, backend);
  gradient.fill(0);
  const multiplier = filterShape[3];
  eachTap(info, (pixel, outPixel, tap) => {
    for (let c = 0; c < info.inChannels; c++) {
      const at = (tap * info.inChannels + c) * multiplier;
      const from = (outPixel * info.inChannels + c) * multiplier;
      let sum = 0;
      for (let m = 0; m < multiplier; m++) sum += filter[at + m] * dy[from + m];
      gradient[pixel * info.inChannels + c] += sum;
    }
  });
  return out;
};

/** Calls back for every pair of an output pixel and a filter tap that falls inside the image. */
function eachTap(
  info: tf.backend_util.Conv2DInfo,
  visit: (pixel: number, outPixel: number, tap: number) => void,
): void {
  for (let b = 0; b < info.batchSize; b++) {
    for (let oy = 0; oy < info.outHeight; oy++) {
      for (let ox = 0; ox < info.outWidth; ox++) {
        const outPixel = (b * info.outHeight + oy) * info.outWidth + ox;
        for (let fy = 0; fy < info.filterHeight; fy++) {
          const y = oy * info.strideHeight - info.padInfo.top + fy * info.dilationHeight;
          if (y < 0 || y >= info.inHeight) continue;
          for (let fx = 0; fx < info.filterWidth; fx++) {
            const x = ox * info.strideWidth - info.padInfo.left + fx * info.dilationWidth;
            if (x < 0 || x >= info.inWidth) continue;
            visit((b * info.inHeight + y) * info.inWidth + x, outPixel, fy * info.filterWidth + fx);
          }
        }
      }
    }
  }
}
