import type * as tf from '@tensorflow/tfjs';

import { convolution, depthwiseConvolution, separableConvolution, transposedConvolution } from './convolution.js';
import { dense, embedding } from './dense.js';
import { activation, dropout, elementwise, prelu } from './elementwise.js';
import { concatenate, dot, tie } from './merging.js';
import { batchNormalization, layerNormalization, masking, softmax } from './normalization.js';
import { globalPooling, spatial } from './pooling.js';
import { bidirectional, recurrent } from './recurrent.js';
import { flatten, permute, repeatVector, reshape } from './reshaping.js';
import { unsupported } from './unsupported.js';
import type { LayerCall, Marks, Rule } from './types.js';

/** How each class of layer treats features. A class that is not here is listed as not followed. */
const RULES: Readonly<Record<string, Rule>> = {
  Dense: dense,
  Embedding: embedding,
  Conv1D: convolution,
  Conv2D: convolution,
  Conv3D: convolution,
  Conv2DTranspose: transposedConvolution,
  Conv3DTranspose: transposedConvolution,
  SeparableConv2D: separableConvolution,
  DepthwiseConv2D: depthwiseConvolution,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Softmax: softmax,
  Masking: masking,
  Activation: activation,
  PReLU: prelu,
  ReLU: elementwise,
  LeakyReLU: elementwise,
  ELU: elementwise,
  ThresholdedReLU: elementwise,
  Dropout: dropout,
  SpatialDropout1D: elementwise,
  SpatialDropout2D: elementwise,
  GaussianNoise: elementwise,
  GaussianDropout: elementwise,
  AlphaDropout: elementwise,
  TailDropout: elementwise,
  Rescaling: elementwise,
  MaxPooling1D: spatial,
  MaxPooling2D: spatial,
  MaxPooling3D: spatial,
  AveragePooling1D: spatial,
  AveragePooling2D: spatial,
  AveragePooling3D: spatial,
  ZeroPadding2D: spatial,
  Cropping2D: spatial,
  UpSampling2D: spatial,
  GlobalAveragePooling1D: globalPooling,
  GlobalMaxPooling1D: globalPooling,
  GlobalAveragePooling2D: globalPooling,
  GlobalMaxPooling2D: globalPooling,
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeatVector,
  Add: tie,
  Subtract: tie,
  Average: tie,
  Maximum: tie,
  Minimum: tie,
  Multiply: tie,
  Concatenate: concatenate,
  Dot: dot,
  SimpleRNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  RNN: recurrent,
  Bidirectional: bidirectional,
  TimeDistributed: timeDistributed,
};

export function ruleOf(layer: tf.layers.Layer): Rule {
  return RULES[layer.getClassName()] ?? unsupported;
}

/** TimeDistributed: the inner layer's rule on tensors without axis 1, which it leaves alone. */
function timeDistributed(call: LayerCall): Marks[] {
  const layer = (call.layer as unknown as { layer: tf.layers.Layer }).layer;
  const [input] = call.inputs;
  const steps = input.marks[1] ?? input.shape[1] ?? 1;
  const inner: LayerCall = {
    ...call,
    layer,
    inputs: [{ shape: without(input.shape, 1), marks: without(input.marks, 1) }],
    outputShapes: call.outputShapes.map((shape) => without(shape, 1)),
    reads: (index, axis) => call.reads(index, axis + 1),
    macs: (variable, times) => call.macs(variable, [steps, ...times]),
    size: (path, units) => call.size(['layer', 'config', ...path], units),
  };
  // What a recurrent layer inside keeps as its state is out of reach of the masks.
  const rule = ruleOf(layer);
  const followed = rule === recurrent || rule === bidirectional ? unsupported : rule;
  return followed(inner).map((marks) => [marks[0], input.marks[1], ...marks.slice(1)]);
}

function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, i) => i !== index);
}
