import * as tf from '@tensorflow/tfjs';

import { changesIn, type Block } from './blocks.js';
import { answerShape, boundsOf, imageOf, windowOf, writeBias, type Mixing } from './mixing.js';
import type { Sums, SumsMaker } from './sums.js';

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
