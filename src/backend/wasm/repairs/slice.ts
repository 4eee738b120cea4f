import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

import { replaceKernel, type Info } from '../kernel.js';

/** Fault: wasm's Slice copies its WHOLE input out of the heap before it takes a part of it, however small. */
export function repairSlice(): void {
  replaceKernel('Slice', 'wasm', (previous) => (inputs, attributes, backend) => {
    const { x } = inputs;
    if (x.dtype === 'string') return previous!(inputs, attributes, backend);
    const [begin, size] = tf.slice_util.parseSliceParams(
      x,
      attributes['begin'] as number | number[],
      attributes['size'] as number | number[],
    );
    return slicePart(x, begin, size, backend);
  });
}

/** Copies run by run: the innermost axes that are taken whole make one run of memory. */
function slicePart(x: Info, begin: number[], size: number[], backend: BackendWasm): Info {
  const out = backend.makeOutput(size, x.dtype);
  const from = backend.typedArrayFromHeap(x);
  const to = backend.typedArrayFromHeap(out);
  const strides = x.shape.map((_, axis) => tf.util.sizeFromShape(x.shape.slice(axis + 1)));
  let axis = size.length;
  while (axis > 0 && size[axis - 1] === x.shape[axis - 1]) axis--;
  // everything behind `outer` axes is one run
  const outer = Math.max(0, axis - 1);
  const run = tf.util.sizeFromShape(size.slice(outer));
  if (run === 0 || to.length === 0) return out;
  const index = Array.from({ length: outer }, () => 0);
  for (let at = 0; at < to.length; at += run) {
    let start = outer < begin.length ? begin[outer] * strides[outer] : 0;
    for (let i = 0; i < outer; i++) start += (begin[i] + index[i]) * strides[i];
    if (run < SHORT) for (let j = 0; j < run; j++) to[at + j] = from[start + j];
    else to.set(from.subarray(start, start + run), at);
    for (let i = outer - 1; i >= 0 && ++index[i] === size[i]; i--) index[i] = 0;
  }
  return out;
}

/** Below this a loop is faster than a view. */
const SHORT = 16;
