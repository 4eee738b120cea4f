import { replaceKernel, sizeOf } from '../kernel.js';
import type { Attributes, Info } from '../kernel.js';
import { depthwiseInfo } from '../repairs/depthwise-gradients.js';
import { addParts, setGeometry } from './conv.js';
import type { ConvInfo } from './conv.js';
import { isFused } from './mat-mul.js';
import { session } from './session.js';
import type { Session } from './session.js';

/** Puts own kernels in the place of depthwise convolution with one filter a channel, and both its gradients. */
export function installDepthwise(): void {
  replaceKernel('DepthwiseConv2dNative', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && geometryOf(inputs.x.shape, inputs.filter.shape, attributes);
    return s && info ? forward(s, inputs.x, inputs.filter, info) : stock!(inputs, attributes, backend);
  });
  replaceKernel('FusedDepthwiseConv2D', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const { activation } = attributes;
    const flat = inputs.bias === undefined || inputs.bias.shape.length === 1;
    const plain = inputs.preluActivationWeights === undefined && isFused(activation) && flat;
    const info = s && plain ? geometryOf(inputs.x.shape, inputs.filter.shape, attributes) : undefined;
    if (s && info) return forward(s, inputs.x, inputs.filter, info, inputs.bias, activation === 'relu');
    return stock!(inputs, attributes, backend);
  });
  replaceKernel('DepthwiseConv2dNativeBackpropInput', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && geometryOf(attributes['inputShape'] as number[], inputs.filter.shape, attributes);
    return s && info ? inputGradient(s, inputs.dy, inputs.filter, info) : stock!(inputs, attributes, backend);
  });
  replaceKernel('DepthwiseConv2dNativeBackpropFilter', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && geometryOf(inputs.x.shape, attributes['filterShape'] as number[], attributes);
    return s && info ? filterGradient(s, inputs.x, inputs.dy, info) : stock!(inputs, attributes, backend);
  });
}

/** Undefined for several filters a channel, channelsFirst, and empty ones. */
function geometryOf(xShape: number[], filterShape: number[], attributes: Attributes): ConvInfo | undefined {
  if (((attributes['dataFormat'] as string | undefined) ?? 'NHWC') !== 'NHWC' || filterShape[3] !== 1) return undefined;
  const info = depthwiseInfo(xShape, filterShape, attributes);
  return sizeOf(info.outShape) * sizeOf(xShape) === 0 ? undefined : info;
}

function setDepthwiseGeometry(s: Session, info: ConvInfo): void {
  setGeometry(s, info, info.inHeight, info.inWidth, info.padInfo.top, info.padInfo.left);
}

function forward(s: Session, x: Info, filter: Info, info: ConvInfo, bias?: Info, relu = false): Info {
  const out = s.output(info.outShape);
  setDepthwiseGeometry(s, info);
  s.run('depthwise', info.batchSize * info.outHeight, s.at(x), s.at(filter), s.at(out), s.at(bias), relu ? 1 : 0);
  return out;
}

function inputGradient(s: Session, dy: Info, filter: Info, info: ConvInfo): Info {
  const out = s.output(info.inShape);
  setDepthwiseGeometry(s, info);
  s.run('depthwiseInputGradient', info.batchSize * info.inHeight, s.at(dy), s.at(filter), s.at(out));
  return out;
}

function filterGradient(s: Session, x: Info, dy: Info, info: ConvInfo): Info {
  const out = s.output(info.filterShape);
  const size = sizeOf(info.filterShape);
  const images = Math.ceil(info.batchSize / 16);
  const tasks = Math.ceil(info.batchSize / images);
  const parts = tasks === 1 ? s.at(out) : s.buffer('parts', tasks * size * 4);
  setDepthwiseGeometry(s, info);
  s.run('depthwiseFilterGradient', tasks, s.at(x), s.at(dy), parts, images);
  if (tasks > 1) addParts(s, parts, s.at(out), size, tasks);
  return out;
}
