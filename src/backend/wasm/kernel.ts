import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

export type Info = tf.TensorInfo;
export type Inputs = Readonly<Record<string, Info>>;
export type Attributes = Readonly<Record<string, unknown>>;
export type Kernel = (inputs: Inputs, attributes: Attributes, backend: BackendWasm) => Info;

/**
 * Puts a kernel in the place of the registered one (if any), which it gets as `previous`.
 * The set-up of the previous kernel stays in force, so that it can still be called.
 */
export function replaceKernel(
  kernelName: string,
  backendName: string,
  make: (previous: Kernel | undefined) => Kernel,
): void {
  const old = tf.getKernel(kernelName, backendName) as tf.KernelConfig | undefined;
  const previous: Kernel | undefined =
    old === undefined
      ? undefined
      : (inputs, attrs, backend) => {
          const call = { inputs: inputs as tf.NamedTensorInfoMap, attrs: attrs as tf.NamedAttrMap, backend };
          return old.kernelFunc(call) as Info;
        };
  const kernel = make(previous);
  if (old !== undefined) tf.unregisterKernel(kernelName, backendName);
  const kernelFunc = (call: { inputs: Inputs; attrs?: Attributes; backend: BackendWasm }): Info =>
    kernel(call.inputs, call.attrs ?? {}, call.backend);
  tf.registerKernel({ ...old, kernelName, backendName, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}

/** Registers a kernel of the wasm backend that has several results. */
export function registerMany(
  kernelName: string,
  kernel: (inputs: Inputs, attributes: Attributes, backend: BackendWasm) => Info[],
): void {
  const kernelFunc = (call: { inputs: Inputs; attrs?: Attributes; backend: BackendWasm }): Info[] =>
    kernel(call.inputs, call.attrs ?? {}, call.backend);
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}

/** The registered kernel of the wasm backend, by name. */
export function runWasm(kernelName: string, inputs: Inputs, attributes: Attributes, backend: BackendWasm): Info {
  const config = tf.getKernel(kernelName, 'wasm');
  const call = { inputs, attrs: attributes, backend };
  return config.kernelFunc(call as unknown as Parameters<tf.KernelFunc>[0]) as Info;
}

/** Swaps the last two axes. The caller frees the result with `free`. */
export function transposed(x: Info, backend: BackendWasm): Info {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => axis);
  perm[rank - 2] = rank - 1;
  perm[rank - 1] = rank - 2;
  return runWasm('Transpose', { x }, { perm }, backend);
}

export function free(x: Info, backend: BackendWasm): void {
  backend.disposeData(x.dataId);
}

/** The same data under another shape; shares the data, counts no reference. */
export function reshaped(x: Info, shape: number[]): Info {
  return { dataId: x.dataId, shape, dtype: x.dtype };
}

/** The float32 values of a tensor of any backend with plain memory (wasm: a view of the heap, cpu: its array). */
export function floats(x: Info, backend: BackendWasm): Float32Array {
  if (typeof backend.typedArrayFromHeap === 'function') return backend.typedArrayFromHeap(x) as Float32Array;
  return backend.readSync(x.dataId) as Float32Array;
}

/** A tensor of a backend with plain memory, made of values. */
export function fromValues(
  values: Float32Array | Int32Array,
  shape: number[],
  dtype: tf.DataType,
  backend: BackendWasm,
): Info {
  return { dataId: backend.write(values, shape, dtype), shape, dtype };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
