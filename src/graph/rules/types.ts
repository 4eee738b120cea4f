import type * as tf from '@tensorflow/tfjs';

import type { Units } from '../units.js';

/**
 * Per axis of a tensor (batch at 0): which unit each position belongs to, or null for an axis that holds no features that could
 * shrink. An element belongs to every unit that its positions belong to.
 */
export type Marks = readonly (Int32Array | null)[];

export interface Marked {
  readonly shape: readonly (number | null)[];
  readonly marks: Marks;
}

/** A size that may shrink: a number, or the positions of an axis. */
export type Extent = number | Int32Array;

/** What an axis of a weight is to the features: made there, read and mixed there, or only passed through. */
export type AxisRole = 'makes' | 'reads' | 'passes';

export interface WeightAxis {
  readonly units: Int32Array;
  readonly role: AxisRole;
}

/** One call of one layer, as its rule sees it, and what the rule may say about it. */
export interface LayerCall {
  readonly layer: tf.layers.Layer;
  /** How to name the layer in a reason: layer "dense_1" (Dense). */
  readonly title: string;
  readonly units: Units;
  readonly inputs: readonly Marked[];
  readonly outputShapes: readonly (readonly (number | null)[])[];
  /** The features that the layer's own kernel makes: the same units at every call. */
  makes(n: number): Int32Array;
  /** Features that the layer's own kernel works on one by one. */
  filters(units: Int32Array): void;
  /** The layer mixes the features along this axis of an input: a tail point lies right before it. */
  reads(input: number, axis: number): void;
  /** A recurrent layer reads its own state, made of these units. */
  readsState(units: Int32Array): void;
  /** What the axes of a weight belong to; null for an axis that keeps its size. Absent weights are ignored. */
  weight(variable: tf.LayerVariable | null | undefined, axes: readonly (WeightAxis | null)[]): void;
  /** Each element of the weight is multiplied this often for one example. */
  macs(variable: tf.LayerVariable | null | undefined, times: readonly Extent[]): void;
  /** A place of the layer's config that holds the size of these units. */
  size(path: readonly (string | number)[], units: Int32Array): void;
  /** Keeps units from shrinking; `why` ends the sentence that begins with the layer that makes them. */
  pin(units: Int32Array | null, why: string): void;
}

/** Passes marks from a layer's inputs to its outputs and says what the call does with them. */
export type Rule = (call: LayerCall) => Marks[];

export function makes(units: Int32Array | null): WeightAxis | null {
  return units === null ? null : { units, role: 'makes' };
}

export function reads(units: Int32Array | null): WeightAxis | null {
  return units === null ? null : { units, role: 'reads' };
}

export function passes(units: Int32Array | null): WeightAxis | null {
  return units === null ? null : { units, role: 'passes' };
}
