import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from './kernels.js';
import type { Repair } from './types.js';

export const nearestResizeGradient: Repair = {
  name: 'nearest-resize-gradient',
  fault:
    'ResizeNearestNeighborGrad reads dy with the batch stride of the images: wrong for every example but the first.',
  backends: ['cpu'],
  apply(backendName) {
    replaceKernel(backendName, 'ResizeNearestNeighborGrad', ({ inputs, attrs }) => {
      const images = inputs['images'] as tf.Tensor4D;
      const corners = attrs['alignCorners'] === true;
      const centers = attrs['halfPixelCenters'] === true;
      return scatter(images.shape, inputs['dy'] as tf.Tensor4D, corners, centers);
    });
  },
};

type Shape4 = [number, number, number, number];

/** Adds each pixel of dy to the pixel that the forward pass read for it. */
function scatter(shape: Shape4, dy: tf.Tensor4D, corners: boolean, centers: boolean): tf.Tensor {
  const [batch, height, width, channels] = shape;
  const [, outHeight, outWidth] = dy.shape;
  const rows = sources(height, outHeight, corners, centers);
  const columns = sources(width, outWidth, corners, centers);
  const values = dy.dataSync();
  const sums = new Float32Array(batch * height * width * channels);
  let from = 0;
  for (let b = 0; b < batch; b++) {
    for (let r = 0; r < outHeight; r++) {
      for (let c = 0; c < outWidth; c++) {
        const to = ((b * height + rows[r]) * width + columns[c]) * channels;
        for (let d = 0; d < channels; d++) sums[to + d] += values[from++];
      }
    }
  }
  return tf.tensor4d(sums, shape);
}

/** For each output index the input index, rounded exactly as the forward kernel does. */
function sources(input: number, output: number, corners: boolean, centers: boolean): number[] {
  const inset = corners && output > 1 ? 1 : 0;
  const ratio = (input - inset) / (output - inset);
  return Array.from({ length: output }, (_, index) => {
    const place = ratio * (centers ? index + 0.5 : index);
    return Math.max(0, Math.min(input - 1, corners ? Math.round(place) : Math.floor(place)));
  });
}
