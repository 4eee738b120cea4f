import * as tf from '@tensorflow/tfjs';

import { truncateKernel, type RankBasis } from '../bases/index.js';
import { UsageError } from '../errors.js';
import { finish } from '../evaluate/forward.js';
import { runProgram } from '../graph/index.js';
import type { Step } from '../graph/types.js';
import { disposeLinear, featuresFirst, kernelFirst, pairOf, type Linear } from './accumulate.js';
import { areApart, leavesActivation, type LinearLayer } from './features.js';
import { frontierOf } from './frontier.js';
import { grow, type WidthOptions, type WidthOutputs } from './widths.js';

export interface RankOptions extends Omit<WidthOptions, 'basis'> {
  readonly basis: RankBasis;
}

/**
 * Final numbers of a batch for many ranks of one kernel, one after the other: the kernel's inner features are computed once, and
 * what they make grows rank by rank. Where calls of a shared layer depend on each other, each rank's kernel is put in its place.
 *
 * @param feeds the batch by input value; kept.
 */
export async function* rankOutputs(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  options: RankOptions,
): AsyncGenerator<WidthOutputs> {
  const { program, basis } = options;
  const steps = program.steps.filter(({ name }) => name === basis.layer);
  const isSummable = areApart(
    program,
    steps.map((step) => ({ step, value: step.inputs[0] })),
  );
  if (isSummable) yield* summed(feeds, rows, steps, options);
  else yield* replaced(feeds, rows, steps[0].layer as LinearLayer, options);
}

async function* summed(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  steps: readonly Step[],
  options: RankOptions,
): AsyncGenerator<WidthOutputs> {
  const { program, basis } = options;
  const rest = frontierOf(program, new Set(steps.map(({ index }) => index)), true);
  const masks = new Map<number, tf.Tensor>();
  const fetch = [...steps.map(({ inputs }) => inputs[0]), ...rest];
  const cut = runProgram(program, feeds, { fetch, keepMasks: masks });
  const linears = steps.map((step, i) => innerLinear(step.layer as LinearLayer, cut[i], basis));
  tf.dispose(cut.slice(0, steps.length));
  const others = new Map(rest.map((value, i) => [value, cut[steps.length + i]]));
  try {
    const growing = steps.map((step, i) => ({
      consumer: { step, activated: !leavesActivation(program, step) },
      linear: linears[i],
    }));
    yield* grow(growing, { others, masks, rows }, options);
  } finally {
    linears.forEach((linear) => {
      disposeLinear(linear);
      linear.bias?.dispose();
    });
    tf.dispose([...others.values(), ...masks.values()]);
  }
}

/**
 * A layer as its inner features (x - mean) left and the kernel `right` that mixes them; the bias gains what the mean makes. The
 * caller disposes it, its bias too.
 */
function innerLinear(layer: LinearLayer, x: tf.Tensor, basis: RankBasis): Linear {
  const isDense = layer.getClassName() === 'Dense';
  return tf.tidy(() => {
    const { features, kernel, geometry } = isDense ? denseInner(x, basis) : convolutionInner(layer, x, basis);
    const shift = basis.mean === null ? undefined : meanParts(layer, basis, basis.mean);
    const own = layer.bias?.read();
    const bias = shift === undefined ? own?.clone() : own === undefined ? shift.bias : tf.add(own, shift.bias);
    const kind = isDense ? ('dense' as const) : ('convolution' as const);
    return {
      features: featuresFirst(shift === undefined ? features : tf.sub(features, shift.features), kind),
      kernel: kernelFirst(kernel),
      middle: isDense ? features.shape.slice(1, -1) : [],
      bias,
      shifts: undefined,
      ends: Int32Array.from({ length: basis.n + 1 }, (_, k) => k),
      kind,
      ...geometry,
    };
  });
}

type Geometry = Pick<Linear, 'strides' | 'pad' | 'dilations'>;
type Inner = { readonly features: tf.Tensor; readonly kernel: tf.Tensor; readonly geometry: Geometry };

const PLAIN: Geometry = { strides: [1, 1], pad: 'valid', dilations: [1, 1] };

function denseInner(x: tf.Tensor, { left, right, rows, cols, n }: RankBasis): Inner {
  const features = tf.matMul(tf.reshape(x, [-1, rows]), tf.tensor2d(left, [rows, n]));
  return {
    features: tf.reshape(features, [...x.shape.slice(0, -1), n]),
    kernel: tf.tensor2d(right, [n, cols]),
    geometry: PLAIN,
  };
}

/** `channel`: k filters of full size, then 1 x 1. `spatial`: kh x 1, then 1 x kw. A 1-D convolution has a height of 1. */
function convolutionInner(layer: LinearLayer, x: tf.Tensor, basis: RankBasis): Inner {
  const { left, right, n, kernelShape } = basis;
  const [kh, kw, channels, out] = kernelShape.length === 3 ? [1, ...kernelShape] : kernelShape;
  const image = (kernelShape.length === 3 ? tf.expandDims(x, 1) : x) as tf.Tensor4D;
  const [strides, dilations, pad] = [pairOf(layer.strides), pairOf(layer.dilationRate), layer.padding ?? 'valid'];
  if (basis.form === 'channel') {
    const filters = tf.tensor4d(left, [kh, kw, channels, n]);
    const features = tf.conv2d(image, filters, strides, pad, 'NHWC', dilations);
    return { features, kernel: tf.tensor4d(right, [1, 1, n, out]), geometry: PLAIN };
  }
  const column = tf.tensor4d(left, [kh, 1, channels, n]);
  const row = tf.reshape(tf.transpose(tf.tensor3d(right, [n, kw, out]), [1, 0, 2]), [1, kw, n, out]);
  return {
    features: tf.conv2d(image, column, [strides[0], 1], pad, 'NHWC', [dilations[0], 1]),
    kernel: row,
    geometry: { strides: [1, strides[1]], pad, dilations: [1, dilations[1]] },
  };
}

/** What the mean input makes of the inner features, [n], and of the layer's output, [out]. */
function meanParts(layer: LinearLayer, { left, rows, cols, n }: RankBasis, mean: Float32Array) {
  const row = tf.tensor2d(mean, [1, rows]);
  const kernel = tf.reshape(layer.kernel.read(), [rows, cols]);
  return {
    features: tf.reshape(tf.matMul(row, tf.tensor2d(left, [rows, n])), [n]),
    bias: tf.reshape(tf.matMul(row, kernel), [cols]),
  };
}

/** The kernel of each rank put in the layer's place; the layer's own is put back whatever happens. */
async function* replaced(
  feeds: ReadonlyMap<number, tf.Tensor>,
  rows: number,
  layer: LinearLayer,
  { program, basis, ks, pause }: RankOptions,
): AsyncGenerator<WidthOutputs> {
  if (basis.mean !== null && layer.bias === null) {
    throw new UsageError(
      `The layer "${basis.layer}" is called on its own output and has no bias that could take a mean.`,
    );
  }
  for (const k of ks) {
    await pause?.();
    yield { k, outputs: await withRank(layer, basis, k, () => finish(program, feeds, rows)) };
  }
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
