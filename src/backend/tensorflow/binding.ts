import * as tf from '@tensorflow/tfjs';

/** The value of one attribute of a TensorFlow op. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What tfjs-node keeps of a tensor. */
export interface TensorData {
  /** TensorFlow's handle; -1 while `values` wait to be uploaded. */
  id: number;
  values: unknown;
  refCount: number;
}

/** What tfjs-node's backend offers beyond tfjs' own interface. */
export interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_SHAPE: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_FLOAT: number;
    executeOp(
      name: string,
      attributes: readonly OpAttribute[],
      tensorIds: number[],
      outputs: number,
    ): { readonly id: number }[];
    deleteTensor(id: number): void;
  };
  readonly tensorMap: {
    get(dataId: object): TensorData;
    has(dataId: object): boolean;
    set(dataId: object, data: TensorData): void;
  };
  createOutputTensor(metadata: { readonly id: number; readonly shape: number[]; readonly dtype: number }): tf.Tensor;
  disposeData(dataId: object, force?: boolean): boolean;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** @returns tfjs' current backend, which must be TensorFlow's */
export function tensorFlowBackend(): TensorFlowBackend {
  return tf.backend() as unknown as TensorFlowBackend;
}

/** Runs any op of TensorFlow that has no output. */
export function runOp(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.Tensor[]): void {
  const backend = tensorFlowBackend();
  backend.binding.executeOp(name, attributes, backend.getInputTensorIds(inputs), 0);
}

export function floatType(name: string): OpAttribute {
  const { binding } = tensorFlowBackend();
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

export function flag(name: string, value: boolean): OpAttribute {
  return { name, type: tensorFlowBackend().binding.TF_ATTR_BOOL, value };
}

export function text(name: string, value: string): OpAttribute {
  return { name, type: tensorFlowBackend().binding.TF_ATTR_STRING, value };
}

export function shape(name: string, value: readonly number[]): OpAttribute {
  return { name, type: tensorFlowBackend().binding.TF_ATTR_SHAPE, value };
}

/** Registers a kernel of several results on this backend; inside it nothing is taped, and what it does not return is disposed. */
export function registerMany(
  kernelName: string,
  kernel: (inputs: Readonly<Record<string, tf.Tensor>>, attributes: Readonly<Record<string, unknown>>) => tf.Tensor[],
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => kernel(inputs as Record<string, tf.Tensor>, attrs ?? {})),
  });
}
