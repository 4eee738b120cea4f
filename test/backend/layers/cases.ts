import * as tf from '@tensorflow/tfjs';

type Symbolic = tf.SymbolicTensor;

export interface LayerCase {
  readonly name: string;
  /** Of one example, per input. */
  readonly inputs: readonly (readonly number[])[];
  /** Inputs are whole numbers below this instead of real numbers around zero. */
  readonly integers?: number;
  readonly output: (inputs: Symbolic[]) => Symbolic;
  /** Runs in the short test too. */
  readonly short?: true;
}

const ACTIVATIONS =
  'linear relu relu6 elu selu sigmoid hardSigmoid softplus softsign tanh softmax logSoftmax gelu gelu_new mish swish'.split(
    ' ',
  );

/** Layers of one input after something with weights, so that their own gradient with respect to the input is trained on. */
function after(first: () => tf.layers.Layer, ...layers: (() => tf.layers.Layer)[]): LayerCase['output'] {
  return ([x]) => [first, ...layers].reduce<Symbolic>((value, make) => make().apply(value) as Symbolic, x);
}

const pixelwise = (): tf.layers.Layer => tf.layers.conv2d({ filters: 2, kernelSize: 1 });
const steps = (): tf.layers.Layer => tf.layers.dense({ units: 3 });
const features = (): tf.layers.Layer => tf.layers.dense({ units: 4 });

function image(name: string, layer: () => tf.layers.Layer, size: readonly number[] = [5, 6, 2]): LayerCase {
  return { name, inputs: [size], output: after(pixelwise, layer) };
}

function sequence(name: string, layer: () => tf.layers.Layer): LayerCase {
  return { name, inputs: [[5, 3]], output: after(steps, layer) };
}

function vector(name: string, layer: () => tf.layers.Layer): LayerCase {
  return { name, inputs: [[4]], output: after(features, layer) };
}

function volume(name: string, layer: () => tf.layers.Layer): LayerCase {
  return {
    name,
    inputs: [[3, 4, 3, 2]],
    output: after(() => tf.layers.conv3d({ filters: 2, kernelSize: 1 }), layer),
  };
}

function merge(name: string, layer: () => tf.layers.Layer): LayerCase {
  return {
    name,
    inputs: [[4], [4]],
    output: ([a, b]) => layer().apply([features().apply(a) as Symbolic, features().apply(b) as Symbolic]) as Symbolic,
  };
}

function short(layerCase: LayerCase): LayerCase {
  return { ...layerCase, short: true };
}

function dense(): LayerCase[] {
  return [
    ...ACTIVATIONS.map((activation) => ({
      ...vector(`Dense, ${activation}`, () => tf.layers.dense({ units: 3, activation: activation as 'relu' })),
      ...(activation === 'relu' ? { short: true as const } : {}),
    })),
    vector('Dense without bias', () => tf.layers.dense({ units: 3, useBias: false })),
    sequence('Dense on a sequence', () => tf.layers.dense({ units: 2, activation: 'tanh' })),
    sequence('TimeDistributed(Dense)', () => tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2 }) })),
  ];
}

