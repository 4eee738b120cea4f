import type { KeepPrefixesAttributes } from '../layers/index.js';

/** What the kernel KeepPrefixes computes, in plain JavaScript: for the cpu backend, and for wasm where its own kernels are out of force. */
export function keepPrefixesInto(y: Float32Array, x: Float32Array, attributes: KeepPrefixesAttributes): void {
  const { ks, repeat, size, inner, units } = attributes;
  const length = size * inner;
  for (let row = 0; row < ks.length * repeat; row++) {
    const k = ks[Math.floor(row / repeat)];
    const start = row * length;
    if (units === null) {
      y.set(x.subarray(start, start + k * inner), start);
      y.fill(0, start + k * inner, start + length);
    } else {
      for (let at = 0; at < length; at++) y[start + at] = units[Math.floor(at / inner)] < k ? x[start + at] : 0;
    }
  }
}
