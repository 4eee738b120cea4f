import * as tf from '@tensorflow/tfjs';

import { SELECT_OR_ZERO } from '../../layers/index.js';
import { replaceKernel } from '../repairs/kernels.js';
import { floatType, tensorFlowBackend } from './binding.js';

/** TailDropout on a large matrix: TensorFlow's SelectV2 takes one zero for all, tfjs' own Select a tensor of zeros. */
export function registerSelectOrZero(): void {
  replaceKernel('tensorflow', SELECT_OR_ZERO, ({ inputs: { x, kept } }) =>
    tensorFlowBackend().executeSingleOutput('SelectV2', [floatType('T')], [kept, x, tf.scalar(0)]),
  );
}
