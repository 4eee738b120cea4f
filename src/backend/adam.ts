import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { AdamLike } from './types.js';

/** As Keras and `tf.train.adam` have them. */
export const ADAM_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/**
 * Adam (Kingma and Ba 2015) in tfjs' own ops, for every backend that has no fused step.
 *
 * @param learningRate > 0
 * @throws UsageError when the learning rate is not a positive number
 */
export function createPlainAdam(learningRate: number): AdamLike {
  return new ScheduledAdam(checkedLearningRate(learningRate));
}

/** @throws UsageError when it is not a positive, finite number */
export function checkedLearningRate(learningRate: number): number {
  if (learningRate > 0 && Number.isFinite(learningRate)) return learningRate;
  throw new UsageError(`The learning rate must be a positive number; received ${learningRate}.`);
}

class ScheduledAdam extends tf.AdamOptimizer implements AdamLike {
  constructor(learningRate: number) {
    super(learningRate, ADAM_DEFAULTS.beta1, ADAM_DEFAULTS.beta2, ADAM_DEFAULTS.epsilon);
  }

  setLearningRate(learningRate: number): void {
    this.learningRate = checkedLearningRate(learningRate);
  }
}
