import * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';

/** Stands in for a size that the model leaves open (other than the batch). */
const OPEN_SIZE = 32;

/**
 * Tries, layer by layer and on zeros, one example, whether tfjs' current backend can run and differentiate the model in
 * training. What tfjs cannot do it would otherwise say in the middle of the first step, and without naming the layer.
 * Weights, moving averages and the number of tensors are as before; layers that count their calls have made one.
 *
 * @param model a model, or layers in the order in which they run
 * @param backendName for the message
 * @throws ModelError that names the first layer that cannot be trained, and why
 */
export function assertTrainable(model: tf.LayersModel | readonly tf.layers.Layer[], backendName: string): void {
  let weightsBefore = false;
  for (const layer of flatten('layers' in model ? model.layers : model)) {
    const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (weightsBefore || variables.length > 0) tryLayer(layer, variables, weightsBefore, backendName);
    weightsBefore ||= variables.length > 0;
  }
}

function flatten(layers: readonly tf.layers.Layer[]): tf.layers.Layer[] {
  return layers.flatMap((layer) => {
    if (layer instanceof tf.LayersModel) return flatten(layer.layers);
    return layer.getClassName() === 'InputLayer' ? [] : [layer];
  });
}

function tryLayer(
  layer: tf.layers.Layer,
  weights: readonly tf.Variable[],
  differentiateInputs: boolean,
  backendName: string,
): void {
  const statistics = layer.nonTrainableWeights.map((weight) => weight.read().clone());
  const inputs = inputShapes(layer).map((shape) => tf.tidy(() => tf.variable(tf.zeros(shape))));
  try {
    tf.tidy(() => {
      const call = (): tf.Scalar => tf.sum(tf.cast(firstOutput(layer, inputs), 'float32'));
      tf.variableGrads(call, differentiateInputs ? [...weights, ...inputs] : [...weights]);
    });
  } catch (error) {
    throw refusal(layer, backendName, error);
  } finally {
    for (const [index, weight] of layer.nonTrainableWeights.entries()) weight.write(statistics[index]);
    tf.dispose([statistics, inputs]);
  }
}

function inputShapes(layer: tf.layers.Layer): number[][] {
  // tfjs' type names the shapes loosely; in a node of a graph there is one list of sizes per input
  const shapes = layer.inboundNodes[0].inputShapes as (number | null)[][];
  return shapes.map((shape) => shape.map((size, axis) => size ?? (axis === 0 ? 1 : OPEN_SIZE)));
}

function firstOutput(layer: tf.layers.Layer, inputs: tf.Variable[]): tf.Tensor {
  const output = layer.call(inputs.length === 1 ? inputs[0] : inputs, { training: true });
  return Array.isArray(output) ? output[0] : output;
}

function refusal(layer: tf.layers.Layer, backendName: string, error: unknown): ModelError {
  const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
  return new ModelError(
    `Layer ${layer.name} (${layer.getClassName()}) cannot be trained on the ${backendName} backend: ${reason}`,
    { cause: error, hint: 'Measure the model as it is with --no-retrain, or take the layer out.' },
  );
}
