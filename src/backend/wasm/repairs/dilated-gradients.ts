import * as tf from '@tensorflow/tfjs';

/**
 * Fault (all backends): the gradients of conv2d and depthwiseConv2d throw where a dilation is greater than 1.
 * Here tap by tap; tfjs allows dilation only without strides, so every tap reads a plain slice.
 */
export function repairDilatedGradients(): void {
  replaceGradient('Conv2D', convGradient);
  replaceGradient('DepthwiseConv2dNative', depthwiseGradient);
}

type Shape4 = [number, number, number, number];
type Gradient = (
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  info: tf.backend_util.Conv2DInfo,
) => { x: () => tf.Tensor; filter: () => tf.Tensor };

function replaceGradient(kernelName: 'Conv2D' | 'DepthwiseConv2dNative', dilated: Gradient): void {
  const stock = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attributes) => {
      const dilations = ([attributes['dilations'] ?? 1] as (number | number[])[]).flat();
      if (dilations.every((rate) => rate === 1)) return stock.gradFunc(dy, saved, attributes);
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const format = tf.backend_util.convertConv2DDataFormat(
        (attributes['dataFormat'] as 'NHWC' | undefined) ?? 'NHWC',
      );
      if (format !== 'channelsLast') throw new Error('Gradients of dilated convolutions need channelsLast (NHWC).');
      const info = tf.backend_util.computeConv2DInfo(
        x.shape,
        filter.shape,
        attributes['strides'] as number,
        attributes['dilations'] as number,
        attributes['pad'] as 'same',
        attributes['dimRoundingMode'] as 'floor' | undefined,
        kernelName === 'DepthwiseConv2dNative',
      );
      return dilated(dy as tf.Tensor4D, x, filter, info);
    },
  });
}

function convGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  info: tf.backend_util.Conv2DInfo,
): ReturnType<Gradient> {
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const flat = (): tf.Tensor2D => tf.reshape(dy, [rows, info.outChannels]);
  return {
    x: () =>
      tf.tidy(() =>
        gather(info, (fy, fx) => {
          const tap = tf.reshape(tf.slice(filter, [fy, fx, 0, 0], [1, 1, -1, -1]), [info.inChannels, info.outChannels]);
          return tf.reshape(tf.matMul(flat(), tap, false, true), [
            info.batchSize,
            info.outHeight,
            info.outWidth,
            info.inChannels,
          ]);
        }),
      ),
    filter: () =>
      tf.tidy(() => {
        const windows = taps(x, info).map((window) =>
          tf.matMul(tf.reshape(window, [rows, info.inChannels]), flat(), true, false),
        );
        return tf.reshape(tf.stack(windows), filter.shape);
      }),
  };
}

function depthwiseGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  info: tf.backend_util.Conv2DInfo,
): ReturnType<Gradient> {
  const [, , channels, multiplier] = filter.shape;
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const flat = (): tf.Tensor3D => tf.reshape(dy, [rows, channels, multiplier]);
  return {
    x: () =>
      tf.tidy(() =>
        gather(info, (fy, fx) => {
          const tap = tf.reshape(tf.slice(filter, [fy, fx, 0, 0], [1, 1, -1, -1]), [1, channels, multiplier]);
          return tf.reshape(tf.sum(tf.mul(flat(), tap), 2), [info.batchSize, info.outHeight, info.outWidth, channels]);
        }),
      ),
    filter: () =>
      tf.tidy(() => {
        const windows = taps(x, info).map((window) =>
          tf.sum(tf.mul(tf.reshape(window, [rows, channels, 1]), flat()), 0),
        );
        return tf.reshape(tf.stack(windows), filter.shape);
      }),
  };
}

/** What each tap of the filter reads: [batch, outHeight, outWidth, channels], in the filter's order. */
function taps(x: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D[] {
  const { top, bottom, left, right } = info.padInfo;
  const padded = tf.pad4d(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const size: Shape4 = [info.batchSize, info.outHeight, info.outWidth, info.inChannels];
  return eachTap(info, (fy, fx) => tf.slice4d(padded, [0, fy * info.dilationHeight, fx * info.dilationWidth, 0], size));
}

/** The transpose of `taps`: sums what each tap hands back at the place where it read. */
function gather(info: tf.backend_util.Conv2DInfo, part: (fy: number, fx: number) => tf.Tensor4D): tf.Tensor {
  const { top, left } = info.padInfo;
  const height = info.inHeight + top + info.padInfo.bottom;
  const width = info.inWidth + left + info.padInfo.right;
  const parts = eachTap(info, (fy, fx) => {
    const y = fy * info.dilationHeight;
    const x = fx * info.dilationWidth;
    return tf.pad4d(part(fy, fx), [
      [0, 0],
      [y, height - y - info.outHeight],
      [x, width - x - info.outWidth],
      [0, 0],
    ]);
  });
  return tf.slice4d(tf.addN(parts), [0, top, left, 0], [info.batchSize, info.inHeight, info.inWidth, info.inChannels]);
}

function eachTap<T>(info: tf.backend_util.Conv2DInfo, visit: (fy: number, fx: number) => T): T[] {
  return Array.from({ length: info.filterHeight * info.filterWidth }, (_, i) =>
    visit(Math.floor(i / info.filterWidth), i % info.filterWidth),
  );
}
