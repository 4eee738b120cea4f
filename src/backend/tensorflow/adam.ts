import * as tf from '@tensorflow/tfjs';

import { ADAM_DEFAULTS, checkedLearningRate } from '../adam.js';
import type { AdamLike } from '../types.js';
import { flag, floatType, runOp, shape, tensorFlowBackend, text } from './binding.js';

const { beta1, beta2, epsilon } = ADAM_DEFAULTS;

/**
 * Adam as TensorFlow's fused op ResourceApplyAdam, one call per weight instead of some 15 small ops, which cost more
 * than the forward and backward pass of a small net together.
 *
 * @param learningRate > 0
 * @throws UsageError when the learning rate is not a positive number
 */
export function createFusedAdam(learningRate: number): AdamLike {
  return new FusedAdam(checkedLearningRate(learningRate));
}

/** Three resources of TensorFlow: the weight and its two moments. */
interface Slot {
  readonly variable: tf.Variable;
  readonly weight: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  /** Data of the variable as this optimizer left it; another id means that somebody set the weight. */
  dataId: object;
}

class FusedAdam extends tf.Optimizer implements AdamLike {
  static readonly className = 'FusedAdam';
  private readonly slots = new Map<string, Slot>();
  private steps = 0;

  constructor(private learningRate: number) {
    super();
  }

  setLearningRate(learningRate: number): void {
    this.learningRate = checkedLearningRate(learningRate);
  }

  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    this.steps++;
    tf.tidy(() => {
      const constants = stepConstants(this.learningRate, this.steps);
      for (const { name, tensor } of named(gradients)) {
        if (tensor !== null && tensor !== undefined) applyTo(this.slotOf(name), constants, tensor);
      }
    });
    this.incrementIterations();
  }

  override dispose(): void {
    for (const slot of this.slots.values()) releaseSlot(slot);
    this.slots.clear();
  }

  getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, beta1, beta2, epsilon };
  }

  private slotOf(name: string): Slot {
    const variable = tf.engine().registeredVariables[name];
    const known = this.slots.get(name);
    if (known?.variable === variable) {
      if (known.dataId !== variable.dataId) runOp('AssignVariableOp', [floatType('dtype')], [known.weight, variable]);
      return known;
    }
    if (known !== undefined) releaseSlot(known);
    const slot = createSlot(variable);
    this.slots.set(name, slot);
    return slot;
  }
}

/**
 * The op divides by sqrt(v) + e where tfjs divides by sqrt(v / (1 - beta2^t)) + epsilon, and folds both bias corrections
 * into the rate: the same step with e = epsilon sqrt(1 - beta2^t).
 */
function stepConstants(learningRate: number, step: number): tf.Tensor[] {
  const correction = Math.sqrt(1 - beta2 ** step);
  const values = [beta1 ** step, beta2 ** step, learningRate, beta1, beta2, epsilon * correction];
  return values.map((value) => tf.scalar(value, 'float32'));
}

function applyTo(slot: Slot, constants: readonly tf.Tensor[], gradient: tf.Tensor): void {
  const data = tensorFlowBackend().tensorMap.get(slot.variable.dataId);
  if (slot.dataId === slot.variable.dataId && data.refCount === 1 && data.id >= 0) {
    // while somebody holds the value that was read, TensorFlow copies the weight before it changes it
    tensorFlowBackend().binding.deleteTensor(data.id);
    data.id = -1;
    try {
      applyAdam(slot, constants, gradient);
    } finally {
      data.id = readWeight(slot);
    }
    return;
  }
  applyAdam(slot, constants, gradient);
  const updated = tensorFlowBackend().executeSingleOutput('ReadVariableOp', [floatType('dtype')], [slot.weight]);
  slot.variable.assign(updated);
  slot.dataId = slot.variable.dataId;
}

function applyAdam(slot: Slot, constants: readonly tf.Tensor[], gradient: tf.Tensor): void {
  const attributes = [floatType('T'), flag('use_locking', false), flag('use_nesterov', false)];
  runOp('ResourceApplyAdam', attributes, [slot.weight, slot.first, slot.second, ...constants, gradient]);
}

function readWeight({ weight }: Slot): number {
  const backend = tensorFlowBackend();
  const ids = backend.getInputTensorIds([weight]);
  return backend.binding.executeOp('ReadVariableOp', [floatType('dtype')], ids, 1)[0].id;
}

function createSlot(variable: tf.Variable): Slot {
  const zeros = tf.zeros(variable.shape);
  return {
    variable,
    weight: createResource(variable),
    first: createResource(zeros),
    second: createResource(zeros),
    dataId: variable.dataId,
  };
}

let resources = 0;

function createResource(initial: tf.Tensor): tf.Tensor {
  const attributes = [
    floatType('dtype'),
    shape('shape', initial.shape),
    text('container', ''),
    text('shared_name', `taildropout_adam_${resources++}`),
  ];
  const handle = tf.keep(tensorFlowBackend().executeSingleOutput('VarHandleOp', attributes, []));
  runOp('AssignVariableOp', [floatType('dtype')], [handle, initial]);
  return handle;
}

/** TensorFlow keeps a named resource until it is destroyed, whatever becomes of the handle. */
function releaseSlot(slot: Slot): void {
  for (const handle of [slot.weight, slot.first, slot.second]) {
    runOp('DestroyResourceOp', [flag('ignore_lookup_error', true)], [handle]);
    handle.dispose();
  }
}

function named(
  gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[],
): { name: string; tensor: tf.Tensor }[] {
  if (Array.isArray(gradients)) return gradients;
  return Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}
