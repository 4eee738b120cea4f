import * as tf from '@tensorflow/tfjs';

/** What a kernel gets from tfjs' engine, as far as repairs look at it. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/**
 * Puts a kernel in place of the backend's own. It may use tfjs ops: inside a kernel nothing is taped.
 *
 * @param replacement gets the call and the stock kernel; its result must be one new tensor
 */
export function replaceKernel(
  backendName: string,
  kernelName: string,
  replacement: (call: KernelCall, stock: (inputs: Record<string, tf.Tensor>) => tf.Tensor) => tf.Tensor,
): void {
  const stock = tf.getKernel(kernelName, backendName);
  if (stock !== null && stock !== undefined) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...stock,
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const runStock = (changed: Record<string, tf.Tensor>): tf.Tensor => {
        if (stock === null || stock === undefined) throw new Error(`${backendName} has no kernel ${kernelName}`);
        const info = stock.kernelFunc({ inputs: changed, backend, ...(attrs === undefined ? {} : { attrs }) });
        return tf.engine().makeTensorFromTensorInfo(Array.isArray(info) ? info[0] : info);
      };
      return tf.tidy(() => replacement({ inputs: inputs as KernelCall['inputs'], attrs: attrs ?? {} }, runStock));
    },
  });
}
