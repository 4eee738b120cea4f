import * as tf from '@tensorflow/tfjs';

import { registerMany, replaceKernel, sizeOf } from '../kernel.js';
import type { Info } from '../kernel.js';
import { affine, columnSums } from './passes.js';
import { usesOwnKernels } from './relu-gradient.js';
import { session } from './session.js';
import type { Session } from './session.js';

type Weight = { read(): tf.Tensor; write(value: tf.Tensor): unknown };
type Call = (
  this: tf.layers.Layer,
  inputs: tf.Tensor | tf.Tensor[],
  kwargs: Record<string, unknown>,
) => tf.Tensor | tf.Tensor[];
type BatchNormalization = tf.layers.Layer & {
  readonly axis: number;
  readonly scale: boolean;
  readonly center: boolean;
  readonly epsilon: number;
  readonly momentum: number;
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
};

/**
 * Batch normalization over the last axis as passes along the columns: y = a x + c with the moving statistics, its
 * gradient (frozen layers are trained through), and training with the batch's own.
 */
export function installBatchNorm(): void {
  installInference();
  installInferenceGradient();
  installTraining();
  const prototype = Object.getPrototypeOf(tf.layers.batchNormalization()) as { call: Call };
  const { call } = prototype;
  prototype.call = function own(inputs, kwargs) {
    const layer = this as BatchNormalization;
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    const covered = layer.scale && layer.center && (layer.axis === -1 || layer.axis === x.rank - 1) && x.size > 0;
    const training = kwargs['training'] === true && layer.trainable && layer.trainableWeights.length > 0;
    if (!covered || !training || !usesOwnKernels()) return call.call(this, inputs, kwargs);
    return tf.tidy(() => train(layer, x));
  };
}

/** One training call: the batch's statistics normalize, and move the layer's own. */
function train(layer: BatchNormalization, x: tf.Tensor): tf.Tensor {
  const inputs = { x, gamma: layer.gamma.read(), beta: layer.beta.read() };
  const results = tf.engine().runKernel('TrainBatchNorm', inputs, { epsilon: layer.epsilon });
  const [y, mean, variance] = results as unknown as tf.Tensor[];
  move(layer.movingMean, mean, layer.momentum);
  move(layer.movingVariance, variance, layer.momentum);
  return y;
}

function move(weight: Weight, value: tf.Tensor, momentum: number): void {
  weight.write(tf.add(tf.mul(weight.read(), momentum), tf.mul(value, 1 - momentum)));
}

function installInference(): void {
  replaceKernel('FusedBatchNorm', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const { x, mean, variance, offset, scale } = inputs;
    const vectors = [mean, variance, offset, scale].filter((v) => v !== undefined);
    const m = x.shape.at(-1);
    const plain = vectors.every((v) => v.shape.length === 1 && v.shape[0] === m && v.dtype === 'float32');
    if (!s || !plain || x.dtype !== 'float32' || sizeOf(x.shape) === 0) return stock!(inputs, attributes, backend);
    const out = s.output(x.shape);
    const [a, c] = columnVectors(s, 2, m!);
    const deviation = reciprocalDeviation(s, variance, attributes['varianceEpsilon'] as number);
    const means = view(s, mean);
    deviation.forEach((d, j) => {
      a[j] = d * (scale === undefined ? 1 : view(s, scale)[j]);
      c[j] = (offset === undefined ? 0 : view(s, offset)[j]) - means[j] * a[j];
    });
    affine(s, { p: s.at(x), o: s.at(out), a: a.byteOffset, c: c.byteOffset, rows: sizeOf(x.shape) / m!, m: m! });
    return out;
  });
}

function installInferenceGradient(): void {
  // [2, m]: sum of dy, and of dy * (x - mean)
  replaceKernel('BatchNormSums', 'wasm', () => ({ x, mean, dy }) => {
    const s = session()!;
    const m = mean.shape[0];
    const out = s.output([2, m]);
    columnSums(s, 2, s.at(x), sizeOf(x.shape) / m, m, s.at(out), 1, s.at(mean), s.at(dy));
    return out;
  });
  replaceKernel('ScaleColumns', 'wasm', () => ({ x, scale }) => {
    const s = session()!;
    const m = scale.shape[0];
    const out = s.output(x.shape);
    affine(s, { p: s.at(x), o: s.at(out), a: s.at(scale), rows: sizeOf(x.shape) / m, m });
    return out;
  });
  const stock = tf.getGradient('FusedBatchNorm');
  tf.unregisterGradient('FusedBatchNorm');
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attributes) => {
      const [x, mean, variance, gamma] = saved as (tf.Tensor | undefined)[];
      const own = usesOwnKernels() && mean?.rank === 1 && mean.shape[0] === x?.shape.at(-1);
      if (!own || !x || !variance) return stock.gradFunc(dy, saved, attributes);
      const scale = gamma?.rank === 1 ? gamma : tf.onesLike(mean);
      return inferenceGradient(dy as tf.Tensor, x, mean, variance, scale, attributes['varianceEpsilon'] as number);
    },
  });
}

function inferenceGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  scale: tf.Tensor,
  epsilon: number,
): Record<string, () => tf.Tensor> {
  const deviation = tf.rsqrt(tf.add(variance, epsilon));
  // tfjs disposes what one of these functions makes, so they share nothing
  const sums = (): tf.Tensor[] => tf.unstack(tf.engine().runKernel<tf.Tensor>('BatchNormSums', { x, mean, dy }));
  return {
    x: () => tf.engine().runKernel('ScaleColumns', { x: dy, scale: tf.mul(scale, deviation) }),
    mean: () => tf.neg(tf.mul(sums()[0], tf.mul(scale, deviation))),
    variance: () => tf.mul(tf.mul(sums()[1], scale), tf.mul(tf.pow(deviation, 3), -0.5)),
    offset: () => sums()[0],
    scale: () => tf.mul(sums()[1], deviation),
  };
}

function installTraining(): void {
  registerMany('TrainBatchNorm', ({ x, gamma, beta }, attributes) => {
    const s = session()!;
    const m = gamma.shape[0];
    const rows = sizeOf(x.shape) / m;
    const [y, mean, variance] = [s.output(x.shape), s.output([m]), s.output([m])];
    columnSums(s, 0, s.at(x), rows, m, s.at(mean), 1 / rows);
    columnSums(s, 1, s.at(x), rows, m, s.at(variance), 1 / rows, s.at(mean));
    const [a, c] = columnVectors(s, 2, m);
    reciprocalDeviation(s, variance, attributes['epsilon'] as number).forEach((d, j) => {
      a[j] = d * view(s, gamma)[j];
      c[j] = view(s, beta)[j] - view(s, mean)[j] * a[j];
    });
    affine(s, { p: s.at(x), o: s.at(y), a: a.byteOffset, c: c.byteOffset, rows, m });
    return [y, mean, variance];
  });
  replaceKernel('TrainBatchNormGradient', 'wasm', () => ({ x, dy, gamma, mean, variance, sums }, attributes) => {
    const s = session()!;
    const m = gamma.shape[0];
    const rows = sizeOf(x.shape) / m;
    const out = s.output(x.shape);
    const [a, b, c] = columnVectors(s, 3, m);
    const both = view(s, sums);
    // dx = gamma d (dy - sum(dy) / n - (x - mean) d^2 sum(dy (x - mean)) / n), d = 1 / sqrt(variance + epsilon)
    reciprocalDeviation(s, variance, attributes['epsilon'] as number).forEach((d, j) => {
      a[j] = view(s, gamma)[j] * d;
      b[j] = (-a[j] * d * d * both[m + j]) / rows;
      c[j] = (-a[j] * both[j]) / rows - b[j] * view(s, mean)[j];
    });
    const addresses = { a: a.byteOffset, b: b.byteOffset, c: c.byteOffset };
    affine(s, { p: s.at(dy), q: s.at(x), o: s.at(out), ...addresses, rows, m });
    return out;
  });
  tf.registerGradient({
    kernelName: 'TrainBatchNorm',
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gamma, mean, variance], attributes) => {
      const dy = (dys as tf.Tensor[])[0];
      const engine = tf.engine();
      const sums = engine.runKernel<tf.Tensor>('BatchNormSums', { x, mean, dy });
      const [beta, product] = tf.unstack(sums);
      const epsilon = attributes['epsilon'] as number;
      return {
        x: () => engine.runKernel('TrainBatchNormGradient', { x, dy, gamma, mean, variance, sums }, { epsilon }),
        gamma: () => tf.mul(product, tf.rsqrt(tf.add(variance, epsilon))),
        beta: () => beta,
      };
    },
  });
}

/** That many vectors of m floats on the heap, good until the next call. */
function columnVectors(s: Session, count: number, m: number): Float32Array[] {
  const address = s.buffer('vectors', count * m * 4);
  return Array.from({ length: count }, (_, i) => s.floatsAt(address + i * m * 4, m));
}

function view(s: Session, x: Info): Float32Array {
  return s.backend.typedArrayFromHeap(x) as Float32Array;
}

function reciprocalDeviation(s: Session, variance: Info, epsilon: number): Float32Array {
  return view(s, variance).map((v) => 1 / Math.sqrt(v + epsilon));
}
