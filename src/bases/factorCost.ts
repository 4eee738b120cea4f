import type { Cost } from '../records/types.js';
import type { KernelInfo } from './kernels.js';
import type { FactorForm } from './types.js';

/** Weights of a layer, its bias included, and its multiply-adds for one example (all calls together). */
export type LayerCost = Pick<Cost, 'parameters' | 'macs'>;

/** The layer as it is. */
export function kernelCost({ rows, cols, bias, macs }: KernelInfo): LayerCost {
  return { parameters: rows * cols + (bias ? cols : 0), macs };
}

/**
 * The layer as two, of rank k >= 0, never mind whether that pays. A mean-corrected one has a bias even where the layer had none.
 *
 * `channel`: rows k + k cols weights, each used at every place of the output. `spatial`: the column [kh, 1, in, k] is used at the places of an
 * output that still has all columns of the input, the row [1, kw, k, out] at the places of the output.
 */
export function factorCost(kernel: KernelInfo, form: FactorForm, k: number, corrected = false): LayerCost {
  const { rows, cols, bias, macs } = kernel;
  const places = macs / (rows * cols);
  const [first, second] = halves(kernel, form);
  const ratio = form === 'spatial' ? kernel.window!.widthRatio : 1;
  return {
    parameters: k * (first + second) + (bias || corrected ? cols : 0),
    macs: places * k * (first * ratio + second),
  };
}

/** The largest rank whose two kernels have no more weights than the one: above, a factored layer is larger than the original. */
export function breakEvenRank(kernel: KernelInfo, form: FactorForm): number {
  const [first, second] = halves(kernel, form);
  return Math.floor((kernel.rows * kernel.cols) / (first + second));
}

/** Weights of either half per rank. */
function halves({ rows, cols, window }: KernelInfo, form: FactorForm): [first: number, second: number] {
  if (form === 'channel') return [rows, cols];
  const width = window!.size[1];
  return [rows / width, width * cols];
}
