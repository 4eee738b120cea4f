import * as tf from '@tensorflow/tfjs';

import type { Attributes } from '../kernel.js';

/** A pooling of two or three dimensions, seen as three: 2-D has depth 1. */
export interface Pool {
  readonly batch: number;
  readonly channels: number;
  /** Depth, height, width. */
  readonly size: readonly [number, number, number];
  readonly out: readonly [number, number, number];
  readonly stride: readonly [number, number, number];
  readonly filter: readonly [number, number, number];
  readonly pad: readonly [number, number, number];
}

export function pool2d(shape: readonly number[], attributes: Attributes): Pool {
  const info = tf.backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    attributes['filterSize'] as number,
    attributes['strides'] as number,
    1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
  );
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    size: [1, info.inHeight, info.inWidth],
    out: [1, info.outHeight, info.outWidth],
    stride: [1, info.strideHeight, info.strideWidth],
    filter: [1, info.filterHeight, info.filterWidth],
    pad: [0, info.padInfo.top, info.padInfo.left],
  };
}

export function pool3d(shape: readonly number[], attributes: Attributes): Pool {
  const info = tf.backend_util.computePool3DInfo(
    shape as [number, number, number, number, number],
    attributes['filterSize'] as number,
    attributes['strides'] as number,
    1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
  );
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    size: [info.inDepth, info.inHeight, info.inWidth],
    out: [info.outDepth, info.outHeight, info.outWidth],
    stride: [info.strideDepth, info.strideHeight, info.strideWidth],
    filter: [info.filterDepth, info.filterHeight, info.filterWidth],
    pad: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  };
}

/** The part of a window that lies inside the input, per axis [from, to), and where its output pixel is. */
type Visit = (batch: number, outPixel: number, from: readonly number[], to: readonly number[]) => void;

export function eachWindow(pool: Pool, visit: Visit): void {
  const from = [0, 0, 0];
  const to = [0, 0, 0];
  const clip = (axis: 0 | 1 | 2, at: number): void => {
    const start = at * pool.stride[axis] - pool.pad[axis];
    from[axis] = Math.max(0, start);
    to[axis] = Math.min(pool.size[axis], start + pool.filter[axis]);
  };
  let pixel = 0;
  for (let b = 0; b < pool.batch; b++) {
    for (let z = 0; z < pool.out[0]; z++) {
      clip(0, z);
      for (let y = 0; y < pool.out[1]; y++) {
        clip(1, y);
        for (let x = 0; x < pool.out[2]; x++) {
          clip(2, x);
          visit(b, pixel++, from, to);
        }
      }
    }
  }
}

/** Calls back with the input pixel's number for every pixel of a window. */
export function eachPixel(
  pool: Pool,
  batch: number,
  from: readonly number[],
  to: readonly number[],
  visit: (pixel: number) => void,
): void {
  for (let z = from[0]; z < to[0]; z++) {
    for (let y = from[1]; y < to[1]; y++) {
      for (let x = from[2]; x < to[2]; x++) {
        visit(((batch * pool.size[0] + z) * pool.size[1] + y) * pool.size[2] + x);
      }
    }
  }
}
