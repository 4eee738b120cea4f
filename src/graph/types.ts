import type * as tf from '@tensorflow/tfjs';

import type { Cost, SkippedLayer } from '../records/types.js';

/** A tensor of the flattened model. Its id is its place in `Program.values`. */
export interface Value {
  readonly id: number;
  /** Batch first; null where the model leaves a size open. */
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
}

/** One call of one layer; a shared layer has several, a nested model is flattened into its inner steps. */
export interface Step {
  readonly index: number;
  readonly layer: tf.layers.Layer;
  /** Path of the layer, unique per layer: `dense_1`, nested `encoder/dense_1`. */
  readonly name: string;
  /** Which call of that layer this is, from 0. */
  readonly call: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The value whose time mask (Masking, Embedding with maskZero) the layer is given; null: none. */
  readonly mask: number | null;
}

/** A value that stands for a nested model's input at one of its calls. */
export interface Entry {
  /** The nested model's InputLayer. */
  readonly layer: tf.layers.Layer;
  readonly value: number;
}

/** A LayersModel as a straight list of steps in topological order. */
export interface Program {
  readonly values: readonly Value[];
  readonly steps: readonly Step[];
  /** Value ids, in the model's order. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly entries: readonly Entry[];
}

/**
 * The place right before a layer mixes the features: what `reader` reads of `value` along `axis` is masked. A recurrent layer is also
 * a reader of its own output: there `state` is true, and what is masked is the state [B, units] that its recurrent kernel reads (axis 1).
 */
export interface TailPoint {
  readonly value: number;
  /** Index of the step that reads the value. */
  readonly reader: number;
  /** Axis of the value that holds the features, counted from 0 with the batch at 0. */
  readonly axis: number;
  /** Per position along that axis: the group's unit, or -1 for a position of something else. Null: position = unit. */
  readonly units: Int32Array | null;
  /** For people and records: "before conv2d_2", "inside lstm_1". */
  readonly name: string;
  /** The layers that mix what is masked here: the reader, or those behind the Flatten that reads. */
  readonly consumers: readonly string[];
  /** True where a recurrent layer reads its own state. */
  readonly state?: boolean;
}

/** All the weight axes that must shrink together when one width shrinks. */
export interface WidthGroup {
  readonly name: string;
  /** Number of units. */
  readonly n: number;
  /** Every layer that loses weights, producers first. */
  readonly layers: readonly string[];
  /** The layers whose own kernels make the features. */
  readonly producers: readonly string[];
  /** The layers that mix the features. */
  readonly consumers: readonly string[];
  readonly tailPoints: readonly TailPoint[];
  /** Steps of recurrent layers whose state belongs to the group: the recurrent kernel reads the masked state too (see TailPoint.state). */
  readonly recurrent: readonly number[];
}

export interface LayerInfo {
  readonly name: string;
  readonly className: string;
  readonly outputShape: readonly (number | null)[] | readonly (readonly (number | null)[])[];
  readonly parameters: number;
  readonly macs: number;
}

/** One kernel as two; see bases/factorCost. */
export interface FactorChange {
  readonly k: number;
  /** `channel`: k filters of full size, then 1 x 1. `spatial`: kh x 1 into k channels, then 1 x kw. */
  readonly form: 'channel' | 'spatial';
  /** The basis corrects a mean: the layer has a bias even where it had none. */
  readonly corrected: boolean;
}

/** What happens to a model beside its widths. */
export interface CostChanges {
  /** By path of the layer; a kernel that would have no fewer weights as two at these widths stays whole. */
  readonly factors?: ReadonlyMap<string, FactorChange>;
  /**
   * Groups below full width whose units are replaced by constants: a layer that reads them gets a bias where it has none, and no
   * BatchNormalization right behind it that takes its place.
   */
  readonly folded?: ReadonlySet<string>;
}

export interface ModelGraph {
  readonly model: tf.LayersModel;
  readonly program: Program;
  readonly layers: readonly LayerInfo[];
  readonly groups: readonly WidthGroup[];
  readonly skipped: readonly SkippedLayer[];
  /**
   * Cost of the whole model with these groups at these widths (0 <= k <= n) and the others full.
   * Bytes: `bytesPerWeight` of the model's source is applied per weight (4 unless it was quantised). A kernel that is factored is
   * stored as it was; a bias that a layer did not have takes 4 bytes a number.
   */
  cost(widths: ReadonlyMap<string, number>, changes?: CostChanges): Cost;
}
