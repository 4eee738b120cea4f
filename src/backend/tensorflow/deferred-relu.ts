import * as tf from '@tensorflow/tfjs';

import { floatType, tensorFlowBackend } from './binding.js';
import type { TensorData } from './binding.js';

/**
 * The output of a convolution with bias and relu that is computed when it is read. Max pooling behind it reads the
 * convolution itself: relu(max(z) + b) = max(relu(z + b)), on a quarter of the numbers, forward and backward.
 *
 * It hangs on how tfjs-node 4.22 keeps a tensor: `values` is looked at before every use of `id`, and `id` alone when the data goes.
 */
class DeferredRelu implements TensorData {
  id = -1;
  refCount = 1;
  readonly dtype: number;
  #z: number;
  #bias: number;

  constructor(
    readonly shape: number[],
    z: number,
    bias: number,
  ) {
    this.dtype = tensorFlowBackend().binding.TF_FLOAT;
    this.#z = z;
    this.#bias = bias;
  }

  /** Handles of the convolution and its bias; undefined once the relu was computed. */
  get parts(): { readonly z: number; readonly bias: number } | undefined {
    return this.#z < 0 ? undefined : { z: this.#z, bias: this.#bias };
  }

  get values(): null {
    if (this.id < 0 && this.#z >= 0) {
      this.id = reluOfSum(this.#z, this.#bias);
      this.release();
    }
    return null;
  }

  set values(_: unknown) {}

  release(): void {
    if (this.#z < 0) return;
    const { binding } = tensorFlowBackend();
    binding.deleteTensor(this.#z);
    binding.deleteTensor(this.#bias);
    this.#z = -1;
  }
}

/** relu(z + bias) by handles; the caller has the result. */
export function reluOfSum(z: number, bias: number): number {
  const { binding } = tensorFlowBackend();
  const type = [floatType('T')];
  const sum = binding.executeOp('BiasAdd', type, [z, bias], 1)[0].id;
  try {
    return binding.executeOp('Relu', type, [sum], 1)[0].id;
  } finally {
    binding.deleteTensor(sum);
  }
}

/** A tensor that is relu(z + bias) once somebody reads it. Takes z over: it becomes part of the result. */
export function deferRelu(z: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const backend = tensorFlowBackend();
  releaseWithData();
  const [biasId] = backend.getInputTensorIds([bias]);
  // a handle of its own: the optimizer may set the bias before the relu is computed
  const copy = backend.binding.executeOp('Identity', [floatType('T')], [biasId], 1)[0].id;
  const dataId = {};
  backend.tensorMap.set(dataId, new DeferredRelu([...z.shape], takeHandle(z), copy));
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape: z.shape, dtype: 'float32' });
}

/** The parts of a relu that nobody has read yet. */
export function deferredParts(y: {
  readonly dataId: object;
}): { readonly z: number; readonly bias: number } | undefined {
  const data = tensorFlowBackend().tensorMap.get(y.dataId);
  return data instanceof DeferredRelu ? data.parts : undefined;
}

/** A tensor's handle, which the tensor gives up: it may only be disposed afterwards. */
export function takeHandle(x: tf.Tensor): number {
  const backend = tensorFlowBackend();
  const [id] = backend.getInputTensorIds([x]);
  backend.tensorMap.get(x.dataId).id = -1;
  return id;
}

/** Runs with a tensor over a handle that stays the lender's. */
export function withBorrowed<T>(id: number, shape: readonly number[], run: (x: tf.Tensor) => T): T {
  const backend = tensorFlowBackend();
  const x = backend.createOutputTensor({ id, shape: [...shape], dtype: backend.binding.TF_FLOAT });
  try {
    return run(x);
  } finally {
    backend.tensorMap.get(x.dataId).id = -1;
    x.dispose();
  }
}

const owned = new WeakMap<object, number>();

/** Lets a handle go with a tensor's data. */
export function ownHandle(owner: { readonly dataId: object }, id: number): void {
  releaseWithData();
  owned.set(owner.dataId, id);
}

/** The handle that goes with a tensor's data. */
export function ownedHandle(owner: { readonly dataId: object }): number | undefined {
  return owned.get(owner.dataId);
}

const patched = new WeakSet<object>();

function releaseWithData(): void {
  const backend = tensorFlowBackend();
  if (patched.has(backend)) return;
  patched.add(backend);
  const stock = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const data = backend.tensorMap.has(dataId) ? backend.tensorMap.get(dataId) : undefined;
    const gone = stock(dataId, force);
    if (gone && data instanceof DeferredRelu) data.release();
    const handle = gone ? owned.get(dataId) : undefined;
    if (handle !== undefined) {
      owned.delete(dataId);
      backend.binding.deleteTensor(handle);
    }
    return gone;
  };
}
