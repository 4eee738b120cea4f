import * as tf from '@tensorflow/tfjs';

import { replaceKernel, sizeOf } from '../kernel.js';
import { usesOwnKernels } from './relu-gradient.js';
import { session } from './session.js';

export interface AdamOptions {
  /** Positive; may be set again between steps. */
  readonly learningRate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

export interface SgdOptions {
  readonly learningRate: number;
  /** 0: none. */
  readonly momentum?: number;
}

export const ADAM_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
export const SGD_DEFAULTS = { momentum: 0 };

/** An optimizer whose learning rate may be set between steps. */
export type ScheduledOptimizer = tf.Optimizer & { learningRate: number };

/** Adam (Kingma and Ba 2015) as tf.train.adam computes it; on wasm one pass over the heap per weight. The caller disposes it. */
export function createAdam(options: AdamOptions): ScheduledOptimizer {
  return new Adam(options);
}

/** Gradient descent with momentum, as tf.train.momentum computes it; on wasm one pass over the heap per weight. The caller disposes it. */
export function createSgd(options: SgdOptions): ScheduledOptimizer {
  return new Sgd(options);
}

export function installOptimizers(): void {
  replaceKernel('AdamStep', 'wasm', () => (inputs, attributes) => {
    const s = session()!;
    const { weight, gradient, first, second } = inputs;
    const out = s.output(weight.shape);
    const n = sizeOf(weight.shape);
    const [size, tasks] = s.split(n);
    s.setFloats(23, ...(attributes['constants'] as number[]));
    s.run('adam', tasks, s.at(weight), s.at(gradient), s.at(first), s.at(second), s.at(out), n, size);
    return out;
  });
  replaceKernel('SgdStep', 'wasm', () => (inputs, attributes) => {
    const s = session()!;
    const { weight, gradient, velocity } = inputs;
    const out = s.output(weight.shape);
    const n = sizeOf(weight.shape);
    const [size, tasks] = s.split(n);
    s.setFloats(23, ...(attributes['constants'] as number[]));
    s.run('sgd', tasks, s.at(weight), s.at(gradient), s.at(velocity), 0, s.at(out), n, size);
    return out;
  });
}

type Gradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** A new tensor takes the weight's place at every step: XNNPACK caches packed weights by data, so changing them in place would go unseen. */
abstract class InPlaceOptimizer extends tf.Optimizer {
  learningRate: number;
  readonly #state = new Map<string, tf.Variable[]>();

  constructor(learningRate: number) {
    super();
    this.learningRate = learningRate;
  }

  override applyGradients(gradients: Gradients): void {
    this.beginStep();
    const pairs = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }): [string, tf.Tensor] => [name, tensor])
      : Object.entries(gradients);
    for (const [name, gradient] of pairs) {
      const weight = tf.engine().registeredVariables[name];
      if (gradient === null || gradient === undefined || weight === undefined) continue;
      tf.tidy(() => weight.assign(this.step(weight, gradient, this.#stateOf(name, weight))));
    }
    this.incrementIterations();
  }

  #stateOf(name: string, weight: tf.Variable): tf.Variable[] {
    let state = this.#state.get(name);
    if (state === undefined) {
      state = Array.from({ length: this.stateCount() }, () =>
        tf.tidy(() => tf.variable(tf.zeros(weight.shape), false)),
      );
      this.#state.set(name, state);
    }
    return state;
  }

  override dispose(): void {
    super.dispose();
    for (const state of this.#state.values()) tf.dispose(state);
    this.#state.clear();
  }

  /** Zero tensors kept per weight. */
  protected abstract stateCount(): number;
  protected abstract beginStep(): void;
  /** The weight's next value; changes the state. */
  protected abstract step(weight: tf.Tensor, gradient: tf.Tensor, state: tf.Variable[]): tf.Tensor;
}

class Adam extends InPlaceOptimizer {
  static readonly className = 'Adam';
  readonly #options: Required<AdamOptions>;
  #steps = 0;

  constructor(options: AdamOptions) {
    super(options.learningRate);
    this.#options = { ...ADAM_DEFAULTS, ...options };
  }

  protected override stateCount(): number {
    return 2;
  }

  protected override beginStep(): void {
    this.#steps++;
  }

  protected override step(weight: tf.Tensor, gradient: tf.Tensor, [first, second]: tf.Variable[]): tf.Tensor {
    const { beta1, beta2, epsilon } = this.#options;
    const rate = this.learningRate / (1 - beta1 ** this.#steps);
    const correction = 1 / (1 - beta2 ** this.#steps);
    if (usesOwnKernels()) {
      const constants = [beta1, 1 - beta1, beta2, 1 - beta2, rate, correction, epsilon];
      return tf.engine().runKernel('AdamStep', { weight, gradient, first, second }, { constants });
    }
    first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
    second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
    return tf.sub(weight, tf.div(tf.mul(first, rate), tf.add(tf.sqrt(tf.mul(second, correction)), epsilon)));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.#options, learningRate: this.learningRate };
  }
}

class Sgd extends InPlaceOptimizer {
  static readonly className = 'SGD';
  readonly #momentum: number;

  constructor(options: SgdOptions) {
    super(options.learningRate);
    this.#momentum = options.momentum ?? SGD_DEFAULTS.momentum;
  }

  protected override stateCount(): number {
    return this.#momentum === 0 ? 0 : 1;
  }

  protected override beginStep(): void {}

  protected override step(weight: tf.Tensor, gradient: tf.Tensor, [velocity]: tf.Variable[]): tf.Tensor {
    if (usesOwnKernels()) {
      const inputs: tf.NamedTensorMap = velocity === undefined ? { weight, gradient } : { weight, gradient, velocity };
      return tf.engine().runKernel('SgdStep', inputs, { constants: [this.learningRate, this.#momentum] });
    }
    if (velocity === undefined) return tf.sub(weight, tf.mul(gradient, this.learningRate));
    velocity.assign(tf.add(tf.mul(velocity, this.#momentum), gradient));
    return tf.sub(weight, tf.mul(velocity, this.learningRate));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, momentum: this.#momentum };
  }
}
