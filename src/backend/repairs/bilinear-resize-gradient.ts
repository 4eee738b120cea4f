import * as tf from '@tensorflow/tfjs';

import { replaceKernel } from './kernels.js';
import type { Repair } from './types.js';

export const bilinearResizeGradient: Repair = {
  name: 'bilinear-resize-gradient',
  fault: 'ResizeBilinearGrad swaps height and width in the shape it returns: it throws unless images are square.',
  backends: ['cpu'],
  apply(backendName) {
    replaceKernel(backendName, 'ResizeBilinearGrad', ({ inputs }, stock) =>
      tf.reshape(stock(inputs), inputs['images'].shape),
    );
  },
};
