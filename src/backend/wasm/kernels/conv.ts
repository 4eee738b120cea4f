import * as tf from '@tensorflow/tfjs';

import { replaceKernel, sizeOf } from '../kernel.js';
import type { Attributes, Info } from '../kernel.js';
import { gemm, isFused } from './mat-mul.js';
import { session } from './session.js';
import type { Session } from './session.js';

export type ConvInfo = tf.backend_util.Conv2DInfo;

/** Puts own kernels in the place of stock 2-D convolution and both its gradients (NHWC, float32, any stride, padding, dilation). */
export function installConv(): void {
  replaceKernel('Conv2D', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && convInfo(inputs.x.shape, inputs.filter.shape, attributes);
    return s && info ? conv(s, inputs.x, inputs.filter, info) : stock!(inputs, attributes, backend);
  });
  replaceKernel('FusedConv2D', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const { activation } = attributes;
    const plain = inputs.preluActivationWeights === undefined && isFused(activation) && hasFlatBias(inputs.bias);
    const info = s && plain ? convInfo(inputs.x.shape, inputs.filter.shape, attributes) : undefined;
    if (s && info) return conv(s, inputs.x, inputs.filter, info, inputs.bias, activation === 'relu');
    return stock!(inputs, attributes, backend);
  });
  replaceKernel('Conv2DBackpropInput', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && convInfo(attributes['inputShape'] as number[], inputs.filter.shape, attributes);
    return s && info ? inputGradient(s, inputs.dy, inputs.filter, info) : stock!(inputs, attributes, backend);
  });
  replaceKernel('Conv2DBackpropFilter', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && convInfo(inputs.x.shape, attributes['filterShape'] as number[], attributes);
    return s && info ? filterGradient(s, inputs.x, inputs.dy, info) : stock!(inputs, attributes, backend);
  });
}

function hasFlatBias(bias: Info | undefined): boolean {
  return bias === undefined || bias.shape.length === 1;
}

/** Geometry of a convolution, undefined for channelsFirst and for empty ones. */
export function convInfo(xShape: number[], filterShape: number[], attributes: Attributes): ConvInfo | undefined {
  if (((attributes['dataFormat'] as string | undefined) ?? 'NHWC') !== 'NHWC') return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attributes['strides'] as number,
    (attributes['dilations'] as number | undefined) ?? 1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
  );
  return sizeOf(info.outShape) * sizeOf(xShape) * sizeOf(filterShape) === 0 ? undefined : info;
}

/** Writes the geometry (assembly/geometry.ts) for an image of that size, whose padding may have been made real. */
export function setGeometry(
  s: Session,
  info: ConvInfo,
  height: number,
  width: number,
  top: number,
  left: number,
): void {
  // prettier-ignore
  const words = [info.batchSize, height, width, info.inChannels, info.outHeight, info.outWidth, info.filterHeight, info.filterWidth,
    info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth, info.outChannels, top, left];
  s.words.set(words, 40);
}

function isPadded({ padInfo }: ConvInfo): boolean {
  return padInfo.top + padInfo.bottom + padInfo.left + padInfo.right > 0;
}

/** 1x1 without strides or padding: an image is a matrix of pixels by channels. */
function isPointwise(info: ConvInfo): boolean {
  return info.filterHeight * info.filterWidth * info.strideHeight * info.strideWidth === 1 && !isPadded(info);
}

/** Sets the geometry and answers the address of the image with its padding made real. */
function padded(s: Session, x: Info, info: ConvInfo): number {
  const { top, bottom, left, right } = info.padInfo;
  if (!isPadded(info)) {
    setGeometry(s, info, info.inHeight, info.inWidth, 0, 0);
    return s.at(x);
  }
  const height = info.inHeight + top + bottom;
  const width = info.inWidth + left + right;
  const to = s.buffer('padded', info.batchSize * height * width * info.inChannels * 4);
  s.run('pad', info.batchSize, s.at(x), to, info.inHeight, info.inWidth, info.inChannels, top, left, height, width);
  setGeometry(s, info, height, width, 0, 0);
  return to;
}

