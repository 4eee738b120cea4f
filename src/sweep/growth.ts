import * as tf from '@tensorflow/tfjs';

import { canGrow, MOST_TAPS } from '../backend/wasm/kernels/grow.js';
import { hostHeap, type HostHeap } from '../backend/wasm/kernels/host-heap.js';
import { withRowsAlike } from '../backend/wasm/kernels/rows-alike.js';
import { finish } from '../evaluate/forward.js';
import type { Program, Step } from '../graph/types.js';
import type { Outputs } from '../objective/types.js';
import { blocksOf, type Block } from './blocks.js';
import type { LinearLayer } from './features.js';
import { windowOf, imageOf, type Mixing } from './mixing.js';
import { MOST_COLUMNS, plainSums } from './plain-sums.js';
import { hostSums, kernelSums, type Sums, type SumsMaker } from './sums.js';

/** Values of a chunk of rows from which the rest of a program is computed, and the time masks that it needs. */
export interface Cut {
  readonly values: ReadonlyMap<number, tf.Tensor>;
  readonly masks: ReadonlyMap<number, tf.Tensor>;
}

/** Final numbers of some rows at some widths. A row that is missing at a width answers as at the width before. */
export interface WidthOutputs {
  /** Ascending. */
  readonly ks: readonly number[];
  /** Rows of the chunk that are spoken of: from..to-1. */
  readonly from: number;
  readonly to: number;
  /** Per answer its width, an index of `ks`, and its row in the chunk. */
  readonly widths: Int32Array;
  readonly rows: Int32Array;
  /** One row an answer. */
  readonly outputs: Outputs;
}

/** How the widths of a curve are measured on a chunk of rows. */
export interface Measuring {
  /** Values that it reads of each chunk. */
  readonly reads: readonly number[];
  outputs(cut: Cut, rows: number): AsyncGenerator<WidthOutputs>;
  dispose(): void;
}

export interface WidthOptions {
  readonly program: Program;
  /** Ascending, each 0..n. */
  readonly ks: readonly number[];
  /** Answers that go through the rest of the model in one batch, at most, where one width of a row is not more. */
  readonly answers: number;
  /** Awaited between batches; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/** A layer whose sum grows. */
export interface Growing {
  readonly step: Step;
  /** Whether the layer's own activation is applied. */
  readonly activated: boolean;
  readonly maker: SumsMaker;
}

/** Makes the sums of some layers, all in one way; relu is part of them where that costs nothing. */
export async function growingOf(
  layers: readonly (Omit<Growing, 'maker'> & { readonly mixing: Mixing })[],
): Promise<Growing[]> {
  const make = await makerFor(layers.map(({ mixing: { kernelSize } }) => kernelSize[0] * kernelSize[1]));
  return layers.map(({ step, activated, mixing }) => {
    if (make === undefined) return { step, activated, maker: plainSums(mixing) };
    const fused = activated && (step.layer as LinearLayer).activation?.getClassName() === 'relu';
    return { step, activated: activated && !fused, maker: make(mixing, fused) };
  });
}

/** What makes sums of windows of so many taps where tfjs' current backend is; undefined: its own operations. */
async function makerFor(taps: readonly number[]): Promise<((mixing: Mixing, relu: boolean) => SumsMaker) | undefined> {
  if (taps.every(canGrow)) return kernelSums;
  const heap = Math.max(...taps) <= MOST_TAPS ? await heapBeside() : undefined;
  return heap === undefined ? undefined : (mixing, relu) => hostSums(mixing, relu, heap);
}

/** Starts the own kernels beside TensorFlow, so that all of a sweep is computed by the same ones. */
export async function heapBeside(): Promise<HostHeap | undefined> {
  return tf.getBackend() === 'tensorflow' ? hostHeap() : undefined;
}

/** Bytes that the answers of a block should not exceed, so that they stay in a processor's cache; where calls cost more, more. */
const BLOCK_BYTES = 2 ** 22;
const BLOCK_BYTES_OF_CALLS = 2 ** 24;
/** Widths of a block, if all its rows answer: many where the answers of a row help each other, few where calls are what costs. */
const MOST_ALIKE = 8;
const MOST_APART = 2;
/** Fewer answers would not fill a block's widths. */
const FEWEST_ROWS = 4;

/**
 * Final numbers of a chunk for many widths: sums grow from width to width, and the answers of several widths go through the rest of
 * the program in one batch.
 *
 * @param inputs what each growing layer reads, in their order, [rows, …, features]; kept
 * @param cut what the rest of the program reads beside them
 */
export async function* grown(
  growing: readonly Growing[],
  inputs: readonly tf.Tensor[],
  cut: Cut,
  rows: number,
  options: WidthOptions,
): AsyncGenerator<WidthOutputs> {
  const bytes = tf.getBackend() === 'wasm' ? BLOCK_BYTES : BLOCK_BYTES_OF_CALLS;
  const answers = Math.max(1, Math.min(options.answers, Math.floor(bytes / answerBytes(growing, inputs))));
  const widths = growing.every(({ maker }) => maker.byRows) ? MOST_ALIKE : MOST_APART;
  const size = Math.min(rows, Math.max(FEWEST_ROWS, Math.ceil(answers / widths)));
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(rows, from + size);
    const own = size >= rows ? inputs.map((x) => x.clone()) : inputs.map((x) => rowsFrom(x, from, to));
    try {
      yield* piecewise(growing, { inputs: own, cut, from, to, answers }, options);
    } finally {
      tf.dispose(own);
    }
  }
}

