import { assert, integer, property } from 'fast-check';
import * as tf from '@tensorflow/tfjs';

import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom } from '../../src/random/index.js';
import { randomInputs } from '../graph/models.js';
import { randomArchitecture } from './architectures.js';
import { PARITY, maskedOutputs, parity, predict, randomKeep, relativeError } from './parity.js';

export interface Tally {
  models: number;
  groups: number;
  /** Layers that lost weights in some run, by the kind in their names. */
  readonly kinds: Set<string>;
}

/** Runs the property on this many random models and throws fast-check's report at the first that fails. */
export function checkRandomModels(runs: number, seed: number): Tally {
  const tally: Tally = { models: 0, groups: 0, kinds: new Set() };
  assert(
    property(integer({ min: 0, max: 2 ** 31 }), (draw) => {
      checkModel(draw, tally);
    }),
    { numRuns: runs, seed, endOnFailure: true },
  );
  return tally;
}

function checkModel(seed: number, tally: Tally): void {
  const model = randomArchitecture(seed);
  const inputs = randomInputs(model, 2, seed);
  try {
    const graph = readGraph(model);
    const keep = randomKeep(graph, createRandom(seed));
    const { error, parameters, cost } = parity(graph, inputs, keep);
    const widths = new Map([...keep].map(([name, units]) => [name, units.length]));
    const whole = wholeError(graph, inputs);
    if (!(whole <= PARITY)) throw new Error(`the program and predict differ by ${whole} of the largest output`);
    if (!(error <= PARITY)) throw new Error(`masked and sliced differ by ${error} of the largest output`);
    const said = JSON.stringify(graph.cost(widths));
    if (said !== JSON.stringify(cost))
      throw new Error(`cost says ${said}, and the sliced model has ${JSON.stringify(cost)}`);
    if (cost.parameters !== parameters)
      throw new Error(`${cost.parameters} parameters were counted, not ${parameters}`);
    tally.models++;
    tally.groups += graph.groups.length;
    for (const group of graph.groups)
      for (const layer of group.layers) tally.kinds.add(layer.replace(/.*\/|_\d+$/g, ''));
  } finally {
    tf.dispose(inputs);
    disposeModel(model);
  }
}

/** Nothing masked: the flattened program against stock predict. */
function wholeError(graph: ModelGraph, inputs: readonly tf.Tensor[]): number {
  return tf.tidy(() => relativeError(maskedOutputs(graph, inputs, new Map()), predict(graph.model, inputs)));
}
