import * as tf from '@tensorflow/tfjs';

import { createRandom } from '../../random/index.js';

export interface GradientCase {
  readonly name: string;
  /** Shapes of the inputs, a few dozen numbers each: every derivative costs two forward passes. */
  readonly shapes: readonly (readonly number[])[];
  /** Where the derivatives are taken; default: seeded values around zero, more than 2h apart. */
  readonly values?: readonly Float32Array[];
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor;
}

export interface GradientCheckOptions {
  /** Of the inputs and of the weights of the outputs. */
  readonly seed: number;
  /** Half the distance of the central difference, h; > 0. */
  readonly step?: number;
  /** Derivatives looked at per input, at most. */
  readonly sampled?: number;
}

/** At this h float32 rounding (1e-7 of the outputs, over 2h) and the third derivative's h^2 / 6 both stay under 1e-4. */
export const GRADIENT_CHECK_DEFAULTS = { step: 1e-2, sampled: 32 } as const;

/** Where all derivatives are nearly zero (a bias before a normalization), rounding is not held against them. */
const SMALLEST_SCALE = 0.05;

/** Inputs are apart by more than 2h, so that no maximum and no relu changes sides between the two passes. */
const SPACING = 3e-2;

/**
 * Compares the gradient of a random weighting of the outputs with central finite differences, on tfjs' current backend.
 *
 * @returns the largest difference, over the largest derivative of its input; Infinity where one is not finite
 * @throws whatever tfjs throws where a kernel or gradient is missing
 */
export async function gradientError(gradientCase: GradientCase, options: GradientCheckOptions): Promise<number> {
  const { seed, step, sampled } = { ...GRADIENT_CHECK_DEFAULTS, ...options };
  const random = createRandom(seed);
  const spaced = gradientCase.shapes.map((shape) => spacedValues(size(shape), random.permutation(size(shape))));
  const inputs = gradientCase.values ?? spaced;
  const weights = await outputWeights(gradientCase, inputs, random.normal);
  const gradients = await analyticGradients(gradientCase, inputs, weights);
  let worst = 0;
  for (const [index, values] of inputs.entries()) {
    const places = random.permutation(values.length).subarray(0, sampled);
    const differences: number[] = [];
    for (const place of places) {
      differences.push(await difference(gradientCase, inputs, weights, { index, place, step }));
    }
    worst = Math.max(worst, largestError(gradients[index], places, differences));
  }
  return worst;
}

function largestError(gradient: Float32Array, places: Int32Array, differences: readonly number[]): number {
  const scale = Math.max(SMALLEST_SCALE, ...differences.map(Math.abs));
  const errors = differences.map((expected, i) => Math.abs(gradient[places[i]] - expected) / scale);
  return errors.every(Number.isFinite) ? Math.max(...errors) : Number.POSITIVE_INFINITY;
}

/** A permuted grid around zero, shifted by half a spacing so that zero, where relu bends, is not on it. */
function spacedValues(count: number, order: Int32Array): Float32Array {
  return Float32Array.from(order, (place) => (place - Math.floor(count / 2) + 0.5) * SPACING);
}

async function outputWeights(
  gradientCase: GradientCase,
  inputs: readonly Float32Array[],
  normal: () => number,
): Promise<Float32Array> {
  const outputs = await forward(gradientCase, inputs);
  return outputs.map(() => normal());
}

async function forward(gradientCase: GradientCase, inputs: readonly Float32Array[]): Promise<Float32Array> {
  const output = tf.tidy(() => gradientCase.run(tensors(gradientCase, inputs)));
  const values = (await output.data()) as Float32Array;
  output.dispose();
  return values;
}

async function analyticGradients(
  gradientCase: GradientCase,
  inputs: readonly Float32Array[],
  weights: Float32Array,
): Promise<Float32Array[]> {
  const gradients = tf.tidy(() => {
    const weighted = (...xs: tf.Tensor[]): tf.Tensor => {
      const output = gradientCase.run(xs);
      return tf.sum(tf.mul(output, tf.tensor(weights, output.shape)));
    };
    return tf.grads(weighted)(tensors(gradientCase, inputs));
  });
  const values = await Promise.all(gradients.map(async (gradient) => (await gradient.data()) as Float32Array));
  tf.dispose(gradients);
  return values;
}

/** The weighted sum is taken on the host, in float64: only the op under test rounds to float32. */
async function difference(
  gradientCase: GradientCase,
  inputs: readonly Float32Array[],
  weights: Float32Array,
  { index, place, step }: { index: number; place: number; step: number },
): Promise<number> {
  const sums: number[] = [];
  for (const signed of [step, -step]) {
    const moved = inputs.map((values, i) => (i === index ? withStep(values, place, signed) : values));
    const outputs = await forward(gradientCase, moved);
    sums.push(outputs.reduce((sum, value, i) => sum + value * weights[i], 0));
  }
  const reached = withStep(inputs[index], place, step)[place] - withStep(inputs[index], place, -step)[place];
  return (sums[0] - sums[1]) / reached;
}

function withStep(values: Float32Array, place: number, step: number): Float32Array {
  const moved = values.slice();
  moved[place] += step;
  return moved;
}

function tensors(gradientCase: GradientCase, inputs: readonly Float32Array[]): tf.Tensor[] {
  return inputs.map((values, i) => tf.tensor(values, [...gradientCase.shapes[i]]));
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
