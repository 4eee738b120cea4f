import type { ModelFit } from '../data/spec.js';
import { fetchesLogits } from '../evaluate/forward.js';
import { finalActivations, hasLogits } from '../graph/index.js';
import type { ModelGraph, Program, Step } from '../graph/types.js';

/** What data must fit, read off a model: names, shapes, dtypes, vocabularies, the last activation. */
export function fitOf(graph: ModelGraph, inputShape?: readonly number[]): ModelFit {
  const { program, model } = graph;
  return {
    inputs: program.inputs.map((value, i) => ({
      // a Sequential has no list of input names
      name: model.inputs[i].sourceLayer.name,
      shape: program.values[value].shape,
      dtype: program.values[value].dtype,
      ...indexRangeOf(program, value),
    })),
    output: { shape: program.values[program.outputs[0]].shape, activation: outputActivation(program) },
    outputs: program.outputs.length,
    firstLayerRescales: program.steps[0]?.layer.getClassName() === 'Rescaling',
    ...(inputShape === undefined ? {} : { inputShape }),
  };
}

/**
 * Activation that makes the first output, in tfjs words. A softmax or sigmoid counts only where the program can be run
 * without it; `linear` where no layer applies one, and for several outputs, which are compared as they stand.
 */
export function outputActivation(program: Program): string {
  if (!fetchesLogits(program)) return 'linear';
  const final = finalActivations(program)[0] ?? null;
  if (final !== null) return hasLogits(program, final) ? final.activation : 'none';
  const last = program.steps.findLast((step) => step.outputs.includes(program.outputs[0]));
  return last === undefined ? 'linear' : (activationName(last) ?? 'linear');
}

function activationName({ layer }: Step): string | undefined {
  const held = (layer as { activation?: { getClassName?(): string } }).activation;
  return held?.getClassName?.();
}

/** An Embedding reads indices below its number of rows. */
function indexRangeOf(program: Program, value: number): { indexRange?: number } {
  const reader = program.steps.find((step) => step.inputs.includes(value) && step.layer.getClassName() === 'Embedding');
  if (reader === undefined) return {};
  const { inputDim } = reader.layer as unknown as { readonly inputDim: number };
  return { indexRange: inputDim };
}
