import * as tf from '@tensorflow/tfjs';

import type { HostArray, Split } from '../data/types.js';
import { GateError } from '../errors.js';
import { chunks } from '../evaluate/forward.js';
import { runProgram, type ModelGraph } from '../graph/index.js';
import type { CompressRecord } from '../records/types.js';

/** Outputs for some inputs, both in the model's order, on demand without their last softmax or sigmoid; the caller disposes them. */
export type Predict = (inputs: readonly tf.Tensor[], options?: { readonly logits?: boolean }) => tf.Tensor[];

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
 * Compares two models' outputs on some rows. Where those differ, the numbers before the last softmax or sigmoid decide: it magnifies what float32
 * rounds in large scores, so that one model on two backends differs as much.
 *
 * @throws GateError where both differ by more than 1e-5 of the largest number, or one is not finite
 */
export async function checkParity(a: Predict, b: Predict, options: ParityOptions): Promise<Parity> {
  const { tolerance = PARITY_DEFAULTS.tolerance } = options;
  const agrees = ({ maxAbsDifference, maxOutput }: Parity): boolean => maxAbsDifference <= tolerance * maxOutput;
  const outputs = await compareRows(a, b, false, options);
  if (agrees(outputs)) return outputs;
  const scores = await compareRows(a, b, true, options);
  if (agrees(scores)) return scores;
  const { maxAbsDifference, maxOutput, examples } = outputs;
  throw new GateError(
    `${options.title} differ by ${maxAbsDifference} on ${examples} examples, where the largest output is ${maxOutput}: at most ${tolerance} of it was expected.`,
    { hint: 'Nothing was written. Please report this with the model and the plan.' },
  );
}

async function compareRows(a: Predict, b: Predict, logits: boolean, options: ParityOptions): Promise<Parity> {
  const { split, batchSize, examples = PARITY_DEFAULTS.examples } = options;
  const size = Math.min(split.size, examples);
  let [maxAbsDifference, maxOutput] = [0, 0];
  for await (const { batch } of chunks({ size, read: (rows) => split.read(rows) }, batchSize)) {
    await options.pause?.();
    for (const { difference, largest } of compare(a, b, batch.inputs, logits)) {
      // Math.max hands NaN on
      maxAbsDifference = Math.max(maxAbsDifference, difference);
      maxOutput = Math.max(maxOutput, largest);
    }
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
  return (inputs, { logits = false } = {}) =>
    runProgram(program, new Map(program.inputs.map((value, i) => [value, inputs[i]])), { logits });
}

function compare(
  a: Predict,
  b: Predict,
  inputs: readonly HostArray[],
  logits: boolean,
): { readonly difference: number; readonly largest: number }[] {
  return tf.tidy(() => {
    const tensors = inputs.map(toTensor);
    const [left, right] = [a(tensors, { logits }), b(tensors, { logits })];
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