function answerBytes(growing: readonly Growing[], inputs: readonly tf.Tensor[]): number {
  const sizes = growing.map(({ maker: { mixing } }, i) => {
    const { outHeight, outWidth } = windowOf(
      mixing,
      tf.tidy(() => imageOf(mixing, inputs[i]).shape),
    );
    return 4 * outHeight * outWidth * mixing.units;
  });
  return Math.max(...sizes, 1);
}

function rowsFrom(x: tf.Tensor, from: number, to: number): tf.Tensor {
  return tf.slice(x, [from, ...x.shape.slice(1).map(() => 0)], [to - from, ...x.shape.slice(1)]);
}

interface Piece {
  readonly inputs: readonly tf.Tensor[];
  readonly cut: Cut;
  readonly from: number;
  readonly to: number;
  readonly answers: number;
}

async function* piecewise(
  growing: readonly Growing[],
  { inputs, cut, from, to, answers }: Piece,
  { program, ks, pause }: WidthOptions,
): AsyncGenerator<WidthOutputs> {
  const byRows = growing.every(({ maker }) => maker.byRows);
  const limits = { rows: to - from, ks, answers, by: byRows ? ('rows' as const) : ('widths' as const) };
  const sums: Sums[] = [];
  try {
    for (const [i, { maker }] of growing.entries()) sums.push(await maker.start(inputs[i], ks));
    const changes = sums.map((each) => each.changes);
    for (const block of blocksOf(changes, { ...limits, columns: byRows ? Infinity : MOST_COLUMNS })) {
      await pause?.();
      const rows = block.rows.map((row) => row + from);
      const outputs = rows.length === 0 ? EMPTY : await finishBlock(growing, sums, block, rows, cut, program);
      yield { ks: block.ks, from, to, widths: block.widths, rows, outputs };
    }
  } finally {
    sums.forEach((each) => each.dispose());
  }
}

/** Nothing changes in a whole block. */
const EMPTY: Outputs = { values: new Float32Array(), rows: 0, units: 1 };

/** Runs the rest of the program on the answers of several widths at once. */
async function finishBlock(
  growing: readonly Growing[],
  sums: readonly Sums[],
  block: Block,
  rows: Int32Array,
  cut: Cut,
  program: Program,
): Promise<Outputs> {
  const feeds = new Map<number, tf.Tensor>();
  const masks = new Map<number, tf.Tensor>();
  try {
    growing.forEach(({ step, activated }, i) => {
      const { activation } = step.layer as LinearLayer;
      const sum = sums[i].next(block);
      const answer = activated && activation !== undefined ? tf.tidy(() => activation.apply(sum)) : sum;
      feeds.set(step.outputs[0], answer);
      // a linear activation answers what it was given
      if (answer !== sum) sum.dispose();
    });
    for (const [value, tensor] of cut.values) feeds.set(value, gathered(tensor, rows));
    for (const [value, mask] of cut.masks) masks.set(value, gathered(mask, rows));
    // what runs before the first await is all that computes
    return await withRowsAlike(() => finish(program, feeds, rows.length, { masks }));
  } finally {
    tf.dispose([...feeds.values(), ...masks.values()]);
  }
}

function gathered(tensor: tf.Tensor, rows: Int32Array): tf.Tensor {
  return tf.tidy(() => {
    const flat = tf.reshape(tensor, [tensor.shape[0], -1]);
    return tf.reshape(tf.gather(flat, tf.tensor1d(rows, 'int32')), [rows.length, ...tensor.shape.slice(1)]);
  });
}
