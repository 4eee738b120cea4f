import * as tf from '@tensorflow/tfjs';

import { replaceFused, type ConvConfig, type MatMulConfig } from '../../fused-layers.js';
import { replaceKernel } from '../kernel.js';
import { conv, convInfo } from './conv.js';
import { isFused, matMul } from './mat-mul.js';
import { usesOwnKernels } from './relu-gradient.js';
import { markReluOutput, sumsThroughRelu } from './relu-outputs.js';
import { session } from './session.js';

/**
 * Dense and convolution layers with bias and relu as one kernel in training too; tfjs fuses outside of training only.
 * Gradients are made when asked for, so the first layer's input gradient never is.
 */
export function installFusedLayers(): void {
  registerDense();
  registerConv();
  replaceFused({ isDense, dense, isConv, convolution });
}

function registerDense(): void {
  replaceKernel('TrainDense', 'wasm', () => ({ a, b, bias }, { relu }) => {
    const out = matMul(session()!, a, b, false, false, bias, relu === true);
    if (out === undefined) throw new Error(`A product of [${a.shape.join()}] and [${b.shape.join()}] is not covered.`);
    return out;
  });
  tf.registerGradient({
    kernelName: 'TrainDense',
    inputsToSave: ['a', 'b'],
    outputsToSave: [true],
    gradFunc: (dy, [a, b, y], { relu }) => {
      const { dz, bias } = reluAndBias(dy as tf.Tensor, y, relu === true);
      return {
        a: () => tf.matMul(dz, b, false, true),
        b: () => tf.matMul(a, dz, true, false),
        bias,
      };
    },
  });
}

function registerConv(): void {
  replaceKernel('TrainConv', 'wasm', () => ({ x, filter, bias }, attributes) => {
    return conv(session()!, x, filter, convInfo(x.shape, filter.shape, attributes)!, bias, attributes['relu'] === true);
  });
  tf.registerGradient({
    kernelName: 'TrainConv',
    inputsToSave: ['x', 'filter'],
    outputsToSave: [true],
    gradFunc: (dy, [x, filter, y], attributes) => {
      const { dz, bias } = reluAndBias(dy as tf.Tensor, y, attributes['relu'] === true);
      const engine = tf.engine();
      return {
        x: () => engine.runKernel('Conv2DBackpropInput', { dy: dz, filter }, { ...attributes, inputShape: x.shape }),
        filter: () =>
          engine.runKernel('Conv2DBackpropFilter', { x, dy: dz }, { ...attributes, filterShape: filter.shape }),
        bias,
      };
    },
  });
}

/** The gradient before the activation, and the bias's, which is its sum; with relu both in one pass. */
function reluAndBias(dy: tf.Tensor, y: tf.Tensor, relu: boolean): { dz: tf.Tensor; bias: () => tf.Tensor } {
  const sums = relu ? sumsThroughRelu(dy, y) : undefined;
  if (sums !== undefined) return { dz: dy, bias: () => tf.tensor1d(sums) };
  if (!relu) {
    const leading = dy.shape.slice(0, -1).map((_, axis) => axis);
    return { dz: dy, bias: () => tf.sum(dy, leading) };
  }
  const [dz, sum] = tf.engine().runKernel('ReluGradientAndSum', { dy, y }) as unknown as [tf.Tensor, tf.Tensor];
  return { dz, bias: () => sum };
}

function isTensor(x: unknown, rank: number): x is tf.Tensor {
  return x instanceof tf.Tensor && x.rank === rank && x.dtype === 'float32' && x.size > 0;
}

function isDense({ a, b, bias, activation, transposeA, transposeB }: MatMulConfig): boolean {
  const plain = isFused(activation) && transposeA !== true && transposeB !== true;
  return (
    usesOwnKernels() && plain && isTensor(a, 2) && isTensor(b, 2) && isTensor(bias, 1) && a.shape[1] === b.shape[0]
  );
}

function dense({ a, b, bias, activation }: MatMulConfig): tf.Tensor {
  const inputs = { a, b, bias } as tf.NamedTensorMap;
  return tf.engine().runKernel('TrainDense', inputs, { relu: activation === 'relu' });
}

function isConv({
  x,
  filter,
  bias,
  activation,
  dataFormat,
  strides,
  pad,
  dilations,
  dimRoundingMode,
}: ConvConfig): boolean {
  if (!usesOwnKernels() || !isFused(activation) || (dataFormat ?? 'NHWC') !== 'NHWC') return false;
  if (!isTensor(x, 4) || !isTensor(filter, 4) || !isTensor(bias, 1) || x.shape[3] !== filter.shape[2]) return false;
  const attributes = { strides, pad, dilations: dilations ?? 1, dimRoundingMode };
  return (
    tf.backend_util.eitherStridesOrDilationsAreOne(strides, dilations ?? 1) &&
    convInfo(x.shape, filter.shape, attributes) !== undefined
  );
}

function convolution({ x, filter, bias, activation, strides, pad, dilations, dimRoundingMode }: ConvConfig): tf.Tensor {
  const inputs = { x, filter, bias } as tf.NamedTensorMap;
  const attributes = { strides, pad, dilations: dilations ?? 1, dimRoundingMode, relu: activation === 'relu' };
  const y = tf.engine().runKernel<tf.Tensor>('TrainConv', inputs, attributes as unknown as tf.NamedAttrMap);
  if (attributes.relu && tf.engine().state.gradientDepth > 0) markReluOutput(y);
  return y;
}
