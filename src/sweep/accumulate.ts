import * as tf from '@tensorflow/tfjs';

import type { Consumer, LinearLayer } from './features.js';

/** Features and the kernel that mixes them, in the order in which they are kept. */
export interface Linear {
  /** [B, …, positions], for a flattened Dense [B, places, positions]. */
  readonly features: tf.Tensor;
  /** Dense [positions, out], flattened Dense [places, positions, out], convolution [h, w, positions, out]. */
  readonly kernel: tf.Tensor;
  /** Added whatever is kept, [out]; undefined: nothing. */
  readonly bias: tf.Tensor | undefined;
  /** ends[k] = how many positions are summed when k units are kept, length n + 1. */
  readonly ends: Int32Array;
  readonly kind: 'dense' | 'flattened' | 'convolution';
  readonly strides: [number, number];
  readonly pad: 'valid' | 'same';
  readonly dilations: [number, number];
}

/**
 * A consumer with its features and kernel rows brought into the order of a basis, what does not belong to the group first.
 *
 * @param features the value it reads, [B, …, positions]
 * @param order order[i] = the unit that is kept i-th, length n
 */
export function linearOf(consumer: Consumer, features: tf.Tensor, order: Int32Array): Linear {
  const layer = consumer.step.layer as LinearLayer;
  const kernel = layer.kernel.read();
  const size = features.shape.at(-1)!;
  const { positions, ends } = arrange(consumer.units, order, size);
  const { x, w, kind } = shaped(consumer, layer, features, kernel);
  const inOrder = (tensor: tf.Tensor, axis: number): tf.Tensor =>
    positions.every((position, i) => position === i)
      ? tensor.clone()
      : tf.gather(tensor, tf.tensor1d(positions, 'int32'), axis);
  return {
    features: tf.tidy(() => inOrder(x(), kind === 'convolution' ? 3 : x().rank - 1)),
    kernel: tf.tidy(() => inOrder(w(), w().rank - 2)),
    bias: layer.bias?.read(),
    ends,
    kind,
    strides: pairOf(layer.strides),
    pad: layer.padding ?? 'valid',
    dilations: pairOf(layer.dilationRate),
  };
}

/** Views in which the features are the last axis of x and the last but one of w; made inside the caller's tidy. */
function shaped(consumer: Consumer, layer: LinearLayer, features: tf.Tensor, kernel: tf.Tensor) {
  const size = features.shape.at(-1)!;
  if (layer.getClassName() === 'Conv1D') {
    return { kind: 'convolution', x: () => tf.expandDims(features, 1), w: () => tf.expandDims(kernel, 0) } as const;
  }
  if (layer.getClassName() === 'Conv2D') return { kind: 'convolution', x: () => features, w: () => kernel } as const;
  if (!consumer.flattened) return { kind: 'dense', x: () => features, w: () => kernel } as const;
  const places = kernel.shape[0] / size;
  return {
    kind: 'flattened',
    x: () => tf.reshape(features, [features.shape[0], places, size]),
    w: () => tf.reshape(kernel, [places, size, kernel.shape[1]!]),
  } as const;
}

/** Positions of a value in the order in which they are kept, and how many of them k units are. */
export function arrange(
  units: Int32Array | null,
  order: Int32Array,
  size: number,
): { readonly positions: Int32Array; readonly ends: Int32Array } {
  const places: number[][] = Array.from({ length: order.length }, () => []);
  const positions: number[] = [];
  for (let position = 0; position < size; position++) {
    const unit = units === null ? position : units[position];
    if (unit < 0) positions.push(position);
    else places[unit].push(position);
  }
  const ends = new Int32Array(order.length + 1);
  ends[0] = positions.length;
  order.forEach((unit, i) => {
    positions.push(...places[unit]);
    ends[i + 1] = positions.length;
  });
  return { positions: Int32Array.from(positions), ends };
}

export function pairOf(size: readonly number[] | undefined): [number, number] {
  return size === undefined ? [1, 1] : size.length === 1 ? [1, size[0]] : [size[0], size[1]];
}

/** The sum when no unit is kept: the bias and what does not belong to the group. The caller disposes it. */
export function nothingKept(linear: Linear): tf.Tensor {
  return tf.tidy(() => {
    const others = linear.ends[0];
    const sum = others > 0 ? contribution(linear, 0, others) : tf.zerosLike(contribution(linear, 0, 1));
    return linear.bias === undefined ? sum : tf.add(sum, linear.bias);
  });
}

/** What positions from..to-1 (in the basis' order) add to the sum. The caller disposes it. */
export function contribution(linear: Linear, from: number, to: number): tf.Tensor {
  const { features, kernel, kind, strides, pad, dilations } = linear;
  return tf.tidy(() => {
    const x = lastAxis(features, features.rank - 1, from, to);
    const w = lastAxis(kernel, kernel.rank - 2, from, to);
    const out = w.shape.at(-1)!;
    if (kind === 'convolution') return tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad, 'NHWC', dilations);
    if (kind === 'flattened') return tf.matMul(tf.reshape(x, [x.shape[0], -1]), tf.reshape(w, [-1, out]));
    const sum = tf.matMul(tf.reshape(x, [-1, to - from]), w);
    return x.rank === 2 ? sum : tf.reshape(sum, [...x.shape.slice(0, -1), out]);
  });
}

function lastAxis(tensor: tf.Tensor, axis: number, from: number, to: number): tf.Tensor {
  const begin = tensor.shape.map((_, i) => (i === axis ? from : 0));
  const size = tensor.shape.map((length, i) => (i === axis ? to - from : length));
  return tf.slice(tensor, begin, size);
}

export function disposeLinear({ features, kernel }: Linear): void {
  tf.dispose([features, kernel]);
}
