import * as tf from '@tensorflow/tfjs';

/** What a kernel gets from tfjs' engine, as far as repairs look at it. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** The kernel that was there before; its attributes are those of the call unless others are given. */
export type StockKernel = (
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs?: Readonly<Record<string, unknown>>,
) => tf.Tensor;

/**
 * Puts a kernel in place of the backend's own. It may use tfjs ops: inside a kernel nothing is taped.
 *
 * @param replacement gets the call and the stock kernel; its result must be one new tensor
 */
export function replaceKernel(
  backendName: string,
  kernelName: string,
  replacement: (call: KernelCall, stock: StockKernel) => tf.Tensor,
): void {
  const stock = tf.getKernel(kernelName, backendName);
  if (stock !== null && stock !== undefined) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...stock,
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const runStock: StockKernel = (changed, changedAttrs) => {
        if (stock === null || stock === undefined) throw new Error(`${backendName} has no kernel ${kernelName}`);
        const call = { inputs: { ...changed }, backend, attrs: { ...(changedAttrs ?? attrs) } as tf.NamedAttrMap };
        const result = stock.kernelFunc(call);
        const info = Array.isArray(result) ? result[0] : result;
        return info instanceof tf.Tensor ? info : tf.engine().makeTensorFromTensorInfo(info);
      };
      return tf.tidy(() => replacement({ inputs: inputs as KernelCall['inputs'], attrs: attrs ?? {} }, runStock));
    },
  });
}
