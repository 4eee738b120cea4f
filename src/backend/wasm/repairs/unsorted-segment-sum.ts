import { replaceKernel, sizeOf } from '../kernel.js';
import type { Kernel } from '../kernel.js';

/** Fault: wasm has no UnsortedSegmentSum, so no Embedding (the gradient of gather) trains. */
export function repairUnsortedSegmentSum(): void {
  replaceKernel('UnsortedSegmentSum', 'wasm', () => segmentSum);
}

const segmentSum: Kernel = (inputs, attributes, backend) => {
  const x = inputs.x;
  const ids = inputs.segmentIds;
  const count = attributes['numSegments'] as number;
  const shape = [count, ...x.shape.slice(ids.shape.length)];
  const out = backend.makeOutput(shape, x.dtype);
  const values = backend.typedArrayFromHeap(x);
  const segments = backend.typedArrayFromHeap(ids);
  const sums = backend.typedArrayFromHeap(out);
  const inner = sizeOf(shape.slice(1));
  sums.fill(0);
  for (let row = 0; row < segments.length; row++) {
    const segment = segments[row];
    if (segment < 0 || segment >= count) continue;
    for (let i = 0; i < inner; i++) sums[segment * inner + i] += values[row * inner + i];
  }
  return out;
};
