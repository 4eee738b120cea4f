import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from '../kernel.js';
import type { Info, Inputs } from '../kernel.js';
import { session } from './session.js';
import type { Operation, Session } from './session.js';

/** Memory on which the own kernels run: that of the wasm backend, or one of their own beside another backend. */
export interface Heap {
  readonly words: Int32Array;
  readonly threads: number;
  run(operation: Operation, tasks: number, ...values: number[]): void;
  reserve(bytes: number): void;
  buffer(name: string, bytes: number): number;
  floatsAt(address: number, count: number): Float32Array;
}

/** Taps of a window that a thread's scratch has room for. */
export const MOST_TAPS = 8192;

/** How the columns of a value are read: a window over [height, width, channels], or pixel by pixel with a window of 1 x 1. */
export interface GrowGeometry {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly top: number;
  readonly left: number;
}

export interface GrowAttributes {
  readonly geometry: GrowGeometry;
  readonly rows: number;
  /** Outputs of a pixel. */
  readonly units: number;
  /** [widths + 1]: width b adds the columns from ends[b] to ends[b + 1]. */
  readonly ends: Int32Array;
  /** [rows]: bit b says that the row is written at width b; at other widths all columns that are added must be 0 in that row. */
  readonly flags: Int32Array;
  /** [rows]: the place where the row's answers begin, one after another. */
  readonly firsts: Int32Array;
  /** Answers of all rows. */
  readonly places: number;
  readonly relu: boolean;
}

/** Whether tfjs' current backend has the kernel, for windows of so many taps. */
export function canGrow(taps: number): boolean {
  return tf.getBackend() === 'wasm' && session()?.covers('nonzero') === true && taps <= MOST_TAPS;
}

/**
 * Packs a kernel for `grow`.
 *
 * @param kernel [columns, taps, units], the columns in the order in which they are added
 * @returns in panels of 8 units, the last one filled with zeros: panel, column, tap, unit
 */
export function packForGrow(kernel: Float32Array, columns: number, taps: number, units: number): Float32Array {
  const packed = new Float32Array(columns * taps * pitchOf(units));
  let to = 0;
  for (let start = 0; start < units; start += 8) {
    const size = Math.min(8, units - start);
    for (let i = start; i < kernel.length; i += units, to += 8) {
      for (let u = 0; u < size; u++) packed[to + u] = kernel[i + u];
    }
  }
  return packed;
}

/** Sums are held in multiples of 8 units. */
export function pitchOf(units: number): number {
  return (units + 7) & ~7;
}

/**
 * Sums that grow, width by width, by what some more columns of x make; after each width, the rows that are flagged are written with
 * the width's bias and a relu if wanted.
 *
 * @param x [rows, height, width, channels]
 * @param columns int32, the channel of each column
 * @param kernel from `packForGrow`, of all columns
 * @param sums [rows, pixels, pitch], without bias; changed in place
 * @param bias [widths, pitch]
 * @returns [places, pixels, units]
 */
export function grow(
  inputs: {
    readonly x: tf.Tensor;
    readonly columns: tf.Tensor;
    readonly kernel: tf.Tensor;
    readonly sums: tf.Tensor;
    readonly bias: tf.Tensor;
  },
  attributes: GrowAttributes,
): tf.Tensor {
  return tf.engine().runKernel('GrowSums', { ...inputs }, attributes as unknown as tf.NamedAttrMap);
}

/**
 * Which ranges of columns are not all zero, by row.
 *
 * @param x [rows, height, width, channels]
 * @param columns int32, the channel of each column
 * @param ends [ranges + 1]: range b is the columns from ends[b] to ends[b + 1]
 * @returns [rows, ranges / 32, rounded up]: bit b % 32 of word b / 32 says that some number of range b is not 0
 */
export function nonzeroRanges(x: tf.Tensor, columns: tf.Tensor, ends: Int32Array): Int32Array {
  const s = session()!;
  const [rows, height, width, channels] = x.shape as number[];
  return runNonzero(s, { x: s.at(x), columns: s.at(columns) }, { rows, pixels: height * width, channels, ends });
}

/** As `nonzeroRanges`, of what lies at these addresses of a heap. */
export function runNonzero(
  heap: Heap,
  at: { readonly x: number; readonly columns: number },
  of: { readonly rows: number; readonly pixels: number; readonly channels: number; readonly ends: Int32Array },
): Int32Array {
  const { rows, pixels, channels, ends } = of;
  const ranges = ends.length - 1;
  const size = rows * Math.ceil(ranges / 32);
  const address = heap.buffer('nonzero', 4 * (ends.length + size));
  const { buffer } = heap.floatsAt(address, 1);
  new Int32Array(buffer, address, ends.length).set(ends);
  const to = address + 4 * ends.length;
  const each = Math.max(16, Math.ceil(rows / (4 * heap.threads)));
  heap.run('nonzero', Math.ceil(rows / each), at.x, at.columns, address, ranges, to, rows, pixels, channels, each);
  return new Int32Array(buffer, to, size).slice();
}

export function installGrow(): void {
  replaceKernel('GrowSums', 'wasm', () => (inputs, attributes) => {
    return run(session()!, inputs, attributes as unknown as GrowAttributes);
  });
}

function run(s: Session, { x, columns, kernel, sums, bias }: Inputs, attributes: GrowAttributes): Info {
  const { geometry, units, places } = attributes;
  const out = s.output([places, geometry.outHeight * geometry.outWidth, units]);
  const at = {
    x: s.at(x),
    columns: s.at(columns),
    kernel: s.at(kernel),
    sums: s.at(sums),
    bias: s.at(bias),
    out: s.at(out),
  };
  runGrow(s, at, columns.shape[0], attributes);
  return out;
}

/** Where `grow` finds and puts things on a heap. */
export interface GrowAddresses {
  readonly x: number;
  readonly columns: number;
  readonly kernel: number;
  readonly sums: number;
  readonly bias: number;
  readonly out: number;
}

/** As `grow`, of what lies at these addresses of a heap. */
export function runGrow(heap: Heap, at: GrowAddresses, columns: number, attributes: GrowAttributes): void {
  const { geometry: g, rows, units, ends, flags, firsts, relu } = attributes;
  const count = ends.length + 2 * rows;
  const address = heap.buffer('grow', 4 * count);
  const lists = new Int32Array(heap.floatsAt(address, count).buffer, address, count);
  lists.set(flags);
  lists.set(firsts, rows);
  lists.set(ends, 2 * rows);
  // prettier-ignore
  heap.words.set([rows, g.height, g.width, g.channels, g.outHeight, g.outWidth, g.kernelHeight, g.kernelWidth,
    ...g.strides, ...g.dilations, units, g.top, g.left], 40);
  heap.reserve(0);
  const each = Math.max(1, Math.min(16, Math.ceil(rows / (8 * heap.threads) / 4) * 4));
  // prettier-ignore
  heap.run('grow', Math.ceil(rows / each), at.x, at.columns, address + 8 * rows, ends.length - 1, at.kernel, address,
    address + 4 * rows, at.sums, at.out, at.bias, units, relu ? 1 : 0, rows, each, columns);
}
