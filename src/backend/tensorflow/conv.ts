import * as tf from '@tensorflow/tfjs';

import type { ConvConfig } from '../fused-layers.js';
import { replaceKernel } from '../repairs/kernels.js';
import { floatType, tensorFlowBackend } from './binding.js';
import {
  deferredParts,
  deferRelu,
  ownedHandle,
  ownHandle,
  reluOfSum,
  takeHandle,
  withBorrowed,
} from './deferred-relu.js';
import { biasGradient, reluGradient } from './gradients.js';

/** Sums over all axes but the last of gradients that are already through the relu that gave `y`. */
const throughRelu = new WeakMap<object, { readonly y: object; readonly sums: Float32Array }>();

/** Convolution layers in training: bias and relu with the pooling behind them, where there is one. */
export function registerConv(): void {
  replaceKernel('tensorflow', 'TensorFlowConv', ({ inputs: { x, filter, bias }, attrs }) => {
    const z = tf.engine().runKernel<tf.Tensor>('Conv2D', { x, filter }, attrs as unknown as tf.NamedAttrMap);
    if (attrs['relu'] === true) return deferRelu(z, bias);
    return tensorFlowBackend().executeSingleOutput('BiasAdd', [floatType('T')], [z, bias]);
  });
  tf.registerGradient({
    kernelName: 'TensorFlowConv',
    inputsToSave: ['x', 'filter'],
    outputsToSave: [true],
    gradFunc: (dy, [x, filter, y], attributes) => {
      const { dz, bias } = beforeRelu(dy as tf.Tensor, y, attributes['relu'] === true);
      const engine = tf.engine();
      return {
        x: () => engine.runKernel('Conv2DBackpropInput', { dy: dz, filter }, { ...attributes, inputShape: x.shape }),
        filter: () =>
          engine.runKernel('Conv2DBackpropFilter', { x, dy: dz }, { ...attributes, filterShape: filter.shape }),
        bias,
      };
    },
  });
  poolBeforeRelu();
}

/** Whether the fused kernel takes a layer's convolution: on a tape, NHWC, with padding that TensorFlow has gradients for. */
export function isConv({ x, filter, bias, activation, dataFormat, pad, dilations }: ConvConfig): boolean {
  if (tf.getBackend() !== 'tensorflow' || tf.engine().state.gradientDepth === 0) return false;
  const fits = (activation ?? 'linear') === 'linear' || activation === 'relu';
  const isPlain = [dilations ?? 1].flat().every((rate) => rate === 1) && (pad === 'same' || pad === 'valid');
  if (!fits || !isPlain || (dataFormat ?? 'NHWC') !== 'NHWC') return false;
  return isFloat(x, 4) && isFloat(filter, 4) && isFloat(bias, 1) && x.shape[3] === filter.shape[2];
}

export function convolution({ x, filter, bias, activation, strides, pad, dimRoundingMode }: ConvConfig): tf.Tensor {
  const attributes = { strides, pad, dataFormat: 'NHWC', dilations: 1, dimRoundingMode, relu: activation === 'relu' };
  const inputs = { x, filter, bias } as tf.NamedTensorMap;
  return tf.engine().runKernel('TensorFlowConv', inputs, attributes as unknown as tf.NamedAttrMap);
}

export function isFloat(x: unknown, rank: number): x is tf.Tensor {
  return x instanceof tf.Tensor && x.rank === rank && x.dtype === 'float32' && x.size > 0;
}

function beforeRelu(dy: tf.Tensor, y: tf.Tensor, relu: boolean): { dz: tf.Tensor; bias: () => tf.Tensor } {
  const known = throughRelu.get(dy.dataId);
  if (relu && known?.y === y.dataId) return { dz: dy, bias: () => tf.tensor1d(known.sums) };
  const dz = relu ? reluGradient(dy, y) : dy;
  return { dz, bias: () => biasGradient(dz) };
}

function poolBeforeRelu(): void {
  replaceKernel('tensorflow', 'MaxPool', ({ inputs: { x } }, stock) => {
    const parts = deferredParts(x);
    if (parts === undefined) return stock({ x });
    const backend = tensorFlowBackend();
    const largest = withBorrowed(parts.z, x.shape, (z) => stock({ x: z }));
    const handle = takeHandle(largest);
    const id = reluOfSum(handle, parts.bias);
    const y = backend.createOutputTensor({ id, shape: largest.shape, dtype: backend.binding.TF_FLOAT });
    ownHandle(y, handle);
    return y;
  });
  replaceKernel('tensorflow', 'MaxPoolGrad', ({ inputs: { dy, input, output } }, stock) => {
    const parts = deferredParts(input);
    const largest = ownedHandle(output);
    if (parts === undefined || largest === undefined) return stock({ dy, input, output });
    const before = reluGradient(dy, output);
    const gradient = withBorrowed(parts.z, input.shape, (z) =>
      withBorrowed(largest, output.shape, (maximum) => stock({ dy: before, input: z, output: maximum })),
    );
    throughRelu.set(gradient.dataId, { y: input.dataId, sums: biasGradient(before).dataSync<'float32'>() });
    return gradient;
  });
}
