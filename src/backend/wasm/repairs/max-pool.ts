import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

import { floats, replaceKernel } from '../kernel.js';
import type { Info } from '../kernel.js';
import { eachPixel, eachWindow, pool2d, pool3d } from './pool.js';
import type { Pool } from './pool.js';

/**
 * Fault: wasm's MaxPoolGrad, MaxPool3D and MaxPool3DGrad start their search at the smallest POSITIVE float,
 * so a window without positive values has no maximum (forward: about 0; gradient: lost).
 */
export function repairMaxPool(): void {
  replaceKernel(
    'MaxPoolGrad',
    'wasm',
    () => (inputs, attributes, backend) =>
      gradient(inputs.dy, inputs.input, pool2d(inputs.input.shape, attributes), backend),
  );
  replaceKernel(
    'MaxPool3DGrad',
    'wasm',
    () => (inputs, attributes, backend) =>
      gradient(inputs.dy, inputs.input, pool3d(inputs.input.shape, attributes), backend),
  );
  replaceKernel(
    'MaxPool3D',
    'wasm',
    () => (inputs, attributes, backend) => forward(inputs.x, pool3d(inputs.x.shape, attributes), backend),
  );
}

function forward(x: Info, pool: Pool, backend: BackendWasm): Info {
  const out = backend.makeOutput([pool.batch, ...pool.out, pool.channels], 'float32');
  const values = floats(x, backend);
  const maxima = floats(out, backend);
  maxima.fill(-Infinity);
  eachWindow(pool, (batch, outPixel, from, to) => {
    eachPixel(pool, batch, from, to, (pixel) => {
      for (let c = 0; c < pool.channels; c++) {
        const at = outPixel * pool.channels + c;
        maxima[at] = Math.max(maxima[at], values[pixel * pool.channels + c]);
      }
    });
  });
  return out;
}

/** The gradient goes to the first pixel of the window that holds the maximum. */
function gradient(dy: Info, input: Info, pool: Pool, backend: BackendWasm): Info {
  const out = backend.makeOutput(input.shape, 'float32');
  const values = floats(input, backend);
  const dyValues = floats(dy, backend);
  const dx = floats(out, backend);
  const best = new Int32Array(pool.channels);
  dx.fill(0);
  eachWindow(pool, (batch, outPixel, from, to) => {
    best.fill(-1);
    eachPixel(pool, batch, from, to, (pixel) => {
      for (let c = 0; c < pool.channels; c++) {
        const at = pixel * pool.channels + c;
        if (best[c] < 0 || values[at] > values[best[c]]) best[c] = at;
      }
    });
    for (let c = 0; c < pool.channels; c++) dx[best[c]] += dyValues[outPixel * pool.channels + c];
  });
  return out;
}
