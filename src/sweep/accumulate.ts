import * as tf from '@tensorflow/tfjs';

import type { Consumer, LinearLayer } from './features.js';

/** Features and the kernel that mixes them, in the order in which they are kept. */
export interface Linear {
  /** Features first, so that a piece of them is one run of memory: Dense [positions, …, B], convolution [positions, B, h, w]. */
  readonly features: tf.Tensor;
  /** Features first, too: Dense [positions, …, out], convolution [positions, h, w, out]. */
  readonly kernel: tf.Tensor;
  /** Sizes between the batch and the features, for a Dense on more than two axes. */
  readonly middle: readonly number[];
  /** Added whatever is kept, [out]; undefined: nothing. */
  readonly bias: tf.Tensor | undefined;
  /** [n + 1, out]: what the constants of the units behind the first k add, k by k; undefined: nothing stands for them. */
  readonly shifts: tf.Tensor | undefined;
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
 * @param constants what stands for each unit that goes, [n]; undefined: zero
 */
export function linearOf(consumer: Consumer, features: tf.Tensor, order: Int32Array, constants?: Float32Array): Linear {
  const layer = consumer.step.layer as LinearLayer;
  const { positions, ends } = arrange(consumer.units, order, features.shape.at(-1)!);
  const kind = layer.getClassName() !== 'Dense' ? 'convolution' : consumer.flattened ? 'flattened' : 'dense';
  const [x, w] = tf.tidy(() => {
    const viewed = viewsOf(kind, layer, features, consumer.flattened);
    return [inOrder(featuresFirst(viewed.x, kind), positions), inOrder(kernelFirst(viewed.w), positions)];
  });
  return {
    features: x,
    kernel: w,
    middle: kind === 'dense' ? features.shape.slice(1, -1) : [],
    bias: layer.bias?.read(),
    shifts: constants === undefined ? undefined : shiftsOf(w, ends, order, constants),
    ends,
    kind,
    strides: pairOf(layer.strides),
    pad: layer.padding ?? 'valid',
    dilations: pairOf(layer.dilationRate),
  };
}

/** x with the features last and w with them last but one. */
function viewsOf(kind: Linear['kind'], layer: LinearLayer, features: tf.Tensor, flattened: boolean) {
  const kernel = layer.kernel.read();
  if (layer.getClassName() === 'Conv1D') return { x: tf.expandDims(features, 1), w: tf.expandDims(kernel, 0) };
  if (kind === 'convolution' || !flattened) return { x: features, w: kernel };
  const size = features.shape.at(-1)!;
  const places = kernel.shape[0] / size;
  return {
    x: tf.reshape(features, [features.shape[0], places, size]),
    w: tf.reshape(kernel, [places, size, kernel.shape[1]!]),
  };
}

/** [B, …, n] as [n, …, B], so that a matrix product sums over everything but B; of an image [n, B, h, w]. */
export function featuresFirst(x: tf.Tensor, kind: Linear['kind']): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const last = axes.pop()!;
  if (kind === 'convolution') return tf.transpose(x, [last, ...axes]);
  const [batch, ...middle] = axes;
  return tf.transpose(x, kind === 'dense' ? [last, batch, ...middle] : [last, ...middle, batch]);
}

/** [.., n, out] as [n, .., out]. */
export function kernelFirst(w: tf.Tensor): tf.Tensor {
  const axes = w.shape.map((_, axis) => axis);
  const out = axes.pop()!;
  const features = axes.pop()!;
  return tf.transpose(w, [features, ...axes, out]);
}

function inOrder(tensor: tf.Tensor, positions: Int32Array): tf.Tensor {
  if (positions.every((position, i) => position === i)) return tensor;
  return tf.gather(tensor, tf.tensor1d(positions, 'int32'), 0);
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
  const { kind, strides, pad, dilations, middle } = linear;
  return tf.tidy(() => {
    const x = firstAxis(linear.features, from, to);
    const w = firstAxis(linear.kernel, from, to);
    const out = w.shape.at(-1)!;
    if (kind === 'convolution') {
      const image = tf.transpose(x, [1, 2, 3, 0]) as tf.Tensor4D;
      const filter = tf.transpose(w, [1, 2, 0, 3]) as tf.Tensor4D;
      return tf.conv2d(image, filter, strides, pad, 'NHWC', dilations);
    }
    const rows = kind === 'flattened' ? x.shape.at(-1)! : x.size / (to - from);
    const sum = tf.matMul(tf.reshape(x, [-1, rows]), tf.reshape(w, [-1, out]), true);
    return middle.length === 0 ? sum : tf.reshape(sum, [-1, ...middle, out]);
  });
}

function firstAxis(tensor: tf.Tensor, from: number, to: number): tf.Tensor {
  const rest = tensor.shape.slice(1);
  return tf.slice(tensor, [from, ...rest.map(() => 0)], [to - from, ...rest]);
}

/**
 * What constants in the place of the units behind the first k add to each output, the same at every position: constant times the
 * sum of the kernel's taps (see `foldConstantUnits`). Summed from the last unit on, so that nothing is added at k = n.
 *
 * @param kernel [positions, ..., out], in the order of the basis
 * @returns [n + 1, out]
 */
function shiftsOf(kernel: tf.Tensor, ends: Int32Array, order: Int32Array, constants: Float32Array): tf.Tensor {
  const out = kernel.shape.at(-1)!;
  const taps = tf.tidy(() => tf.sum(tf.reshape(kernel, [kernel.shape[0], -1, out]), 1).dataSync());
  const n = order.length;
  const shifts = new Float64Array((n + 1) * out);
  for (let k = n - 1; k >= 0; k--) {
    for (let j = 0; j < out; j++) {
      let added = shifts[(k + 1) * out + j];
      for (let i = ends[k]; i < ends[k + 1]; i++) added += constants[order[k]] * taps[i * out + j];
      shifts[k * out + j] = added;
    }
  }
  return tf.tensor2d(Float32Array.from(shifts), [n + 1, out]);
}

/** The sum at width k, with what the constants add. The caller disposes it. */
export function shifted({ shifts }: Linear, sum: tf.Tensor, k: number): tf.Tensor {
  if (shifts === undefined) return sum.clone();
  return tf.tidy(() => tf.add(sum, tf.reshape(firstAxis(shifts, k, k + 1), [-1])));
}

export function disposeLinear({ features, kernel, shifts }: Linear): void {
  tf.dispose([features, kernel, ...(shifts === undefined ? [] : [shifts])]);
}