/** Convolution (+ bias) (relu), [batch, outHeight, outWidth, outChannels]. */
export function conv(s: Session, x: Info, filter: Info, info: ConvInfo, bias?: Info, relu = false): Info {
  const out = s.output(info.outShape);
  const k = info.filterHeight * info.filterWidth * info.inChannels;
  const a = isPointwise(info)
    ? { address: s.at(x), kind: 0 as const, rowStride: k, columnStride: 1 }
    : { address: padded(s, x, info), kind: 1 as const, rowStride: 0, columnStride: 0 };
  const m = info.batchSize * info.outHeight * info.outWidth;
  const b = { address: s.at(filter), rowStride: info.outChannels, columnStride: 1 };
  gemm(s, a, b, s.at(out), { m, n: info.outChannels, k, bias: s.at(bias), relu });
  return out;
}

/** The filter's gradient. The split of the sum over pixels follows from the shapes, so threads change nothing. */
function filterGradient(s: Session, x: Info, dy: Info, info: ConvInfo): Info {
  const { outChannels: n } = info;
  const taps = info.filterHeight * info.filterWidth * info.inChannels;
  const pixels = info.batchSize * info.outHeight * info.outWidth;
  const wanted = Math.min(16, Math.max(1, Math.floor(2 ** 18 / (taps * n))));
  const stretch = Math.ceil(pixels / wanted / 256) * 256;
  const stretches = Math.ceil(pixels / stretch);
  const out = s.output(info.filterShape);
  const parts = stretches === 1 ? s.at(out) : s.buffer('parts', stretches * taps * n * 4);
  const rows = Math.min(128, Math.max(16, Math.ceil((taps * stretches) / 16 / 4) * 4));
  const tasks = Math.ceil(taps / rows);
  const image = padded(s, x, info);
  s.reserve(256 * Math.ceil(n / 8) * 8 * 4);
  s.run('filterGradient', tasks * stretches, image, s.at(dy), parts, stretch, rows, tasks);
  if (stretches > 1) addParts(s, parts, s.at(out), taps * n, stretches);
  s.trim();
  return out;
}

/** out[i] = factor * sum over parts of parts[p][i], in the parts' order. */
export function addParts(s: Session, parts: number, out: number, n: number, count: number, factor = 1): void {
  const [size, tasks] = s.split(n * count);
  const each = Math.max(4, Math.ceil(size / count / 4) * 4);
  s.setFloats(21, factor);
  s.run('addParts', tasks === 1 ? 1 : Math.ceil(n / each), parts, out, n, count, tasks === 1 ? n : each);
}

function inputGradient(s: Session, dy: Info, filter: Info, info: ConvInfo): Info {
  const out = s.output(info.inShape);
  const columns = info.filterHeight * info.filterWidth * info.inChannels;
  const depth = info.outChannels;
  const transposed = { address: s.at(filter), rowStride: 1, columnStride: depth };
  if (isPointwise(info)) {
    const m = info.batchSize * info.outHeight * info.outWidth;
    gemm(s, { address: s.at(dy), kind: 0, rowStride: depth, columnStride: 1 }, transposed, s.at(out), {
      m,
      n: columns,
      k: depth,
    });
    return out;
  }
  const packed = s.buffer('packed', Math.ceil(columns / 8) * 8 * depth * 4);
  s.run('pack', 1, transposed.address, 1, depth, depth, columns, packed, Math.ceil(columns / 8) * 8, 1, 0, 0);
  setGeometry(s, info, info.inHeight, info.inWidth, info.padInfo.top, info.padInfo.left);
  const rows = Math.min(info.outHeight, Math.max(1, Math.floor(65_536 / (info.outWidth * columns))));
  s.reserve(rows * info.outWidth * columns * 4);
  s.run('inputGradient', info.batchSize, s.at(dy), packed, s.at(out), rows);
  s.trim();
  return out;
}
