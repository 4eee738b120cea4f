import * as tf from '@tensorflow/tfjs';

import type { Heap } from './grow.js';
import { startedHeap } from './host-heap.js';
import { session } from './session.js';

/** What a softmax's cross-entropy and its accuracies are made of, [rows] each. */
export interface Crossentropies {
  /** log(Σ e^score) - score of the class, in float64. */
  readonly loss: Float64Array;
  /** 2 x (how many units score higher than the class) + (1 where one before it scores as high). */
  readonly rank: Int32Array;
}

/**
 * Cross-entropies of rows of scores, vectorized in float64.
 *
 * @param scores [rows, units]
 * @param classes [rows], each 0..units-1
 * @returns undefined where the own kernels don't run
 */
export function crossentropies(scores: Float32Array, units: number, classes: Int32Array): Crossentropies | undefined {
  const s = heapOf(tf.getBackend());
  const rows = classes.length;
  if (s === undefined || rows === 0) return undefined;
  for (let row = 0; row < rows; row++) if (classes[row] < 0 || classes[row] >= units) return undefined;
  const address = s.buffer('scores', rows * (4 * units + 24));
  const [ownClasses, values] = [address + 16 * rows, address + 24 * rows];
  const { buffer } = s.floatsAt(address, 1);
  new Float32Array(buffer, values, rows * units).set(scores);
  new Int32Array(buffer, ownClasses, rows).set(classes);
  const each = Math.max(64, Math.ceil(rows / (4 * s.threads)));
  // prettier-ignore
  s.run('crossentropy', Math.ceil(rows / each), values, ownClasses, address, address + 8 * rows, address + 20 * rows, rows, units, each);
  const sums = new Float64Array(buffer, address, rows);
  const distances = new Float64Array(buffer, address + 8 * rows, rows);
  const loss = new Float64Array(rows);
  for (let row = 0; row < rows; row++) loss[row] = Math.log(sums[row]) + distances[row];
  return { loss, rank: new Int32Array(buffer, address + 20 * rows, rows).slice() };
}

/** Beside TensorFlow a heap of the kernels' own, where something has started it. */
function heapOf(backend: string): Heap | undefined {
  if (backend === 'tensorflow') return startedHeap();
  return backend === 'wasm' && session()?.covers('crossentropy') === true ? session() : undefined;
}
