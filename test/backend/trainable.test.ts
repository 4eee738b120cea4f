import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { assertTrainable, startBackend } from '../../src/backend/index.js';
import { ModelError } from '../../src/errors.js';
import { AVAILABLE } from './available.js';
import { LAYER_CASES } from './layers/cases.js';

type Layer = tf.layers.Layer;

const pixelwise = (): Layer => tf.layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [6, 6, 2], name: 'first' });

/** What no backend of tfjs 4.22 can train, the name of the layer at fault being "culprit". */
const UNTRAINABLE: readonly { readonly title: string; readonly layers: () => Layer[] }[] = [
  {
    title: 'Conv3D with dilation',
    layers: () => [
      tf.layers.conv3d({ filters: 1, kernelSize: 2, dilationRate: 2, inputShape: [5, 5, 5, 1], name: 'culprit' }),
    ],
  },
  {
    title: 'Conv1D, causal',
    layers: () => [
      tf.layers.conv1d({ filters: 1, kernelSize: 2, padding: 'causal', inputShape: [5, 1], name: 'culprit' }),
    ],
  },
  { title: 'Softmax along axis 1', layers: () => [pixelwise(), tf.layers.softmax({ axis: 1, name: 'culprit' })] },
  {
    title: 'CenterCrop behind weights',
    layers: () => [pixelwise(), tf.layers.centerCrop({ height: 3, width: 3, name: 'culprit' })],
  },
  {
    title: 'Conv2D with dilation and stride',
    layers: () => [
      pixelwise(),
      tf.layers.conv2d({ filters: 1, kernelSize: 2, strides: 2, dilationRate: 2, name: 'culprit' }),
    ],
  },
];

for (const { backend, skip, title } of AVAILABLE) {
  describe.skipIf(skip)(`assertTrainable on ${title}`, () => {
    beforeAll(async () => {
      await startBackend({ backend });
    });

    it.each(UNTRAINABLE)('refuses $title, naming the layer and its class', ({ layers }) => {
      const model = tf.sequential({ layers: layers() });
      const className = model.layers.find((layer) => layer.name === 'culprit')?.getClassName();
      const check = (): void => assertTrainable(model, backend);
      expect(check).toThrow(ModelError);
      expect(check).toThrow(`Layer culprit (${className}) cannot be trained on the ${backend} backend`);
      model.dispose();
    });

    it.each(LAYER_CASES)('accepts $name, and leaves nothing behind', ({ inputs, output }) => {
      const symbols = inputs.map((shape) => tf.input({ shape: [...shape] }));
      const model = tf.model({ inputs: symbols, outputs: output(symbols) });
      const before = tf.memory().numTensors;
      assertTrainable(model, backend);
      expect(tf.memory().numTensors).toBe(before);
      model.dispose();
    });
  });
}

describe('assertTrainable', () => {
  beforeAll(async () => {
    await startBackend({ backend: 'cpu' });
  });

  it('leaves weights and moving averages as they were', async () => {
    const model = tf.sequential({ layers: [pixelwise(), tf.layers.batchNormalization()] });
    const before = await Promise.all(model.getWeights().map((weight) => weight.data()));
    assertTrainable(model, 'cpu');
    expect(await Promise.all(model.getWeights().map((weight) => weight.data()))).toEqual(before);
    model.dispose();
  });

  it('accepts a layer without a gradient where no weight lies before it', () => {
    const crop = tf.layers.centerCrop({ height: 3, width: 3, inputShape: [6, 6, 2] });
    const model = tf.sequential({ layers: [crop, tf.layers.conv2d({ filters: 1, kernelSize: 2 })] });
    expect(() => assertTrainable(model, 'cpu')).not.toThrow();
    model.dispose();
  });

  it('looks into nested models, and takes sizes that are left open', () => {
    const inner = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [null, null, 2] }),
        tf.layers.conv2d({ filters: 1, kernelSize: 2, strides: 2, dilationRate: 2, name: 'inner_culprit' }),
      ],
    });
    const outer = tf.sequential({ layers: [inner, tf.layers.globalMaxPooling2d({})] });
    expect(() => assertTrainable(outer, 'cpu')).toThrow('Layer inner_culprit (Conv2D)');
    outer.dispose();
  });
});
