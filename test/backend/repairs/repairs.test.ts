import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { gradientError } from '../../../src/backend/doctor/gradient-check.js';
import type { GradientCase } from '../../../src/backend/doctor/gradient-check.js';
import { registerRepairs, REPAIRS } from '../../../src/backend/repairs/index.js';

// float32 rounding over 2h and the third derivative together stay under 2e-3; the faults are off by 5e-2 and more.
const TOLERANCE = 1e-2;

interface RepairCase extends GradientCase {
  readonly repair: string;
}

const CASES: readonly RepairCase[] = [
  {
    repair: 'average-pool-gradient',
    name: "avgPool 2x2, 'same', on 3x5",
    shapes: [[2, 3, 5, 2]],
    run: ([x]) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same'),
  },
  {
    repair: 'average-pool-gradient',
    name: "avgPool 3x3, stride 1, 'same'",
    shapes: [[1, 4, 4, 1]],
    run: ([x]) => tf.avgPool(x as tf.Tensor4D, 3, 1, 'same'),
  },
  {
    repair: 'average-pool-gradient',
    name: "avgPool3d 2x2x2, 'same', on 3x3x3",
    shapes: [[1, 3, 3, 3, 2]],
    run: ([x]) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, 'same'),
  },
  ...[false, true].map((corners) => ({
    repair: 'nearest-resize-gradient',
    name: `resizeNearestNeighbor, 2 images, alignCorners ${corners}`,
    shapes: [[2, 3, 2, 2]],
    run: ([x]: tf.Tensor[]) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [7, 4], corners),
  })),
  {
    repair: 'bilinear-resize-gradient',
    name: 'resizeBilinear of 3x2 pixels',
    shapes: [[2, 3, 2, 2]],
    run: ([x]) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 4]),
  },
  ...(['same', 'valid'] as const).map((pad) => ({
    repair: 'dilated-convolution',
    name: `conv2d, dilation 2x3, '${pad}'`,
    shapes: [
      [2, 6, 8, 2],
      [2, 3, 2, 2],
    ],
    run: ([x, filter]: tf.Tensor[]) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad, 'NHWC', [2, 3]) as tf.Tensor,
  })),
  ...(['linear', 'relu', 'tanh'] as const).map((activation) => ({
    repair: 'dilated-convolution',
    name: `Conv2D layer, dilation 2, ${activation}`,
    shapes: [[2, 5, 5, 2]],
    run: layerCase(() =>
      tf.layers.conv2d({ filters: 2, kernelSize: 3, dilationRate: 2, activation, kernelInitializer: seeded() }),
    ),
  })),
  {
    repair: 'dilated-convolution',
    name: 'Conv2D layer, dilation 2, channelsFirst',
    shapes: [[2, 2, 5, 5]],
    run: layerCase(() =>
      tf.layers.conv2d({
        filters: 2,
        kernelSize: 2,
        dilationRate: 2,
        padding: 'same',
        dataFormat: 'channelsFirst',
        kernelInitializer: seeded(),
      }),
    ),
  },
  {
    repair: 'dilated-convolution',
    name: 'Conv1D layer, dilation 3',
    shapes: [[2, 8, 2]],
    run: layerCase(() => tf.layers.conv1d({ filters: 2, kernelSize: 2, dilationRate: 3, kernelInitializer: seeded() })),
  },
  {
    repair: 'transposed-convolution-3d',
    name: "conv3dTranspose, stride 2, 'same'",
    shapes: [
      [1, 2, 2, 3, 2],
      [2, 2, 2, 1, 2],
    ],
    run: ([x, filter]) => tf.conv3dTranspose(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 4, 4, 6, 1], 2, 'same'),
  },
  {
    repair: 'thresholded-relu',
    name: 'ThresholdedReLU',
    shapes: [[3, 7]],
    run: layerCase(() => tf.layers.thresholdedReLU({ theta: 0.09 })),
  },
  {
    repair: 'batch-normalization-axis',
    name: 'BatchNormalization along axis 1 in training',
    shapes: [[2, 3, 2, 2]],
    run: layerCase(() => tf.layers.batchNormalization({ axis: 1, epsilon: 0.1 }), true),
  },
  ...[
    { center: false, scale: true },
    { center: true, scale: false },
    { center: false, scale: false },
  ].flatMap((parts) => [
    {
      repair: 'normalization-without-weights',
      name: `BatchNormalization in training, ${JSON.stringify(parts)}`,
      shapes: [[5, 3]],
      run: layerCase(() => tf.layers.batchNormalization({ ...parts, epsilon: 0.1 }), true),
    },
    {
      repair: 'normalization-without-weights',
      name: `BatchNormalization with its own statistics, ${JSON.stringify(parts)}`,
      shapes: [[2, 2, 2, 3]],
      run: layerCase(() => tf.layers.batchNormalization({ ...parts, epsilon: 0.1 })),
    },
    {
      repair: 'normalization-without-weights',
      name: `LayerNormalization, ${JSON.stringify(parts)}`,
      shapes: [[4, 5]],
      run: layerCase(() => tf.layers.layerNormalization({ ...parts, epsilon: 0.1 })),
    },
  ]),
];

/** One layer, built at the first call, run in training or inference. */
function layerCase(make: () => tf.layers.Layer, training = false): GradientCase['run'] {
  let layer: tf.layers.Layer | undefined;
  return ([x]) => {
    layer ??= make();
    return layer.apply(x, { training }) as tf.Tensor;
  };
}

