import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

import { floats, fromValues, replaceKernel, sizeOf } from '../kernel.js';
import type { Info } from '../kernel.js';
import { eachPixel, eachWindow, pool2d, pool3d } from './pool.js';
import type { Pool } from './pool.js';

/**
 * Fault: AvgPoolGrad and AvgPool3DGrad divide by the whole window also where padding shrinks it,
 * while the forward pass divides by the pixels really averaged.
 */
export function repairAvgPoolGrad(): void {
  replaceKernel(
    'AvgPoolGrad',
    'wasm',
    () => (inputs, attributes, backend) =>
      gradient(inputs.dy, inputs.input, pool2d(inputs.input.shape, attributes), backend),
  );
  replaceKernel(
    'AvgPool3DGrad',
    'wasm',
    () => (inputs, attributes, backend) =>
      gradient(inputs.dy, inputs.input, pool3d(inputs.input.shape, attributes), backend),
  );
}

function gradient(dy: Info, input: Info, pool: Pool, backend: BackendWasm): Info {
  const dyValues = floats(dy, backend);
  const dx = new Float32Array(sizeOf(input.shape));
  eachWindow(pool, (batch, outPixel, from, to) => {
    const count = (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    eachPixel(pool, batch, from, to, (pixel) => {
      for (let c = 0; c < pool.channels; c++)
        dx[pixel * pool.channels + c] += dyValues[outPixel * pool.channels + c] / count;
    });
  });
  return fromValues(dx, input.shape, 'float32', backend);
}
