import * as tf from '@tensorflow/tfjs';

import { oneTensor, wrapLayerCall } from './layer-calls.js';
import type { Repair } from './types.js';

export const dilatedConvolution: Repair = {
  name: 'dilated-convolution',
  fault: 'Conv2D (and Conv1D, which runs on it) with a dilation above 1 refuses to give a gradient.',
  backends: 'all',
  apply() {
    extendGradient();
    // The fused op of Conv2D layers brings a gradient of its own, with the same refusal.
    wrapLayerCall(tf.layers.conv2d({ filters: 1, kernelSize: 1 }), (called, inputs, kwargs, stock) => {
      const layer = called as unknown as Conv2DParts;
      if (layer.dilationRate.every((rate) => rate === 1)) return stock(inputs, kwargs);
      return unfused(layer, oneTensor(inputs));
    });
  },
};

interface Conv2DParts {
  readonly dilationRate: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dataFormat: 'channelsFirst' | 'channelsLast';
  readonly kernel: { read(): tf.Tensor4D };
  readonly bias: { read(): tf.Tensor1D } | null;
  readonly activation: { apply(x: tf.Tensor): tf.Tensor };
}

function unfused(layer: Conv2DParts, input: tf.Tensor): tf.Tensor {
  const first = layer.dataFormat === 'channelsFirst';
  const x = (first ? tf.transpose(input, [0, 2, 3, 1]) : input) as tf.Tensor4D;
  const kernel = layer.kernel.read();
  let y: tf.Tensor = tf.conv2d(x, kernel, layer.strides, layer.padding, 'NHWC', layer.dilationRate);
  if (layer.bias !== null) y = tf.add(y, layer.bias.read());
  return layer.activation.apply(first ? tf.transpose(y, [0, 3, 1, 2]) : y);
}

interface ConvolutionAttributes {
  readonly dilations: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dataFormat?: string;
}

function extendGradient(): void {
  const stock = tf.getGradient('Conv2D');
  tf.unregisterGradient('Conv2D');
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const convolution = attrs as unknown as ConvolutionAttributes;
      const [height, width] = pair(convolution.dilations);
      if ((height === 1 && width === 1) || convolution.dataFormat === 'NCHW') return stock.gradFunc(dy, saved, attrs);
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return dilatedGradient(dy as tf.Tensor4D, x, filter, convolution);
    },
  });
}

/**
 * A convolution with dilation d (and stride 1, which tfjs demands) is a plain one on each of the d x d images of every
 * d-th pixel: space to batch, convolve, batch to space. So are its gradients.
 */
function dilatedGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { dilations, strides, pad }: ConvolutionAttributes,
): { x: () => tf.Tensor; filter: () => tf.Tensor } {
  const block = pair(dilations);
  const info = tf.backend_util.computeConv2DInfo(x.shape, filter.shape, strides, dilations, pad);
  const { top, bottom, left, right } = info.padInfo;
  const below = missing(info.inHeight + top + bottom, block[0]);
  const beside = missing(info.inWidth + left + right, block[1]);
  const margins = [
    [top, bottom + below],
    [left, right + beside],
  ];
  const images = (): tf.Tensor4D => tf.spaceToBatchND(x, block, margins);
  const gradients: tf.Tensor4D = tf.spaceToBatchND(dy, block, [
    [0, below],
    [0, beside],
  ]);
  return {
    x: () => tf.batchToSpaceND(tf.conv2dTranspose(gradients, filter, images().shape, 1, 'valid'), block, margins),
    filter: () =>
      tf
        .engine()
        .runKernel(
          'Conv2DBackpropFilter',
          { x: images(), dy: gradients },
          { strides: [1, 1], pad: 'valid', dataFormat: 'NHWC', filterShape: filter.shape },
        ),
  };
}

/** What a size lacks to the next multiple of the block. */
function missing(size: number, block: number): number {
  return (block - (size % block)) % block;
}

function pair(value: number | [number, number]): [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}
