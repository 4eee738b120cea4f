import * as tf from '@tensorflow/tfjs';

import { truncateKernel, type RankBasis } from '../bases/index.js';
import { UsageError } from '../errors.js';
import { finish } from '../evaluate/forward.js';
import type { Program, Step } from '../graph/types.js';
import { areApart, leavesActivation, type LinearLayer } from './features.js';
import { frontierOf } from './frontier.js';
import { grown, growingOf, type Measuring, type WidthOptions } from './growth.js';
import { pairOf, type Mixing } from './mixing.js';
import { restOf, wholeWidth } from './widths.js';

/**
 * How many ranks of one kernel are measured: the kernel's inner features are computed once, and what they make grows rank by rank.
 * Where calls of a shared layer depend on each other, each rank's kernel is put in its place.
 *
 * @throws UsageError where a mean is to be put into a bias that a layer called on its own output does not have
 */
export async function measureRanks(basis: RankBasis, options: WidthOptions): Promise<Measuring> {
  const steps = stepsOf(options.program, basis);
  return isSummable(options.program, steps)
    ? summed(basis, steps, options)
    : replaced(basis, steps[0].layer as LinearLayer, options);
}

/** Values that measuring a kernel's ranks reads of a chunk. */
export function rankReads(program: Program, basis: RankBasis): readonly number[] {
  const steps = stepsOf(program, basis);
  if (!isSummable(program, steps)) return program.inputs;
  return [...new Set([...steps.map(({ inputs }) => inputs[0]), ...restReads(program, steps)])];
}

function stepsOf(program: Program, { layer }: RankBasis): readonly Step[] {
  return program.steps.filter(({ name }) => name === layer);
}

function isSummable(program: Program, steps: readonly Step[]): boolean {
  return areApart(
    program,
    steps.map((step) => ({ step, value: step.inputs[0] })),
  );
}

function restReads(program: Program, steps: readonly Step[]): readonly number[] {
  return frontierOf(program, new Set(steps.map(({ index }) => index)), true);
}

async function summed(basis: RankBasis, steps: readonly Step[], options: WidthOptions): Promise<Measuring> {
  const { program } = options;
  const rest = restReads(program, steps);
  const layer = steps[0].layer as LinearLayer;
  const { left, ...inner } = innerOf(layer, basis);
  const shift = basis.mean === null ? undefined : await meanParts(layer, basis, basis.mean);
  const mixing = { ...inner, bias: await biasOf(layer, shift?.bias) };
  const growing = await growingOf(steps.map((step) => ({ step, activated: !leavesActivation(program, step), mixing })));
  return {
    reads: rankReads(program, basis),
    outputs: async function* (cut, rows) {
      const inputs = steps.map(({ inputs: [value] }) =>
        tf.tidy(() => {
          const features = left(cut.values.get(value)!);
          return shift === undefined ? features : tf.sub(features, tf.tensor1d(shift.features));
        }),
      );
      try {
        yield* grown(growing, inputs, restOf(cut, rest), rows, options);
      } finally {
        tf.dispose(inputs);
      }
    },
    dispose: () => growing.forEach(({ maker }) => maker.dispose()),
  };
}

/** A layer in two: what makes its inner features, and how these are mixed. */
type Inner = Mixing & { readonly left: (x: tf.Tensor) => tf.Tensor };

const PLAIN = { kernelSize: [1, 1], strides: [1, 1], pad: 'valid', dilations: [1, 1] } as const;

function innerOf(layer: LinearLayer, basis: RankBasis): Inner {
  const { n, cols } = basis;
  const units = basis.kernelShape.at(-1)!;
  const common = {
    columns: Int32Array.from({ length: n }, (_, i) => i),
    ends: Int32Array.from({ length: n + 1 }, (_, k) => k),
    kernel: basis.right,
    units,
    bias: undefined,
    shifts: undefined,
  };
  if (layer.getClassName() === 'Dense') {
    return { ...common, units: cols, kind: 'dense', ...PLAIN, left: (x) => denseInner(x, basis) };
  }
  return { ...common, kind: 'window', ...convolutionInner(layer, basis) };
}