function convolutions(): LayerCase[] {
  const { conv2d, conv1d, conv2dTranspose, depthwiseConv2d, separableConv2d } = tf.layers;
  const base = { filters: 3, kernelSize: 3 };
  return [
    sequence("Conv1D, 'valid'", () => conv1d({ filters: 2, kernelSize: 2 })),
    sequence("Conv1D, 'same', stride 2", () => conv1d({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' })),
    sequence('Conv1D, dilation 2', () => conv1d({ filters: 2, kernelSize: 2, dilationRate: 2 })),
    image("Conv2D, 'valid'", () => conv2d(base)),
    short(image("Conv2D, 'same', relu", () => conv2d({ ...base, padding: 'same', activation: 'relu' }))),
    image("Conv2D, 'same', stride 2", () => conv2d({ ...base, padding: 'same', strides: 2 })),
    image("Conv2D, 'valid', stride 2", () => conv2d({ ...base, strides: 2 })),
    image('Conv2D, 1x1, no bias, tanh', () =>
      conv2d({ filters: 3, kernelSize: 1, useBias: false, activation: 'tanh' }),
    ),
    image('Conv2D, 2x3', () => conv2d({ filters: 2, kernelSize: [2, 3], padding: 'same' })),
    short(image('Conv2D, dilation 2', () => conv2d({ filters: 2, kernelSize: 2, dilationRate: 2 }))),
    image('Conv2D, dilation 2, relu', () => conv2d({ filters: 2, kernelSize: 2, dilationRate: 2, activation: 'relu' })),
    {
      name: 'Conv2D, channelsFirst',
      inputs: [[2, 5, 6]],
      output: after(() => conv2d({ ...base, padding: 'same', dataFormat: 'channelsFirst' })),
    },
    image('Conv2DTranspose', () => conv2dTranspose({ filters: 2, kernelSize: 3 })),
    short(image("Conv2DTranspose, 'same', stride 2", () => conv2dTranspose({ ...base, strides: 2, padding: 'same' }))),
    image('DepthwiseConv2D', () => depthwiseConv2d({ kernelSize: 3 })),
    short(
      image("DepthwiseConv2D, 'same', stride 2, multiplier 2", () =>
        depthwiseConv2d({ kernelSize: 3, padding: 'same', strides: 2, depthMultiplier: 2 }),
      ),
    ),
    image("SeparableConv2D, 'same', relu", () => separableConv2d({ ...base, padding: 'same', activation: 'relu' })),
    image('SeparableConv2D, stride 2', () => separableConv2d({ ...base, strides: [2, 2] })),
  ];
}

function volumes(): LayerCase[] {
  return [
    volume("Conv3D, 'valid'", () => tf.layers.conv3d({ filters: 2, kernelSize: 2 })),
    short(
      volume("Conv3D, 'same', stride 2", () =>
        tf.layers.conv3d({ filters: 2, kernelSize: 2, strides: 2, padding: 'same' }),
      ),
    ),
    volume("Conv3DTranspose, 'same', stride 2", () =>
      tf.layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2, padding: 'same' }),
    ),
    volume('MaxPooling3D', () => tf.layers.maxPooling3d({ poolSize: 2, padding: 'same' })),
    volume("AveragePooling3D, 'same'", () => tf.layers.averagePooling3d({ poolSize: 2, padding: 'same' })),
    volume('AveragePooling3D', () => tf.layers.averagePooling3d({ poolSize: 2 })),
  ];
}

function pooling(): LayerCase[] {
  const { maxPooling2d, averagePooling2d } = tf.layers;
  return [
    sequence('MaxPooling1D', () => tf.layers.maxPooling1d({ poolSize: 2 })),
    sequence('AveragePooling1D', () => tf.layers.averagePooling1d({ poolSize: 2 })),
    sequence("AveragePooling1D, 'same'", () => tf.layers.averagePooling1d({ poolSize: 2, padding: 'same' })),
    short(image('MaxPooling2D', () => maxPooling2d({}))),
    image("MaxPooling2D, 3x3, stride 1, 'same'", () => maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' })),
    image('MaxPooling2D, 3x2, stride 2', () => maxPooling2d({ poolSize: [3, 2], strides: 2 })),
    {
      name: 'MaxPooling2D of negative numbers',
      inputs: [[4, 4, 2]],
      short: true,
      output: after(
        pixelwise,
        () => tf.layers.rescaling({ scale: 1, offset: -9 }),
        () => maxPooling2d({}),
      ),
    },
    image('AveragePooling2D', () => averagePooling2d({})),
    short(image("AveragePooling2D, 'same'", () => averagePooling2d({ padding: 'same' }))),
    image("AveragePooling2D, 3x3, stride 1, 'same'", () =>
      averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
    ),
    sequence('GlobalAveragePooling1D', () => tf.layers.globalAveragePooling1d()),
    sequence('GlobalMaxPooling1D', () => tf.layers.globalMaxPooling1d()),
    image('GlobalAveragePooling2D', () => tf.layers.globalAveragePooling2d({})),
    image('GlobalMaxPooling2D', () => tf.layers.globalMaxPooling2d({})),
    short(image('UpSampling2D, nearest', () => tf.layers.upSampling2d({ size: [2, 3] }))),
    image('UpSampling2D, bilinear', () => tf.layers.upSampling2d({ interpolation: 'bilinear' })),
  ];
}

function normalization(): LayerCase[] {
  const { batchNormalization, layerNormalization } = tf.layers;
  return [
    short(vector('BatchNormalization', () => batchNormalization())),
    image('BatchNormalization of images', () => batchNormalization(), [3, 2, 2]),
    sequence('BatchNormalization of sequences', () => batchNormalization()),
    vector('BatchNormalization without center', () => batchNormalization({ center: false })),
    vector('BatchNormalization without scale', () => batchNormalization({ scale: false })),
    short(
      image('BatchNormalization without either', () => batchNormalization({ center: false, scale: false }), [3, 2, 2]),
    ),
    image('BatchNormalization along axis 1', () => batchNormalization({ axis: 1 }), [3, 2, 2]),
    vector('BatchNormalization, frozen', () => batchNormalization({ trainable: false })),
    vector('LayerNormalization', () => layerNormalization()),
    image('LayerNormalization of images', () => layerNormalization(), [3, 2, 2]),
    vector('LayerNormalization without either', () => layerNormalization({ center: false, scale: false })),
  ];
}

function shapes(): LayerCase[] {
  return [
    image('ZeroPadding2D', () => tf.layers.zeroPadding2d({ padding: [1, 2] })),
    image('Cropping2D', () =>
      tf.layers.cropping2D({
        cropping: [
          [1, 0],
          [2, 1],
        ],
      }),
    ),
    image('Reshape', () => tf.layers.reshape({ targetShape: [10, 6] })),
    image('Permute', () => tf.layers.permute({ dims: [3, 1, 2] })),
    image('Flatten', () => tf.layers.flatten()),
    vector('RepeatVector', () => tf.layers.repeatVector({ n: 3 })),
    short({
      name: 'Embedding',
      inputs: [[5]],
      integers: 4,
      output: after(() => tf.layers.embedding({ inputDim: 4, outputDim: 3 })),
    }),
    vector('Rescaling', () => tf.layers.rescaling({ scale: 0.5, offset: 1 })),
    vector('Dropout', () => tf.layers.dropout({ rate: 0.4, seed: 5 })),
    vector('Activation', () => tf.layers.activation({ activation: 'tanh' })),
  ];
}

function recurrent(): LayerCase[] {
  const { simpleRNN, lstm, gru, bidirectional, masking, embedding } = tf.layers;
  const units = { units: 3 };
  const masked = (name: string, layer: () => tf.layers.Layer): LayerCase => ({
    name,
    inputs: [[4]],
    integers: 3,
    output: after(() => embedding({ inputDim: 3, outputDim: 2, maskZero: true }), layer),
  });
  return [
    sequence('SimpleRNN', () => simpleRNN(units)),
    short(sequence('LSTM', () => lstm(units))),
    sequence('LSTM, returnSequences, backwards', () => lstm({ ...units, returnSequences: true, goBackwards: true })),
    sequence('GRU', () => gru(units)),
    sequence('Bidirectional(LSTM)', () => bidirectional({ layer: lstm(units), mergeMode: 'concat' })),
    sequence('Bidirectional(GRU), sum', () =>
      bidirectional({ layer: gru({ ...units, returnSequences: true }), mergeMode: 'sum' }),
    ),
    short(masked('Embedding with mask, LSTM', () => lstm(units))),
    masked('Embedding with mask, GRU', () => gru({ ...units, returnSequences: true })),
    masked('Embedding with mask, SimpleRNN', () => simpleRNN(units)),
    {
      name: 'Masking, LSTM',
      inputs: [[4, 2]],
      integers: 2,
      output: after(
        () => masking({ maskValue: 0 }),
        () => lstm(units),
      ),
    },
    {
      name: 'ConvLSTM2D',
      inputs: [[3, 4, 4, 1]],
      output: after(() => tf.layers.convLstm2d({ filters: 2, kernelSize: 2, padding: 'same' })),
    },
    {
      name: 'TimeDistributed(Conv2D)',
      inputs: [[2, 4, 4, 1]],
      output: after(() => tf.layers.timeDistributed({ layer: tf.layers.conv2d({ filters: 2, kernelSize: 2 }) })),
    },
  ];
}

function merging(): LayerCase[] {
  return [
    short(merge('Add', () => tf.layers.add())),
    merge('Multiply', () => tf.layers.multiply()),
    merge('Average', () => tf.layers.average()),
    merge('Maximum', () => tf.layers.maximum()),
    merge('Minimum', () => tf.layers.minimum()),
    merge('Concatenate', () => tf.layers.concatenate()),
    merge('Dot', () => tf.layers.dot({ axes: -1 })),
    merge('Dot, normalized', () => tf.layers.dot({ axes: -1, normalize: true })),
  ];
}

function activations(): LayerCase[] {
  return [
    vector('ReLU', () => tf.layers.reLU()),
    vector('ReLU up to 1', () => tf.layers.reLU({ maxValue: 1 })),
    vector('LeakyReLU', () => tf.layers.leakyReLU({ alpha: 0.2 })),
    vector('PReLU', () => tf.layers.prelu({ alphaInitializer: 'ones' })),
    vector('ELU', () => tf.layers.elu()),
    short(vector('ThresholdedReLU', () => tf.layers.thresholdedReLU({ theta: 0.2 }))),
    vector('Softmax', () => tf.layers.softmax()),
  ];
}

/** The layer table: every layer class of tfjs 4.22 that can be trained, in the settings that differ in kernels. */
export const LAYER_CASES: readonly LayerCase[] = [
  ...dense(),
  ...convolutions(),
  ...volumes(),
  ...pooling(),
  ...normalization(),
  ...shapes(),
  ...recurrent(),
  ...merging(),
  ...activations(),
];
