import type { Window } from './kernels.js';

/**
 * What a convolution's kernel is multiplied with at some places of its output: patches in the order of the kernel [kh, kw, in], 0 beyond the
 * border, as the convolution pads.
 *
 * @param input [B, H, W, C] numbers (a Conv1D: W = 1)
 * @param output places per example: [height, width]
 * @param chosen places, counted row by row over examples, heights and widths
 * @returns [chosen, kh kw C]
 */
export function patchesAt(
  input: ArrayLike<number>,
  [, height, width, channels]: readonly [number, number, number, number],
  window: Window,
  output: readonly [height: number, width: number],
  chosen: Int32Array,
): Float32Array {
  const { size, strides, dilation } = window;
  const [top, left] = [before(window, height, output[0], 0), before(window, width, output[1], 1)];
  const rows = size[0] * size[1] * channels;
  const patches = new Float32Array(chosen.length * rows);
  chosen.forEach((place, at) => {
    const x0 = (place % output[1]) * strides[1] - left;
    const y0 = (Math.floor(place / output[1]) % output[0]) * strides[0] - top;
    const example = Math.floor(place / (output[0] * output[1]));
    let to = at * rows;
    for (let ky = 0; ky < size[0]; ky++) {
      for (let kx = 0; kx < size[1]; kx++, to += channels) {
        const [y, x] = [y0 + ky * dilation[0], x0 + kx * dilation[1]];
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        const from = ((example * height + y) * width + x) * channels;
        for (let c = 0; c < channels; c++) patches[to + c] = input[from + c];
      }
    }
  });
  return patches;
}

/** Padding before the first number: half of what "same" needs, rounded down. */
function before({ padding, size, strides, dilation }: Window, input: number, output: number, side: 0 | 1): number {
  if (padding !== 'same') return 0;
  const reach = (size[side] - 1) * dilation[side] + 1;
  return Math.floor(Math.max(0, (output - 1) * strides[side] + reach - input) / 2);
}