async function biasOf(layer: LinearLayer, shift: Float32Array | undefined): Promise<Float32Array | undefined> {
  const own = layer.bias == null ? undefined : ((await layer.bias.read().data()) as Float32Array);
  if (own === undefined || shift === undefined) return own?.slice() ?? shift;
  return own.map((value, u) => value + shift[u]);
}

function denseInner(x: tf.Tensor, { left, rows, n }: RankBasis): tf.Tensor {
  const features = tf.matMul(tf.reshape(x, [-1, rows]), tf.tensor2d(left, [rows, n]));
  return tf.reshape(features, [...x.shape.slice(0, -1), n]);
}

/** `channel`: k filters of full size, then 1 x 1. `spatial`: kh x 1, then 1 x kw. A 1-D convolution has a height of 1. */
function convolutionInner(layer: LinearLayer, basis: RankBasis) {
  const { left, n, kernelShape } = basis;
  const isLine = kernelShape.length === 3;
  const [kh, kw, channels] = isLine ? [1, ...kernelShape] : kernelShape;
  const [strides, dilations, pad] = [pairOf(layer.strides), pairOf(layer.dilationRate), layer.padding ?? 'valid'];
  const made = (x: tf.Tensor, size: [number, number], by: [number, number], apart: [number, number]): tf.Tensor => {
    const image = (isLine ? tf.expandDims(x, 1) : x) as tf.Tensor4D;
    const features = tf.conv2d(image, tf.tensor4d(left, [...size, channels, n]), by, pad, 'NHWC', apart);
    return isLine ? tf.squeeze(features, [1]) : features;
  };
  if (basis.form === 'channel') {
    return { ...PLAIN, left: (x: tf.Tensor) => made(x, [kh, kw], [...strides], [...dilations]) };
  }
  return {
    kernelSize: [1, kw] as const,
    strides: [1, strides[1]] as const,
    pad,
    dilations: [1, dilations[1]] as const,
    left: (x: tf.Tensor) => made(x, [kh, 1], [strides[0], 1], [dilations[0], 1]),
  };
}

/** What the mean input makes of the inner features, [n], and of the layer's output, [out]. */
async function meanParts(layer: LinearLayer, { left, rows, cols, n }: RankBasis, mean: Float32Array) {
  const parts = tf.tidy(() => {
    const row = tf.tensor2d(mean, [1, rows]);
    const kernel = tf.reshape(layer.kernel.read(), [rows, cols]);
    return [tf.matMul(row, tf.tensor2d(left, [rows, n])), tf.matMul(row, kernel)];
  });
  const [features, bias] = await Promise.all(parts.map(async (part) => Float32Array.from(await part.data())));
  tf.dispose(parts);
  return { features, bias };
}

/** The kernel of each rank put in the layer's place; the layer's own is put back whatever happens. */
function replaced(basis: RankBasis, layer: LinearLayer, { program, ks, pause }: WidthOptions): Measuring {
  if (basis.mean !== null && layer.bias === null) {
    throw new UsageError(
      `The layer "${basis.layer}" is called on its own output and has no bias that could take a mean.`,
    );
  }
  return {
    reads: rankReads(program, basis),
    outputs: async function* ({ values }, rows) {
      for (const k of ks) {
        await pause?.();
        yield wholeWidth(k, rows, await withRank(layer, basis, k, () => finish(program, values, rows)));
      }
    },
    dispose: () => {},
  };
}

async function withRank<T>(layer: LinearLayer, basis: RankBasis, k: number, body: () => Promise<T>): Promise<T> {
  const cut = truncateKernel(basis, k);
  const kernel = layer.kernel.read().clone();
  const bias = layer.bias?.read().clone();
  try {
    tf.tidy(() => {
      layer.kernel.write(tf.tensor(cut.kernel, kernel.shape));
      if (cut.biasShift !== null && bias !== undefined) layer.bias!.write(tf.add(bias, tf.tensor1d(cut.biasShift)));
    });
    return await body();
  } finally {
    layer.kernel.write(kernel);
    if (bias !== undefined) layer.bias!.write(bias);
    tf.dispose([kernel, ...(bias === undefined ? [] : [bias])]);
  }
}
