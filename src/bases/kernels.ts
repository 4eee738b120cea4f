import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { ModelGraph } from '../graph/types.js';
import { matrixOf, type Matrix } from './linalg/index.js';
import type { FactorForm } from './types.js';

/** A kernel that can be factored: of a Dense, Conv1D or Conv2D layer. */
export interface KernelInfo {
  /** Path of the layer. */
  readonly layer: string;
  /** The width group of its output units; null where they cannot shrink (the model's last kernel). */
  readonly group: string | null;
  /** Dense [in, out], Conv1D [k, in, out], Conv2D [kh, kw, in, out]. */
  readonly kernelShape: readonly number[];
  /** Of the kernel as a matrix: kh kw in, and out. */
  readonly rows: number;
  readonly cols: number;
  readonly bias: boolean;
  /** Multiply-adds of the whole layer for one example, all its calls together. */
  readonly macs: number;
  /** How often the layer is called. */
  readonly calls: number;
  /** Null for a Dense. */
  readonly window: Window | null;
  readonly target: tf.layers.Layer;
}

/** How a convolution walks over its input [H, W, C]; a Conv1D has a height only. */
export interface Window {
  readonly size: readonly [height: number, width: number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: 'same' | 'valid' | 'causal';
  readonly channelsFirst: boolean;
  /** Columns of the input over columns of the output: what the first half of a spatial factoring is applied at. */
  readonly widthRatio: number;
}

/** Fields of tfjs layers that its typings hide. */
interface Hidden {
  readonly kernel: tf.LayerVariable;
  readonly bias?: tf.LayerVariable | null;
  readonly strides?: readonly number[];
  readonly dilationRate?: number | readonly number[];
  readonly padding?: Window['padding'];
  readonly dataFormat?: string;
}

const FACTORABLE = new Set(['Dense', 'Conv1D', 'Conv2D']);

/** Every kernel that can be factored, in program order; a shared layer once. */
export function kernelsOf(graph: ModelGraph): KernelInfo[] {
  const kernels = new Map<string, KernelInfo>();
  for (const step of graph.program.steps) {
    if (!FACTORABLE.has(step.layer.getClassName()) || kernels.has(step.name)) continue;
    kernels.set(step.name, kernelOf(graph, step.name, step.layer));
  }
  return [...kernels.values()];
}

function kernelOf(graph: ModelGraph, layer: string, target: tf.layers.Layer): KernelInfo {
  const { kernel, bias } = target as unknown as Hidden;
  const kernelShape = kernel.shape.map((size) => size!);
  const cols = kernelShape.at(-1)!;
  return {
    layer,
    group: graph.groups.find(({ producers }) => producers.includes(layer))?.name ?? null,
    kernelShape,
    rows: kernelShape.slice(0, -1).reduce((all, size) => all * size, 1),
    cols,
    bias: bias != null,
    macs: graph.layers.find(({ name }) => name === layer)!.macs,
    calls: graph.program.steps.filter(({ name }) => name === layer).length,
    window: kernelShape.length === 2 ? null : windowOf(graph, layer, target, kernelShape),
    target,
  };
}

function windowOf(graph: ModelGraph, layer: string, target: tf.layers.Layer, kernelShape: readonly number[]): Window {
  const { strides = [1], dilationRate = 1, padding = 'valid', dataFormat } = target as unknown as Hidden;
  const pair = (sizes: number | readonly number[]): [number, number] => {
    const list: number[] = [sizes].flat();
    if (kernelShape.length === 3) return [list[0], 1];
    return [list[0], list[1] ?? list[0]];
  };
  const channelsFirst = dataFormat === 'channelsFirst';
  return {
    size: kernelShape.length === 3 ? [kernelShape[0], 1] : [kernelShape[0], kernelShape[1]],
    strides: pair(strides),
    dilation: pair(dilationRate),
    padding,
    channelsFirst,
    widthRatio: kernelShape.length === 3 ? 1 : widthRatio(graph, layer, channelsFirst ? 3 : 2),
  };
}

/** 1 where the model leaves the width open. */
function widthRatio({ program }: ModelGraph, layer: string, axis: number): number {
  const step = program.steps.find(({ name }) => name === layer)!;
  const [before, after] = [step.inputs[0], step.outputs[0]].map((value) => program.values[value].shape[axis] ?? null);
  return before === null || after === null ? 1 : before / after;
}

/** The kernel's present weights as a matrix, [rows, cols]; `spatial`: [kh in, kw out]. */
export function kernelMatrix(kernel: KernelInfo, form: FactorForm = 'channel'): Matrix {
  const tensor = (kernel.target as unknown as Hidden).kernel.read();
  const values = tensor.dataSync();
  if (form === 'channel') return matrixOf(kernel.rows, kernel.cols, values);
  const [kh, kw, channels, cols] = spatialShape(kernel);
  const unfolded = new Float64Array(values.length);
  for (let from = 0; from < values.length; from++) unfolded[unfold(from, kw, channels, cols)] = values[from];
  return matrixOf(kh * channels, kw * cols, unfolded);
}

/** A matrix of that form as a kernel's numbers. */
export function foldKernel(kernelShape: readonly number[], form: FactorForm, values: ArrayLike<number>): Float32Array {
  if (form === 'channel') return Float32Array.from(values);
  const [, kw, channels, cols] = kernelShape;
  return Float32Array.from({ length: values.length }, (_, at) => values[unfold(at, kw, channels, cols)]);
}

/** From a place in [kh, kw, in, out] to one in [kh, in, kw, out]. */
function unfold(from: number, kw: number, channels: number, cols: number): number {
  const out = from % cols;
  const channel = Math.floor(from / cols) % channels;
  const column = Math.floor(from / (cols * channels)) % kw;
  const row = Math.floor(from / (cols * channels * kw));
  return ((row * channels + channel) * kw + column) * cols + out;
}

function spatialShape({ layer, kernelShape }: KernelInfo): readonly number[] {
  if (kernelShape.length !== 4) {
    throw new UsageError(
      `Layer "${layer}" has no kernel of two spatial sides: its shape is [${kernelShape.join(', ')}].`,
    );
  }
  return kernelShape;
}
