import * as tf from '@tensorflow/tfjs';

import { floats, free, replaceKernel, reshaped, runWasm } from '../kernel.js';
import type { Info, Kernel } from '../kernel.js';

/** Fault: wasm has no Conv2DBackpropFilter, so no convolution trains. Here: im2col, then one matMul. */
export function repairConv2DBackpropFilter(): void {
  replaceKernel('Conv2DBackpropFilter', 'wasm', () => backpropFilter);
}

const backpropFilter: Kernel = (inputs, attributes, backend) => {
  const x = inputs.x;
  const dy = inputs.dy;
  const filterShape = attributes['filterShape'] as [number, number, number, number];
  const format = tf.backend_util.convertConv2DDataFormat(
    (attributes['dataFormat'] as 'NHWC' | 'NCHW' | undefined) ?? 'NHWC',
  );
  if (format !== 'channelsLast') throw new Error('The wasm backend trains convolutions in channelsLast (NHWC) only.');
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filterShape,
    attributes['strides'] as number,
    1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
  );
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const taps = info.filterHeight * info.filterWidth * info.inChannels;
  const columns = backend.makeOutput([1, rows, taps], 'float32');
  im2col(floats(x, backend), floats(columns, backend), info);
  const gradient: Info = runWasm(
    'BatchMatMul',
    { a: columns, b: reshaped(dy, [1, rows, info.outChannels]) },
    { transposeA: true, transposeB: false },
    backend,
  );
  free(columns, backend);
  return reshaped(gradient, filterShape);
};

/** One row per output pixel, one column per (filter row, filter column, input channel); outside the image: 0. */
function im2col(x: Float32Array, columns: Float32Array, info: tf.backend_util.Conv2DInfo): void {
  const { inHeight, inWidth, inChannels: channels, padInfo } = info;
  columns.fill(0);
  let to = 0;
  for (let b = 0; b < info.batchSize; b++) {
    for (let oy = 0; oy < info.outHeight; oy++) {
      for (let ox = 0; ox < info.outWidth; ox++) {
        for (let fy = 0; fy < info.filterHeight; fy++) {
          const y = oy * info.strideHeight - padInfo.top + fy;
          for (let fx = 0; fx < info.filterWidth; fx++, to += channels) {
            const column = ox * info.strideWidth - padInfo.left + fx;
            if (y < 0 || y >= inHeight || column < 0 || column >= inWidth) continue;
            const from = ((b * inHeight + y) * inWidth + column) * channels;
            for (let c = 0; c < channels; c++) columns[to + c] = x[from + c];
          }
        }
      }
    }
  }
}
