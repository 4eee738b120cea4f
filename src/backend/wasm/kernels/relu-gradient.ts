import * as tf from '@tensorflow/tfjs';

import { registerMany, replaceKernel, sizeOf } from '../kernel.js';
import { columnSums } from './passes.js';
import { session } from './session.js';

/** The gradient of relu in one pass instead of three. */
export function installReluGradient(): void {
  replaceKernel('ReluGradient', 'wasm', () => (inputs) => {
    const s = session()!;
    const out = s.output(inputs.dy.shape);
    const n = sizeOf(out.shape);
    const [size, tasks] = s.split(n);
    s.run('reluGradient', tasks, s.at(inputs.y), s.at(inputs.dy), s.at(out), n, size);
    return out;
  });
  registerMany('ReluGradientAndSum', ({ y, dy }) => {
    const s = session()!;
    const m = y.shape.at(-1)!;
    const dz = s.output(y.shape);
    const sum = s.output([m]);
    columnSums(s, 3, s.at(y), sizeOf(y.shape) / m, m, s.at(sum), 1, 0, s.at(dy), s.at(dz));
    return [dz, sum];
  });
  const stock = tf.getGradient('Relu');
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    outputsToSave: [true],
    // where y is positive, so is x: the stock gradient may read y
    gradFunc: (dy, saved, attributes) =>
      usesOwnKernels() ? { x: () => reluGradient(dy as tf.Tensor, saved[0]) } : stock.gradFunc(dy, saved, attributes),
  });
}

export function usesOwnKernels(): boolean {
  return session() !== undefined && tf.getBackend() === 'wasm';
}

export function reluGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel('ReluGradient', { dy, y });
}
