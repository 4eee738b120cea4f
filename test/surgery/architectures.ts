import * as tf from '@tensorflow/tfjs';

import { createRandom, type Random } from '../../src/random/index.js';

type Tensor = tf.SymbolicTensor;

/** A small random model with every number drawn from the seed; inputs are images, sequences or vectors. */
export function randomArchitecture(seed: number): tf.LayersModel {
  const random = createRandom(seed);
  const builder = new Builder(random);
  const kind = random.integer(4);
  const model =
    kind === 0 ? images(builder) : kind === 1 ? sequences(builder) : kind === 2 ? vectors(builder) : words(builder);
  return scramble(model, random);
}

/** Weights that are nowhere zero by chance, biases and statistics included, and small enough not to saturate. */
export function scramble(model: tf.LayersModel, random: Random): tf.LayersModel {
  tf.tidy(() => {
    for (const weight of new Set(model.weights)) {
      const positive = /variance/.test(weight.name);
      const size = weight.shape.reduce<number>((all, n) => all * n!, 1);
      const fan = Math.max(1, size / (weight.shape.at(-1) ?? 1));
      const scale = weight.shape.length > 1 ? 1 / Math.sqrt(fan) : 0.5;
      const values = Float32Array.from({ length: size }, () =>
        positive ? 0.5 + random.uniform() : scale * random.normal(),
      );
      weight.write(tf.tensor(values, weight.shape as number[]));
    }
  });
  return model;
}

/** Draws blocks. Names are given, so that equal seeds give equal models. */
class Builder {
  readonly random: Random;
  #names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  name(kind: string): string {
    return `${kind}_${++this.#names}`;
  }

  width(): number {
    return 2 + this.random.integer(5);
  }

  chance(share: number): boolean {
    return this.random.uniform() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)];
  }

  activation(): 'relu' | 'sigmoid' | 'tanh' | 'elu' | 'linear' | 'softplus' {
    return this.pick(['relu', 'sigmoid', 'tanh', 'elu', 'linear', 'softplus']);
  }
}

function one(layer: tf.layers.Layer, input: Tensor | Tensor[]): Tensor {
  return layer.apply(input) as Tensor;
}

function last(tensor: Tensor): number {
  return tensor.shape.at(-1)!;
}

function images(b: Builder): tf.LayersModel {
  const input = tf.input({ shape: [6, 6, 2], name: 'image' });
  let x = convolve(b, input);
  const depth = 2 + b.random.integer(3);
  for (let i = 0; i < depth; i++) x = imageBlock(b, x);
  return tf.model({ inputs: input, outputs: head(b, imageVector(b, x)) });
}

function convolve(b: Builder, x: Tensor, filters = b.width(), strides = 1): Tensor {
  const name = b.name('conv');
  const padding = b.pick(['same', 'valid'] as const);
  const small = x.shape[1]! < 3;
  const args = {
    name,
    filters,
    kernelSize: small ? 1 : 3,
    strides,
    padding,
    useBias: b.chance(0.7),
    activation: b.activation(),
  };
  return one(b.chance(0.2) ? tf.layers.separableConv2d({ ...args, depthMultiplier: 2 }) : tf.layers.conv2d(args), x);
}

function sameConvolve(b: Builder, x: Tensor, filters: number): Tensor {
  return one(
    tf.layers.conv2d({ name: b.name('conv'), filters, kernelSize: 3, padding: 'same', activation: b.activation() }),
    x,
  );
}

function normalize(b: Builder, x: Tensor): Tensor {
  return one(tf.layers.batchNormalization({ name: b.name('bn') }), x);
}

function imageBlock(b: Builder, x: Tensor): Tensor {
  const blocks: readonly ((x: Tensor) => Tensor)[] = [
    (x) => normalize(b, convolve(b, x)),
    (x) =>
      one(tf.layers.add({ name: b.name('add') }), [
        x,
        normalize(b, sameConvolve(b, sameConvolve(b, x, b.width()), last(x))),
      ]),
    (x) =>
      one(tf.layers.concatenate({ name: b.name('concat') }), [
        x,
        sameConvolve(b, x, b.width()),
        sameConvolve(b, x, b.width()),
      ]),
    (x) => depthwise(b, x),
    (x) => (x.shape[1]! > 2 ? one(pooling(b), x) : x),
    (x) => one(tf.layers.zeroPadding2d({ name: b.name('pad') }), x),
    (x) => one(tf.layers.prelu({ name: b.name('prelu'), sharedAxes: b.chance(0.5) ? [1, 2] : undefined }), x),
    (x) => gate(b, x),
    (x) =>
      one(
        tf.layers.conv2dTranspose({
          name: b.name('up'),
          filters: b.width(),
          kernelSize: 2,
          strides: 2,
          activation: b.activation(),
        }),
        x,
      ),
    (x) => nested(b, x),
    (x) =>
      one(
        tf.layers.leakyReLU({ name: b.name('leaky') }),
        one(tf.layers.dropout({ name: b.name('drop'), rate: 0.3 }), x),
      ),
    (x) =>
      one(b.pick([tf.layers.average, tf.layers.maximum, tf.layers.multiply])({ name: b.name('merge') }), [
        x,
        sameConvolve(b, x, last(x)),
      ]),
    (x) => one(tf.layers.permute({ name: b.name('permute'), dims: [2, 1, 3] }), x),
  ];
  return b.pick(blocks)(x);
}

