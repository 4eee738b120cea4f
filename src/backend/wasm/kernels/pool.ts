import * as tf from '@tensorflow/tfjs';

import { replaceKernel, sizeOf } from '../kernel.js';
import type { Attributes } from '../kernel.js';
import { addParts, setGeometry } from './conv.js';
import type { ConvInfo } from './conv.js';
import { isReluOutput, markThroughRelu } from './relu-outputs.js';
import { session } from './session.js';
import type { Session } from './session.js';

/** Puts own kernels in the place of 2-D max and average pooling and their gradients. */
export function installPool(): void {
  for (const [name, operation] of [
    ['MaxPool', 'maxPool'],
    ['AvgPool', 'averagePool'],
  ] as const) {
    replaceKernel(name, 'wasm', (stock) => (inputs, attributes, backend) => {
      const s = session();
      const info = s && inputs.x.dtype === 'float32' ? poolInfo(inputs.x.shape, attributes) : undefined;
      if (!s || !info) return stock!(inputs, attributes, backend);
      const out = s.output(info.outShape);
      setPoolGeometry(s, info);
      s.run(operation, info.batchSize * info.outHeight, s.at(inputs.x), s.at(out));
      return out;
    });
  }
  replaceKernel('MaxPoolGrad', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && poolInfo(inputs.input.shape, attributes);
    if (!s || !info) return stock!(inputs, attributes, backend);
    const out = s.output(inputs.input.shape);
    setPoolGeometry(s, info);
    const relu = isReluOutput(inputs.input);
    const [channels, images] = [info.inChannels, info.batchSize];
    const sums = relu ? s.buffer('parts', images * channels * 4) : 0;
    s.run('maxPoolGradient', images, s.at(inputs.input), s.at(inputs.dy), s.at(out), relu ? 1 : 0, sums);
    if (relu) {
      const total = s.buffer('sums', channels * 4);
      addParts(s, sums, total, channels, images);
      markThroughRelu(out, inputs.input, s.floatsAt(total, channels).slice());
    }
    return out;
  });
  replaceKernel('AvgPoolGrad', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const info = s && poolInfo(inputs.input.shape, attributes);
    if (!s || !info) return stock!(inputs, attributes, backend);
    const out = s.output(inputs.input.shape);
    setPoolGeometry(s, info);
    s.run('averagePoolGradient', info.batchSize, s.at(inputs.dy), s.at(out));
    return out;
  });
}

function poolInfo(shape: number[], attributes: Attributes): ConvInfo | undefined {
  const info = tf.backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    attributes['filterSize'] as number,
    attributes['strides'] as number,
    1,
    attributes['pad'] as 'same',
    attributes['dimRoundingMode'] as 'floor' | undefined,
  );
  return sizeOf(info.outShape) * sizeOf(shape) === 0 ? undefined : info;
}

function setPoolGeometry(s: Session, info: ConvInfo): void {
  setGeometry(s, info, info.inHeight, info.inWidth, info.padInfo.top, info.padInfo.left);
}
