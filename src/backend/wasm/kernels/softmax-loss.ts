import { floats, registerMany, sizeOf } from '../kernel.js';

/**
 * Mean cross-entropy of rows of scores to targets that each sum to 1, and its gradient, of up to 2^16 numbers, where some
 * twenty small kernels would cost more than their arithmetic. Inputs: scores and targets [..., units]; results: a scalar, and
 * (softmax - target) / rows of the shape of the scores.
 */
export function installSoftmaxLoss(): void {
  registerMany('SoftmaxLoss', ({ scores, targets }, _, backend) => {
    const [value, gradient] = [backend.makeOutput([], 'float32'), backend.makeOutput([...scores.shape], 'float32')];
    const units = scores.shape.at(-1)!;
    const [x, q, g] = [scores, targets, gradient].map((tensor) => floats(tensor, backend));
    floats(value, backend)[0] = softmaxLoss(x, q, g, sizeOf(scores.shape) / units, units);
    return [value, gradient];
  });
}

/** Sums in float64. */
function softmaxLoss(x: Float32Array, q: Float32Array, g: Float32Array, rows: number, units: number): number {
  let total = 0;
  for (let row = 0, start = 0; row < rows; row++, start += units) {
    const end = start + units;
    let best = -Infinity;
    for (let i = start; i < end; i++) if (x[i] > best || Number.isNaN(x[i])) best = x[i];
    let sum = 0;
    for (let i = start; i < end; i++) sum += g[i] = Math.exp(x[i] - best);
    const log = Math.log(sum) + best;
    for (let i = start; i < end; i++) {
      // what has no share in the target adds nothing, however small its probability
      if (q[i] !== 0) total += q[i] * (log - x[i]);
      g[i] = (g[i] / sum - q[i]) / rows;
    }
  }
  return total / rows;
}