function pooling(b: Builder): tf.layers.Layer {
  return b.pick([tf.layers.maxPooling2d, tf.layers.averagePooling2d])({
    name: b.name('pool'),
    poolSize: 2,
    padding: 'valid',
  });
}

function depthwise(b: Builder, x: Tensor): Tensor {
  const depthMultiplier = 1 + b.random.integer(2);
  const args = {
    name: b.name('depthwise'),
    kernelSize: 3,
    padding: 'same' as const,
    depthMultiplier,
    activation: b.activation(),
  };
  return one(tf.layers.depthwiseConv2d(args), x);
}

/** Squeeze and excitation: the channels weigh themselves, so the gate is tied to the stream. */
function gate(b: Builder, x: Tensor): Tensor {
  const channels = last(x);
  const squeezed = one(tf.layers.globalAveragePooling2d({ name: b.name('squeeze') }), x);
  const hidden = one(tf.layers.dense({ name: b.name('dense'), units: b.width(), activation: 'relu' }), squeezed);
  const weights = one(tf.layers.dense({ name: b.name('dense'), units: channels, activation: 'sigmoid' }), hidden);
  const reshape = tf.layers.reshape({ name: b.name('reshape'), targetShape: [1, 1, channels] });
  // Without the Reshape the merge layer itself adds the two axes.
  const shaped = b.chance(0.5) ? one(reshape, weights) : weights;
  return one(tf.layers.multiply({ name: b.name('scale') }), [x, shaped]);
}

/** A nested model, called once or twice in a row. */
function nested(b: Builder, x: Tensor): Tensor {
  const shape = x.shape.slice(1);
  const filters = last(x);
  const conv = { filters, kernelSize: 1, activation: b.activation() };
  const inner = b.chance(0.5)
    ? tf.sequential({
        name: b.name('block'),
        layers: [tf.layers.conv2d({ name: b.name('conv'), inputShape: shape, ...conv })],
      })
    : functionalBlock(b, shape, conv);
  const once = one(inner, x);
  return b.chance(0.5) ? one(inner, once) : once;
}

function functionalBlock(
  b: Builder,
  shape: (number | null)[],
  conv: Parameters<typeof tf.layers.conv2d>[0],
): tf.LayersModel {
  const entry = tf.input({ shape, name: b.name('entry') });
  const body = one(tf.layers.conv2d({ name: b.name('conv'), ...conv }), entry);
  const sum = one(tf.layers.add({ name: b.name('add') }), [entry, body]);
  return tf.model({ name: b.name('block'), inputs: entry, outputs: sum });
}

function imageVector(b: Builder, x: Tensor): Tensor {
  const pools = [tf.layers.globalAveragePooling2d, tf.layers.globalMaxPooling2d];
  return b.chance(0.5)
    ? one(b.pick(pools)({ name: b.name('global') }), x)
    : one(tf.layers.flatten({ name: b.name('flat') }), x);
}

function sequences(b: Builder): tf.LayersModel {
  const input = tf.input({ shape: [5, 3], name: 'sequence' });
  return tf.model({ inputs: input, outputs: head(b, sequenceVector(b, sequenceBody(b, input))) });
}

/** With a mask, recurrent layers only: stock TensorFlow.js fails where a merge layer meets a masked and an unmasked input. */
function words(b: Builder): tf.LayersModel {
  const input = tf.input({ shape: [5], name: 'words' });
  const maskZero = b.chance(0.4);
  const embedding = tf.layers.embedding({ name: b.name('embedding'), inputDim: 6, outputDim: b.width(), maskZero });
  const x = one(recurrent(b, true), one(embedding, input));
  const vector = maskZero ? one(recurrent(b, false), x) : sequenceVector(b, sequenceBody(b, x));
  return tf.model({ inputs: input, outputs: head(b, vector) });
}

function sequenceBody(b: Builder, x: Tensor): Tensor {
  const depth = 1 + b.random.integer(3);
  for (let i = 0; i < depth; i++) x = sequenceBlock(b, x);
  return x;
}

