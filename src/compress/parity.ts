import * as tf from '@tensorflow/tfjs';

import type { HostArray, Split } from '../data/types.js';
import { GateError } from '../errors.js';
import { chunks } from '../evaluate/forward.js';
import { runProgram, type ModelGraph } from '../graph/index.js';
import type { CompressRecord } from '../records/types.js';

/** Outputs for some inputs, both in the model's order; the caller disposes them. */
export type Predict = (inputs: readonly tf.Tensor[]) => tf.Tensor[];

export interface ParityOptions {
  /** Rows to compare on. */
  readonly split: Split;
  readonly batchSize: number;
  /** What is compared, as a sentence's subject: "The sliced model and the masked one". */
  readonly title: string;
  /** The first rows of the split, this many at most. */
  readonly examples?: number;
  /** Largest difference allowed, as a share of the largest output. */
  readonly tolerance?: number;
  /** Awaited between chunks; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const PARITY_DEFAULTS = { examples: 256, tolerance: 1e-5 } as const;

export type Parity = CompressRecord['parity'];

/**
 * Compares two models' outputs, activation and all, on some rows.
 * @throws GateError where they differ by more than 1e-5 of the largest output, or one is not finite
 */
export async function checkParity(a: Predict, b: Predict, options: ParityOptions): Promise<Parity> {
  const { split, batchSize, title } = options;
  const { examples = PARITY_DEFAULTS.examples, tolerance = PARITY_DEFAULTS.tolerance } = options;
  const size = Math.min(split.size, examples);
  let [maxAbsDifference, maxOutput] = [0, 0];
  for await (const { batch } of chunks({ size, read: (rows) => split.read(rows) }, batchSize)) {
    await options.pause?.();
    const gaps = compare(a, b, batch.inputs);
    // Math.max hands NaN on
    for (const { difference, largest } of gaps) {
      maxAbsDifference = Math.max(maxAbsDifference, difference);
      maxOutput = Math.max(maxOutput, largest);
    }
  }
  if (!(maxAbsDifference <= tolerance * maxOutput)) {
    throw new GateError(
      `${title} differ by ${maxAbsDifference} on ${size} examples, where the largest output is ${maxOutput}: at most ${tolerance} of it was expected.`,
      { hint: 'Nothing was written. Please report this with the model and the plan.' },
    );
  }
  return { maxAbsDifference, maxOutput, examples: size };
}

/** The one with the larger difference for its outputs. */
export function worseParity(a: Parity, b: Parity): Parity {
  return shareOf(a) >= shareOf(b) ? a : b;
}

function shareOf({ maxAbsDifference, maxOutput }: Parity): number {
  return maxOutput === 0 ? 0 : maxAbsDifference / maxOutput;
}

/** A graph's program as it stands. */
export function predictorOf({ program }: ModelGraph): Predict {
  return (inputs) => runProgram(program, new Map(program.inputs.map((value, i) => [value, inputs[i]])));
}

function compare(
  a: Predict,
  b: Predict,
  inputs: readonly HostArray[],
): { readonly difference: number; readonly largest: number }[] {
  return tf.tidy(() => {
    const tensors = inputs.map(toTensor);
    const [left, right] = [a(tensors), b(tensors)];
    return left.map((tensor, i) => {
      tf.util.assertShapesMatch(tensor.shape, right[i].shape);
      const [x, y] = [tensor.dataSync(), right[i].dataSync()];
      let [difference, largest] = [0, 0];
      for (let at = 0; at < x.length; at++) {
        difference = Math.max(difference, Math.abs(x[at] - y[at]));
        largest = Math.max(largest, Math.abs(x[at]));
      }
      return { difference, largest };
    });
  });
}

function toTensor({ values, shape }: HostArray): tf.Tensor {
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}
