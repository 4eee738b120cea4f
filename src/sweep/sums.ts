import * as tf from '@tensorflow/tfjs';

import { grow, nonzeroRanges, packForGrow, pitchOf, runGrow, runNonzero } from '../backend/wasm/kernels/grow.js';
import type { HostHeap } from '../backend/wasm/kernels/host-heap.js';
import type { Block, Changes } from './blocks.js';
import { answerShape, boundsOf, imageOf, windowOf, writeBias, type Mixing } from './mixing.js';

/** What a consumer makes of some rows while units are added. */
export interface Sums {
  /** Which rows each width changes, see `Changes`. */
  readonly changes: Changes;
  /**
   * The answers of a block, [answers, …], in its order; blocks come one after the other. Before the layer's activation, which is
   * applied already where it is a relu that was asked for.
   */
  next(block: Block): tf.Tensor;
  dispose(): void;
}

/** Makes the sums of some rows of what a consumer reads. */
export interface SumsMaker {
  readonly mixing: Mixing;
  /** Whether it wants the answers of a row together, not those of a width. */
  readonly byRows: boolean;
  /**
   * @param x [rows, …, features]; kept
   * @param ks widths that will be asked for, ascending
   */
  start(x: tf.Tensor, ks: readonly number[]): Promise<Sums>;
  dispose(): void;
}

/** Sums by one kernel that reads each sum once a block. */
export function kernelSums(mixing: Mixing, relu: boolean): SumsMaker {
  const { units, kernelSize } = mixing;
  const taps = kernelSize[0] * kernelSize[1];
  const kernel = tf.tensor1d(packForGrow(mixing.kernel, mixing.columns.length, taps, units));
  const columns = tf.tensor1d(mixing.columns, 'int32');
  const pitch = pitchOf(units);
  const start = async (x: tf.Tensor, all: readonly number[]): Promise<Sums> => {
    const image = imageOf(mixing, x);
    const geometry = windowOf(mixing, image.shape);
    const [rows] = x.shape;
    // zeros would be made on the host
    const shape = [rows, geometry.outHeight * geometry.outWidth, pitch];
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type
    const sums = tf.fill(shape, 0);
    const bits = mixing.shifts === undefined ? nonzeroRanges(image, columns, boundsOf(mixing, all)) : undefined;
    let kept = -1;
    const next = ({ ks, flags, firsts, rows: answers }: Block): tf.Tensor => {
      const bounds = [kept < 0 ? 0 : mixing.ends[kept], ...ks.map((k) => mixing.ends[k])];
      kept = ks.at(-1)!;
      const biases = new Float32Array(ks.length * pitch);
      ks.forEach((k, b) => writeBias(mixing, k, biases, b * pitch));
      return tf.tidy(() => {
        const inputs = { x: image, columns, kernel, sums, bias: tf.tensor1d(biases) };
        const ends = Int32Array.from(bounds);
        const out = grow(inputs, { geometry, rows, units, ends, flags, firsts, places: answers.length, relu });
        const shape = answerShape(mixing, x.shape, geometry.outHeight, geometry.outWidth);
        return tf.reshape(out, [answers.length, ...shape]);
      });
    };
    return { changes: { ends: mixing.ends, bits }, next, dispose: () => tf.dispose([image, sums]) };
  };
  return { mixing, byRows: true, start, dispose: () => tf.dispose([kernel, columns]) };
}

/**
 * The same kernel beside another backend, whose tensors share the heap's memory: an answer is good until the next block is asked for.
 */
export function hostSums(mixing: Mixing, relu: boolean, heap: HostHeap): SumsMaker {
  const { units, kernelSize } = mixing;
  const slot = heap.lease();
  const pitch = pitchOf(units);
  const place = (name: string, values: number): number => heap.buffer(`${name} ${slot}`, 4 * values);
  const packed = packForGrow(mixing.kernel, mixing.columns.length, kernelSize[0] * kernelSize[1], units);
  const kernel = place('kernel', packed.length);
  heap.floatsAt(kernel, packed.length).set(packed);
  const columns = place('columns', mixing.columns.length);
  new Int32Array(heap.floatsAt(columns, 1).buffer, columns, mixing.columns.length).set(mixing.columns);
  const start = async (x: tf.Tensor, all: readonly number[]): Promise<Sums> => {
    const geometry = windowOf(
      mixing,
      tf.tidy(() => imageOf(mixing, x).shape),
    );
    const values = (await x.data()) as Float32Array;
    const rows = x.shape[0];
    const pixels = geometry.outHeight * geometry.outWidth;
    const image = place('x', values.length);
    heap.floatsAt(image, values.length).set(values);
    const sums = place('sums', rows * pixels * pitch);
    heap.floatsAt(sums, rows * pixels * pitch).fill(0);
    const { height, width, channels } = geometry;
    const ranges = { rows, pixels: height * width, channels, ends: boundsOf(mixing, all) };
    const bits = mixing.shifts === undefined ? runNonzero(heap, { x: image, columns }, ranges) : undefined;
    let kept = -1;
    const next = ({ ks, flags, firsts, rows: answers }: Block): tf.Tensor => {
      const ends = Int32Array.from([kept < 0 ? 0 : mixing.ends[kept], ...ks.map((k) => mixing.ends[k])]);
      kept = ks.at(-1)!;
      const bias = place('bias', ks.length * pitch);
      const out = place('out', answers.length * pixels * units);
      const biases = heap.floatsAt(bias, ks.length * pitch);
      ks.forEach((k, b) => writeBias(mixing, k, biases, b * pitch));
      const attributes = { geometry, rows, units, ends, flags, firsts, places: answers.length, relu };
      runGrow(heap, { x: image, columns, kernel, sums, bias, out }, mixing.columns.length, attributes);
      const shape = answerShape(mixing, x.shape, geometry.outHeight, geometry.outWidth);
      return tf.tensor(heap.floatsAt(out, answers.length * pixels * units), [answers.length, ...shape]);
    };
    return { changes: { ends: mixing.ends, bits }, next, dispose: () => {} };
  };
  return { mixing, byRows: true, start, dispose: () => heap.giveBack(slot) };
}
