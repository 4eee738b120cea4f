import * as tf from '@tensorflow/tfjs';

import { grow, nonzeroRanges, packForGrow, pitchOf, runGrow, runNonzero } from '../backend/wasm/kernels/grow.js';
import type { HostHeap } from '../backend/wasm/kernels/host-heap.js';
import { changesIn, type Block, type Changes } from './blocks.js';
import { answerShape, imageOf, windowOf, writeBias, type Mixing } from './mixing.js';

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

/** The i-th width adds the columns from bounds[i] to bounds[i + 1]. */
function boundsOf({ ends }: Mixing, ks: readonly number[]): Int32Array {
  return Int32Array.from([0, ...ks.map((k) => ends[k])]);
}

/** Columns that a block adds at most where its answers are one product; beyond it, one width a block is cheaper. */
export const MOST_COLUMNS = 48;

/** Sums by tfjs' own operations, for every backend. */
export function plainSums(mixing: Mixing): SumsMaker {
  const made = mixing.kind === 'window' ? windowSums(mixing) : productSums(mixing);
  const start = async (x: tf.Tensor, ks: readonly number[]): Promise<Sums> => {
    const values = (await x.data()) as Float32Array;
    const channels = tf.tidy(() => imageOf(mixing, x).shape[3]);
    const bits =
      mixing.shifts === undefined
        ? changesIn(values, x.shape[0], channels, mixing.columns, boundsOf(mixing, ks))
        : undefined;
    return { ...made(x, values), changes: { ends: mixing.ends, bits } };
  };
  return { mixing, byRows: false, start, dispose: () => {} };
}

/** @param values x on the host */
type Growth = (x: tf.Tensor, values: Float32Array) => Omit<Sums, 'changes'>;

/** Of pixels that are mixed by themselves: one product gives all answers of a block, by what each adds to the sums before it. */
function productSums(mixing: Mixing): Growth {
  const { columns, units, ends } = mixing;
  return (x, values) => {
    const image = tf.tidy(() => imageOf(mixing, x).shape);
    const [rows, pixels, , channels] = image;
    let sums: tf.Tensor = startOf(mixing, [rows, pixels * units]);
    let kept = -1;
    /** The columns from..to of some rows' pixels, 0 from each answer's own end on: [answers * pixels, to - from]. */
    const part = (answers: Int32Array, from: number, to: number, until: (answer: number) => number): tf.Tensor2D => {
      const size = to - from;
      const matrix = new Float32Array(answers.length * pixels * size);
      answers.forEach((row, answer) => {
        const end = until(answer);
        for (let pixel = 0; pixel < pixels; pixel++) {
          const [at, source] = [(answer * pixels + pixel) * size - from, (row * pixels + pixel) * channels];
          for (let q = from; q < end; q++) matrix[at + q] = values[source + columns[q]];
        }
      });
      return tf.tensor2d(matrix, [answers.length * pixels, size]);
    };
    const next = ({ ks, widths, rows: answers }: Block): tf.Tensor => {
      const [from, to] = [kept < 0 ? 0 : ends[kept], ends[ks.at(-1)!]];
      kept = ks.at(-1)!;
      const [answer, later] = tf.tidy(() => {
        const everyRow = Int32Array.from({ length: rows }, (_, row) => row);
        const own = tf.tensor2d(mixing.kernel.subarray(from * units, to * units), [to - from, units]);
        const product = (matrix: tf.Tensor2D) => tf.reshape(tf.matMul(matrix, own), [-1, pixels * units]);
        const grown = from === to ? sums.clone() : tf.add(sums, product(part(everyRow, from, to, () => to)));
        const before = ks.length === 1 ? grown : sums;
        const base =
          answers.length === rows && ks.length === 1 ? before : tf.gather(before, tf.tensor1d(answers, 'int32'));
        const added =
          ks.length === 1 || from === to
            ? base
            : tf.add(base, product(part(answers, from, to, (i) => ends[ks[widths[i]]])));
        const shaped = tf.reshape(added, [answers.length, ...answerShape(mixing, x.shape, 0, 0)]);
        return [withShifts(mixing, shaped, ks, widths), grown];
      });
      sums.dispose();
      sums = later;
      return answer;
    };
    return { next, dispose: () => sums.dispose() };
  };
}

