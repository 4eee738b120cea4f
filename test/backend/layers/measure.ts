import * as tf from '@tensorflow/tfjs';

import { gradientError } from '../../../src/backend/doctor/gradient-check.js';
import { createRandom } from '../../../src/random/index.js';
import type { LayerCase } from './cases.js';

const BATCH = 3;
const STEPS = 3;
const LEARNING_RATE = 0.05;

/** What one backend makes of one case. */
export interface Measured {
  readonly output: Float32Array;
  /** Of the input and every trainable weight, in training, against central differences. */
  readonly gradientError: number;
  /** All weights, also moving averages, after three steps of gradient descent. */
  readonly weights: readonly Float32Array[];
  /** Tensors that the case left behind. */
  readonly leaked: number;
}

/** tfjs' variables of layers: `read` may be replaced on an instance, so that a weight becomes an input. */
interface LayerWeight {
  readonly shape: number[];
  read(): tf.Tensor;
}

/**
 * Builds the case's model on the current backend, from seeded weights and inputs, and measures it.
 *
 * @param sampled derivatives looked at per input
 */
export async function measure(layerCase: LayerCase, sampled: number): Promise<Measured> {
  const before = tf.memory().numTensors;
  const model = build(layerCase);
  seedWeights(model);
  const inputs = seededInputs(layerCase);
  const output = await predict(model, layerCase, inputs);
  const error = await checkGradients(model, layerCase, inputs, sampled);
  const weights = await train(model, layerCase, inputs);
  model.dispose();
  return { output, gradientError: error, weights, leaked: tf.memory().numTensors - before };
}

function build(layerCase: LayerCase): tf.LayersModel {
  const inputs = layerCase.inputs.map((shape) => tf.input({ shape: [...shape] }));
  return tf.model({ inputs, outputs: layerCase.output(inputs) });
}

function seedWeights(model: tf.LayersModel): void {
  const random = createRandom(11);
  tf.tidy(() => {
    for (const weight of model.trainableWeights) {
      const shape = weight.shape as number[];
      weight.write(
        tf.tensor(
          randomValues(size(shape), () => 0.4 * random.normal()),
          shape,
        ),
      );
    }
  });
}

function seededInputs(layerCase: LayerCase): Float32Array[] {
  const random = createRandom(12);
  const { integers } = layerCase;
  const draw = integers === undefined ? () => random.normal() : () => random.integer(integers);
  return layerCase.inputs.map((shape) => randomValues(BATCH * size(shape), draw));
}

async function predict(
  model: tf.LayersModel,
  layerCase: LayerCase,
  inputs: readonly Float32Array[],
): Promise<Float32Array> {
  const output = tf.tidy(() => model.predict(tensors(layerCase, inputs)) as tf.Tensor);
  const values = (await output.data()) as Float32Array;
  output.dispose();
  return values;
}

async function checkGradients(
  model: tf.LayersModel,
  layerCase: LayerCase,
  inputs: readonly Float32Array[],
  sampled: number,
): Promise<number> {
  const weights = model.trainableWeights as unknown as LayerWeight[];
  const real = layerCase.integers === undefined ? inputs : [];
  const values = [...real, ...(await Promise.all(weights.map(async (w) => (await w.read().data()) as Float32Array)))];
  const shapes = [...layerCase.inputs.slice(0, real.length).map(withBatch), ...weights.map((weight) => weight.shape)];
  const moving = model.nonTrainableWeights.map((weight) => weight.read().clone());
  const error = await gradientError(
    {
      name: layerCase.name,
      shapes,
      values,
      run: (given) => {
        const xs = real.length > 0 ? given.slice(0, real.length) : tensors(layerCase, inputs);
        return withWeights(weights, given.slice(real.length), () => applyInTraining(model, xs));
      },
    },
    // a small step, because neither the sides of a relu nor of a maximum may change
    { seed: 13, step: 2e-3, sampled },
  );
  for (const [index, weight] of model.nonTrainableWeights.entries()) weight.write(moving[index]);
  tf.dispose(moving);
  return error;
}

function applyInTraining(model: tf.LayersModel, inputs: tf.Tensor[]): tf.Tensor {
  return model.apply(inputs.length === 1 ? inputs[0] : inputs, { training: true }) as tf.Tensor;
}

function withWeights(weights: LayerWeight[], values: readonly tf.Tensor[], run: () => tf.Tensor): tf.Tensor {
  try {
    for (const [index, weight] of weights.entries()) weight.read = () => values[index];
    return run();
  } finally {
    for (const weight of weights) delete (weight as Partial<LayerWeight>).read;
  }
}

async function train(
  model: tf.LayersModel,
  layerCase: LayerCase,
  inputs: readonly Float32Array[],
): Promise<Float32Array[]> {
  const optimizer = tf.train.sgd(LEARNING_RATE);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const xs = tensors(layerCase, inputs);
  const random = createRandom(14);
  const shape = [BATCH, ...model.outputShape.slice(1)] as number[];
  const target = tf.tensor(
    randomValues(size(shape), () => random.normal()),
    shape,
  );
  for (let step = 0; step < STEPS; step++) await model.trainOnBatch(xs.length === 1 ? xs[0] : xs, target);
  const weights = await Promise.all(model.getWeights().map(async (weight) => (await weight.data()) as Float32Array));
  tf.dispose([xs, target]);
  optimizer.dispose();
  return weights;
}

function tensors(layerCase: LayerCase, inputs: readonly Float32Array[]): tf.Tensor[] {
  return inputs.map((values, index) => tf.tensor(values, withBatch(layerCase.inputs[index])));
}

function withBatch(shape: readonly number[]): number[] {
  return [BATCH, ...shape];
}

function randomValues(count: number, draw: () => number): Float32Array {
  return Float32Array.from({ length: count }, draw);
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