function recurrent(b: Builder, returnSequences: boolean): tf.layers.Layer {
  const args = {
    name: b.name('rnn'),
    units: b.width(),
    returnSequences,
    recurrentInitializer: 'glorotUniform' as const,
  };
  const layer = b.pick([tf.layers.lstm, tf.layers.gru, tf.layers.simpleRNN])(args);
  if (b.chance(0.6)) return layer;
  return tf.layers.bidirectional({
    name: b.name('both'),
    layer,
    mergeMode: b.pick(['concat', 'sum', 'ave', 'mul'] as const),
  });
}

function sequenceBlock(b: Builder, x: Tensor): Tensor {
  const dense = (units: number): tf.layers.Layer =>
    tf.layers.dense({ name: b.name('dense'), units, activation: b.activation() });
  const blocks: readonly ((x: Tensor) => Tensor)[] = [
    (x) => one(recurrent(b, true), x),
    (x) => one(recurrent(b, true), x),
    (x) =>
      one(
        tf.layers.conv1d({
          name: b.name('conv'),
          filters: b.width(),
          kernelSize: 3,
          padding: 'same',
          activation: b.activation(),
        }),
        x,
      ),
    (x) => one(dense(b.width()), x),
    (x) => one(tf.layers.timeDistributed({ name: b.name('timed'), layer: dense(b.width()) }), x),
    (x) => one(tf.layers.add({ name: b.name('add') }), [x, one(dense(last(x)), x)]),
    (x) => one(tf.layers.concatenate({ name: b.name('concat') }), [one(dense(b.width()), x), x]),
    (x) => one(tf.layers.layerNormalization({ name: b.name('ln') }), x),
    (x) => normalize(b, x),
    (x) => one(dense(last(x)), one(tf.layers.permute({ name: b.name('permute'), dims: [2, 1] }), x)),
    (x) => shared(b, x),
    (x) => one(tf.layers.spatialDropout1d({ name: b.name('drop'), rate: 0.2 }), x),
  ];
  return b.pick(blocks)(x);
}

/** One Dense called twice in a row: its inputs and outputs are tied. */
function shared(b: Builder, x: Tensor): Tensor {
  const layer = tf.layers.dense({ name: b.name('shared'), units: last(x), activation: 'tanh' });
  return one(layer, one(layer, x));
}

function sequenceVector(b: Builder, x: Tensor): Tensor {
  const ways: readonly ((x: Tensor) => Tensor)[] = [
    (x) => one(recurrent(b, false), x),
    (x) => one(tf.layers.globalAveragePooling1d({ name: b.name('global') }), x),
    (x) => one(tf.layers.flatten({ name: b.name('flat') }), x),
  ];
  return b.pick(ways)(x);
}

function vectors(b: Builder): tf.LayersModel {
  const left = tf.input({ shape: [4], name: 'left' });
  const right = tf.input({ shape: [3], name: 'right' });
  const dense = (x: Tensor, units: number): Tensor =>
    one(tf.layers.dense({ name: b.name('dense'), units, activation: b.activation(), useBias: b.chance(0.8) }), x);
  const [n, m] = [b.width(), b.width()];
  const bodies: readonly (() => Tensor)[] = [
    () => one(tf.layers.concatenate({ name: b.name('concat') }), [dense(left, n), dense(right, m), left]),
    () => one(tf.layers.dot({ name: b.name('dot'), axes: 1 }), [dense(left, n), dense(right, n)]),
    () => one(tf.layers.multiply({ name: b.name('multiply') }), [dense(left, n), dense(right, n)]),
    () =>
      one(tf.layers.add({ name: b.name('add') }), [
        one(tf.layers.concatenate({ name: b.name('concat') }), [dense(left, n), dense(right, m)]),
        dense(left, n + m),
      ]),
    () =>
      one(
        recurrent(b, false),
        one(
          tf.layers.repeatVector({ name: b.name('repeat'), n: 3 }),
          one(tf.layers.add({ name: b.name('add') }), [dense(left, n), dense(right, n)]),
        ),
      ),
    () =>
      one(
        tf.layers.upSampling2d({ name: b.name('up') }),
        sameConvolve(
          b,
          one(
            tf.layers.reshape({ name: b.name('reshape'), targetShape: [2, 2, n] }),
            one(tf.layers.add({ name: b.name('add') }), [dense(left, 4 * n), dense(right, 4 * n)]),
          ),
          m,
        ),
      ),
  ];
  const body = b.pick(bodies)();
  const vector = body.shape.length === 4 ? imageVector(b, body) : body;
  const outputs = b.chance(0.3)
    ? [head(b, vector), head(b, dense(vector, b.width()))]
    : head(b, dense(vector, b.width()));
  return tf.model({ inputs: [left, right], outputs });
}

function head(b: Builder, x: Tensor): Tensor {
  return one(tf.layers.dense({ name: b.name('out'), units: 3, activation: b.pick(['softmax', 'linear'] as const) }), x);
}
