import * as tf from '@tensorflow/tfjs';

import { floats, fromValues, replaceKernel, sizeOf } from '../kernel.js';
import type { Kernel } from '../kernel.js';

/** Fault (cpu): ResizeNearestNeighborGrad steps through dy with the images' batch stride, so it is wrong beyond the first example. */
export function repairResizeNearestGrad(): void {
  replaceKernel('ResizeNearestNeighborGrad', 'cpu', () => gradient);
}

/** The transpose of the forward pass: every output pixel hands its gradient to the one input pixel it was read from. */
const gradient: Kernel = (inputs, attributes, backend) => {
  const images = inputs.images;
  const dy = inputs.dy;
  const alignCorners = attributes['alignCorners'] === true;
  const [batch, height, width, depth] = images.shape as [number, number, number, number];
  const [, outHeight, outWidth] = dy.shape as [number, number, number, number];
  const rows = sources(height, outHeight, alignCorners);
  const columns = sources(width, outWidth, alignCorners);
  const values = floats(dy, backend);
  const dx = new Float32Array(sizeOf(images.shape));
  let from = 0;
  for (let b = 0; b < batch; b++) {
    for (const row of rows) {
      for (const column of columns) {
        const to = ((b * height + row) * width + column) * depth;
        for (let d = 0; d < depth; d++) dx[to + d] += values[from++];
      }
    }
  }
  return fromValues(dx, images.shape, images.dtype, backend);
};

function sources(size: number, outSize: number, alignCorners: boolean): number[] {
  const aligned = alignCorners && outSize > 1;
  const scale = aligned ? (size - 1) / (outSize - 1) : size / outSize;
  return Array.from({ length: outSize }, (_, i) => {
    const exact = tf.util.clamp(0, i * scale, size - 1);
    return Math.min(size - 1, alignCorners ? Math.round(exact) : Math.floor(exact));
  });
}