/** The gradient's error, or Infinity where none is to be had. */
async function errorOf(repairCase: GradientCase): Promise<number> {
  return gradientError(repairCase, { seed: 2 }).catch(() => Number.POSITIVE_INFINITY);
}

const stockErrors = new Map<string, number>();
let stockAxisDifference = 0;
const stockFrozen = { output: 0, movingMean: 0 };

beforeAll(async () => {
  await tf.setBackend('cpu');
  for (const repairCase of CASES) stockErrors.set(repairCase.name, await errorOf(repairCase));
  Object.assign(stockFrozen, await trainFrozen((layer) => Object.assign(layer, { trainable: false })));
  stockAxisDifference = await axisDifference();
  registerRepairs('cpu');
});

/** `integer-transpose` needs a WebGPU device to be seen. */
const CPU_REPAIRS = REPAIRS.filter(({ backends }) => backends === 'all' || backends.includes('cpu'));

describe('registerRepairs', () => {
  it.each(CASES)('$repair: stock tfjs is wrong in $name, and right afterwards', async (repairCase) => {
    expect(stockErrors.get(repairCase.name)).toBeGreaterThan(TOLERANCE);
    expect(await gradientError(repairCase, { seed: 2 })).toBeLessThan(TOLERANCE);
  });

  it('shows every repair of cpu at work in this file', () => {
    const shown = new Set([...CASES.map((repairCase) => repairCase.repair), 'frozen-batch-normalization']);
    expect([...shown].sort()).toEqual(CPU_REPAIRS.map((repair) => repair.name).sort());
  });

  it('changes nothing when called again, and names the repairs in force', async () => {
    const names = registerRepairs('cpu');
    expect(names).toEqual(CPU_REPAIRS.map((repair) => repair.name));
    expect(registerRepairs('cpu')).toEqual(names);
    // a correction applied twice would be off by a factor of 2 and 4 at the border
    expect(await gradientError(CASES[0], { seed: 3 })).toBeLessThan(TOLERANCE);
  });

  it('mends only the layers on a backend whose kernels are right', () => {
    const names = registerRepairs('tensorflow');
    expect(names).toContain('thresholded-relu');
    expect(names).not.toContain('average-pool-gradient');
  });
});

describe('batch-normalization-axis', () => {
  it('gives along axis 1 what the last axis gives on the transposed image; stock tfjs does not', async () => {
    expect(stockAxisDifference).toBeGreaterThan(0.1);
    expect(await axisDifference()).toBe(0);
  });
});

describe('frozen-batch-normalization', () => {
  it('is at fault in stock tfjs: batch statistics, and moving averages that move', () => {
    expect(stockFrozen.movingMean).not.toBe(0);
    expect(stockFrozen.output).toBeLessThan(1);
  });

  it.each([
    ['the layer', (layer: tf.layers.Layer) => Object.assign(layer, { trainable: false })],
    ['all its weights', (layer: tf.layers.Layer) => layer.trainableWeights.forEach((w) => (w.trainable = false))],
  ])('keeps and uses its own statistics in training with %s frozen', async (_, freeze) => {
    const { output, movingMean } = await trainFrozen(freeze);
    expect(movingMean).toBe(0);
    // mean 0 and variance 1 of its own: 10 stays 10 but for epsilon
    expect(output).toBeCloseTo(10, 1);
  });

  it('leaves a trainable one as it was: batch statistics in training', async () => {
    const { output, movingMean } = await trainFrozen(() => undefined);
    expect(movingMean).toBeGreaterThan(0);
    expect(output).toBeLessThan(1);
  });
});

/** The mean output for inputs around 10 in training, and the moving mean afterwards. */
async function trainFrozen(
  freeze: (layer: tf.layers.Layer) => unknown,
): Promise<{ output: number; movingMean: number }> {
  const layer = tf.layers.batchNormalization({});
  layer.build([null, 1]);
  freeze(layer);
  const output = tf.tidy(() => tf.mean(layer.apply(tf.tensor2d([[9], [10], [11]]), { training: true }) as tf.Tensor));
  const [value] = await output.data();
  output.dispose();
  const mean = layer.getWeights()[2];
  const [movingMean] = await mean.data();
  for (const weight of layer.weights) weight.dispose();
  return { output: value, movingMean };
}

/** The largest difference at inference between axis 1 of an image and the last axis of the transposed one. */
async function axisDifference(): Promise<number> {
  const [alongOne, alongLast] = [1, -1].map((axis) => tf.layers.batchNormalization({ axis }));
  const difference = tf.tidy(() => {
    const image = tf.randomNormal([2, 3, 3, 3], 1, 2, 'float32', 1);
    const channelsLast = tf.transpose(image, [0, 2, 3, 1]);
    for (const layer of [alongOne, alongLast]) {
      layer.build([2, 3, 3, 3]);
      layer.setWeights(
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
          [1, 2, 4],
        ].map((values) => tf.tensor1d(values)),
      );
    }
    const expected = tf.transpose(alongLast.apply(channelsLast) as tf.Tensor, [0, 3, 1, 2]);
    return tf.max(tf.abs(tf.sub(alongOne.apply(image) as tf.Tensor, expected)));
  });
  const [value] = await difference.data();
  difference.dispose();
  for (const weight of [...alongOne.weights, ...alongLast.weights]) weight.dispose();
  return value;
}

/** Kernels that put no pre-activation next to relu's kink, where a finite difference is wrong by chance. */
function seeded() {
  return tf.initializers.glorotUniform({ seed: 1 });
}
