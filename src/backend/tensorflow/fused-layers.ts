import * as tf from '@tensorflow/tfjs';

import { replaceFused, type MatMulConfig } from '../fused-layers.js';
import { replaceKernel } from '../repairs/kernels.js';
import { floatType, tensorFlowBackend } from './binding.js';
import { convolution, isConv, isFloat, registerConv } from './conv.js';
import { biasGradient, reluGradient } from './gradients.js';

/**
 * Dense and convolution layers with bias and relu as one kernel of tfjs' engine in training too, where tfjs runs three or more and records
 * each. The ops are TensorFlow's, one after another: its fused ones take a list of texts, which the binding cannot pass.
 */
export function registerFusedLayers(): void {
  replaceKernel('tensorflow', 'TensorFlowDense', ({ inputs: { a, b, bias }, attrs }) => {
    // not MatMul: the kernel behind that op in TensorFlow 2.15 damages the heap when a signal is handled while it runs
    const z = tf.engine().runKernel<tf.Tensor>('BatchMatMul', { a, b }, { transposeA: false, transposeB: false });
    const y = withBias(z, bias);
    return attrs['relu'] === true ? run('Relu', y) : y;
  });
  tf.registerGradient({
    kernelName: 'TensorFlowDense',
    inputsToSave: ['a', 'b'],
    outputsToSave: [true],
    gradFunc: (dy, [a, b, y], { relu }) => {
      const dz = relu === true ? reluGradient(dy as tf.Tensor, y) : (dy as tf.Tensor);
      const engine = tf.engine();
      return {
        a: () => engine.runKernel('BatchMatMul', { a: dz, b }, { transposeA: false, transposeB: true }),
        b: () => engine.runKernel('BatchMatMul', { a, b: dz }, { transposeA: true, transposeB: false }),
        bias: () => biasGradient(dz),
      };
    },
  });
  registerConv();
  replaceFused({ isDense, dense, isConv, convolution });
}

function withBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return tensorFlowBackend().executeSingleOutput('BiasAdd', [floatType('T')], [x, bias]);
}

function run(op: string, x: tf.Tensor): tf.Tensor {
  return tensorFlowBackend().executeSingleOutput(op, [floatType('T')], [x]);
}

function isDense({ a, b, bias, activation, transposeA, transposeB }: MatMulConfig): boolean {
  const fits = (activation ?? 'linear') === 'linear' || activation === 'relu';
  const plain = fits && transposeA !== true && transposeB !== true && tf.getBackend() === 'tensorflow';
  return plain && isFloat(a, 2) && isFloat(b, 2) && isFloat(bias, 1) && a.shape[1] === b.shape[0];
}

function dense({ a, b, bias, activation }: MatMulConfig): tf.Tensor {
  const inputs = { a, b, bias } as tf.NamedTensorMap;
  return tf.engine().runKernel('TensorFlowDense', inputs, { relu: activation === 'relu' });
}