/** Of windows: a convolution of the columns that each width adds. */
function windowSums(mixing: Mixing): Growth {
  const { columns, units, ends, kernelSize, strides, dilations, pad } = mixing;
  return (x) => {
    const rows = x.shape[0];
    const [features, shape] = tf.tidy(() => {
      const image = imageOf(mixing, x);
      const { outHeight, outWidth } = windowOf(mixing, image.shape);
      const firstAxis = tf.transpose(image, [3, 0, 1, 2]);
      const own = tf.gather(firstAxis, tf.tensor1d(columns, 'int32'));
      return [own, [rows, outHeight, outWidth, units]];
    });
    let sums: tf.Tensor = startOf(mixing, shape);
    let kept = -1;
    const grown = (from: number, to: number): tf.Tensor => {
      if (from === to) return sums.clone();
      const taps = kernelSize[0] * kernelSize[1];
      const own = mixing.kernel.subarray(from * taps * units, to * taps * units);
      const filter = tf.transpose(tf.tensor4d(own, [to - from, ...kernelSize, units]), [1, 2, 0, 3]);
      const [, ...rest] = features.shape;
      const piece = tf.transpose(tf.slice(features, [from, 0, 0, 0], [to - from, ...rest]), [1, 2, 3, 0]);
      const made = tf.conv2d(piece, filter, [...strides], pad, 'NHWC', [...dilations]);
      return tf.add(sums, made);
    };
    const next = ({ ks, widths, rows: answers }: Block): tf.Tensor => {
      const steps = ks.map((k) => {
        const later = tf.tidy(() => grown(kept < 0 ? 0 : ends[kept], ends[k]));
        kept = k;
        sums.dispose();
        sums = later;
        return later.clone();
      });
      const answer = tf.tidy(() => {
        const parts = steps.map((step, b) => {
          const own = answers.filter((_, i) => widths[i] === b);
          return own.length === rows ? step : tf.gather(step, tf.tensor1d(own, 'int32'));
        });
        const stacked = parts.length === 1 ? parts[0] : tf.concat(parts, 0);
        const size = answerShape(mixing, x.shape, shape[1], shape[2]);
        return withShifts(mixing, tf.reshape(stacked, [answers.length, ...size]), ks, widths);
      });
      tf.dispose(steps);
      return answer;
    };
    return { next, dispose: () => tf.dispose([features, sums]) };
  };
}

/** The sum of nothing: the bias, unless constants change it from width to width. */
function startOf(mixing: Mixing, shape: readonly number[]): tf.Tensor {
  const { units, bias, shifts } = mixing;
  if (bias === undefined || shifts !== undefined) return tf.zeros([...shape]);
  return tf.tidy(() => tf.reshape(tf.tile(tf.tensor1d(bias), [shape.reduce((a, b) => a * b, 1) / units]), [...shape]));
}

/** Answers with the bias and what constants add to it, where these differ from width to width. */
function withShifts(mixing: Mixing, answers: tf.Tensor, ks: readonly number[], widths: Int32Array): tf.Tensor {
  const { units, shifts } = mixing;
  if (shifts === undefined) return answers.clone();
  const biases = new Float32Array(ks.length * units);
  ks.forEach((k, b) => writeBias(mixing, k, biases, b * units));
  const own = tf.gather(tf.tensor2d(biases, [ks.length, units]), tf.tensor1d(widths, 'int32'));
  return tf.add(answers, tf.reshape(own, [widths.length, ...answers.shape.slice(1, -1).map(() => 1), units]));
}
