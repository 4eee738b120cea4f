import * as tf from '@tensorflow/tfjs';

/** The value of one attribute of a TensorFlow op. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
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
    executeOp(name: string, attributes: readonly OpAttribute[], tensorIds: number[], outputs: number): unknown;
  };
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
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
