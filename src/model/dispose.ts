import * as tf from '@tensorflow/tfjs';

import { leafLayers, weightEntries } from './build.js';

/** Where recurrent layers and their wrappers keep inner layers, and tensors that no dispose() of tfjs reaches. */
const INNER = ['layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells'];
const KEPT = ['dropoutMask', 'recurrentDropoutMask', 'states_', 'keptStates'];

/**
 * Disposes a model and all it holds. `model.dispose()` alone leaves the weights of nested models (each holds a count on itself) and
 * the dropout masks and states that recurrent layers keep from their last call.
 */
export function disposeModel(model: tf.LayersModel): void {
  const variables = weightEntries(model).map(({ variable }) => variable);
  const layers = leafLayers(model).map(({ layer }) => layer);
  model.dispose();
  for (const variable of variables) if (!variable.isDisposed) variable.dispose();
  for (const layer of layers) disposeKept(layer, 0);
}

function disposeKept(holder: unknown, depth: number): void {
  if (typeof holder !== 'object' || holder === null || depth > 4) return;
  for (const key of KEPT) {
    for (const tensor of tensorsIn(Reflect.get(holder, key))) if (!tensor.isDisposed) tensor.dispose();
  }
  for (const key of INNER) {
    const inner: unknown = Reflect.get(holder, key);
    for (const one of Array.isArray(inner) ? inner : [inner]) disposeKept(one, depth + 1);
  }
}

function tensorsIn(value: unknown): tf.Tensor[] {
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  return value instanceof tf.Tensor ? [value] : [];
}
