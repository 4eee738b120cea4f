import * as tf from '@tensorflow/tfjs';

import type { Consumer, LinearLayer } from './features.js';

/** How a Dense or a convolution mixes what it reads, column by column, in the order in which columns are kept. On the host. */
export interface Mixing {
  /** Where each column stands in a pixel of what is read (see `imageOf`). */
  readonly columns: Int32Array;
  /** ends[k] = how many columns are summed when k units are kept, length n + 1. */
  readonly ends: Int32Array;
  /** [columns, taps, units] */
  readonly kernel: Float32Array;
  /** Outputs of a pixel. */
  readonly units: number;
  /** Added whatever is kept, [units]; undefined: nothing. */
  readonly bias: Float32Array | undefined;
  /** [n + 1, units]: what the constants of the units behind the first k add, k by k; undefined: nothing stands for them. */
  readonly shifts: Float64Array | undefined;
  /** `dense`: each pixel is mixed by itself; `flattened`: all pixels of a row are one; `window`: a convolution, with one row of pixels in 1-D. */
  readonly kind: 'dense' | 'flattened' | 'window';
  readonly kernelSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pad: 'valid' | 'same';
  readonly dilations: readonly [number, number];
}

/**
 * A consumer's columns in the order of a basis, what does not belong to the group first.
 *
 * @param size of the features' axis
 * @param order order[i] = the unit that is kept i-th, length n
 * @param constants what stands for each unit that goes, [n]; undefined: zero
 */
export async function mixingOf(
  consumer: Consumer,
  size: number,
  order: Int32Array,
  constants?: Float32Array,
): Promise<Mixing> {
  const layer = consumer.step.layer as LinearLayer;
  const isDense = layer.getClassName() === 'Dense';
  const { positions, ends } = arrange(consumer.units, order, size);
  const shape = layer.kernel.shape as number[];
  const units = shape.at(-1)!;
  const places = consumer.flattened ? shape[0] / size : 1;
  const source = (await layer.kernel.read().data()) as Float32Array;
  const bias = layer.bias == null ? undefined : Float32Array.from(await layer.bias.read().data());
  const kernelSize = isDense ? ([1, 1] as const) : pairOf(shape.slice(0, -2));
  const columns = Int32Array.from({ length: positions.length * places }, (_, i) => {
    return positions[Math.floor(i / places)] + (i % places) * size;
  });
  const mixing = {
    columns,
    ends: ends.map((end) => end * places),
    kernel: byColumn(source, columns, kernelSize[0] * kernelSize[1], isDense ? columns.length : size, units),
    units,
    bias,
    kind: isDense ? (consumer.flattened ? ('flattened' as const) : ('dense' as const)) : ('window' as const),
    kernelSize,
    strides: pairOf(layer.strides),
    pad: layer.padding ?? 'valid',
    dilations: pairOf(layer.dilationRate),
  };
  return { ...mixing, shifts: constants === undefined ? undefined : shiftsOf(mixing, order, constants) };
}

/** [taps, size, units] as [columns, taps, units]. */
function byColumn(source: Float32Array, columns: Int32Array, taps: number, size: number, units: number): Float32Array {
  const kernel = new Float32Array(columns.length * taps * units);
  let to = 0;
  for (const column of columns) {
    for (let tap = 0; tap < taps; tap++, to += units) {
      const from = (tap * size + column) * units;
      kernel.set(source.subarray(from, from + units), to);
    }
  }
  return kernel;
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

export function pairOf(size: readonly number[] | undefined): readonly [number, number] {
  return size === undefined ? [1, 1] : size.length === 1 ? [1, size[0]] : [size[0], size[1]];
}

/**
 * What constants in the place of the units behind the first k add to each output, the same at every position: constant times the
 * sum of the kernel's taps (see `foldConstantUnits`). Summed from the last unit on, so that nothing is added at k = n.
 *
 * @returns [n + 1, units]
 */
function shiftsOf(
  { kernel, ends, units, kernelSize }: Pick<Mixing, 'kernel' | 'ends' | 'units' | 'kernelSize'>,
  order: Int32Array,
  constants: Float32Array,
): Float64Array {
  const perColumn = kernelSize[0] * kernelSize[1] * units;
  const n = order.length;
  const shifts = new Float64Array((n + 1) * units);
  for (let k = n - 1; k >= 0; k--) {
    shifts.copyWithin(k * units, (k + 1) * units, (k + 2) * units);
    for (let i = ends[k] * perColumn; i < ends[k + 1] * perColumn; i++) {
      shifts[k * units + (i % units)] += constants[order[k]] * kernel[i];
    }
  }
  return shifts;
}

/** The i-th width adds the columns from bounds[i] to bounds[i + 1]. */
export function boundsOf({ ends }: Mixing, ks: readonly number[]): Int32Array {
  return Int32Array.from([0, ...ks.map((k) => ends[k])]);
}

/** What is added to the sum at width k, [units] from `offset` on. */
export function writeBias({ bias, shifts, units }: Mixing, k: number, to: Float32Array, offset: number): void {
  for (let u = 0; u < units; u++) to[offset + u] = (bias?.[u] ?? 0) + (shifts?.[k * units + u] ?? 0);
}

/** The value that is read, seen as images [rows, height, width, channels]; shares its data. */
export function imageOf({ kind }: Mixing, x: tf.Tensor): tf.Tensor4D {
  const [rows, ...rest] = x.shape;
  const channels = rest.at(-1)!;
  if (kind === 'flattened') return tf.reshape(x, [rows, 1, 1, x.size / rows]);
  if (kind === 'dense') return tf.reshape(x, [rows, x.size / rows / channels, 1, channels]);
  return rest.length === 2
    ? tf.reshape(x, [rows, 1, ...rest] as [number, number, number, number])
    : (x.clone() as tf.Tensor4D);
}

/** Sizes and border of the window that moves over such images. */
export function windowOf(mixing: Mixing, [, height, width, channels]: readonly number[]) {
  const { outHeight, outWidth, padInfo } = tf.backend_util.computeConv2DInfo(
    [1, height, width, channels],
    [...mixing.kernelSize, channels, mixing.units] as [number, number, number, number],
    [...mixing.strides],
    [...mixing.dilations],
    mixing.pad,
  );
  return {
    height,
    width,
    channels,
    outHeight,
    outWidth,
    kernelHeight: mixing.kernelSize[0],
    kernelWidth: mixing.kernelSize[1],
    strides: mixing.strides,
    dilations: mixing.dilations,
    top: padInfo.top,
    left: padInfo.left,
  };
}

/** Shape of one row of the layer's answer. */
export function answerShape(
  { kind, units }: Mixing,
  x: readonly number[],
  outHeight: number,
  outWidth: number,
): number[] {
  if (kind === 'flattened') return [units];
  if (kind === 'dense') return [...x.slice(1, -1), units];
  return x.length === 3 ? [outWidth, units] : [outHeight, outWidth, units];
}
