import * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { camelCase, isObject, quote, snakeKeys, text } from './json.js';
import type { Json, JsonObject } from './json.js';
import type { Walk } from './topology.js';

/** Layers that tfjs has a class for and yet gets wrong, with what happens. */
const BROKEN: Readonly<Record<string, string>> = {
  Resizing: 'TensorFlow.js changes shapes in place there and fails',
  CenterCrop: 'TensorFlow.js fails on its ranks',
  CategoryEncoding: 'TensorFlow.js fails on its ranks',
  RandomWidth: 'it changes sizes at random',
};

/** Layers of Keras that people meet and tfjs lacks, with what to do. */
const ABSENT: Readonly<Record<string, string>> = {
  Lambda: 'it is Python code; replace it by a layer',
  TFOpLambda: 'it is a TensorFlow operation used as a layer; replace it by a Keras layer',
  SlicingOpLambda: 'it is a TensorFlow operation used as a layer; replace it by a Keras layer',
  TensorFlowOpLayer: 'it is a TensorFlow operation used as a layer; replace it by a Keras layer',
};

const ACTIVATIONS = new Set(
  'elu gelu hardSigmoid linear logSoftmax mish relu relu6 selu sigmoid softmax softplus softsign swish tanh'.split(' '),
);
const CONSTRAINTS = new Set([
  'MaxNorm',
  'MinMaxNorm',
  'NonNeg',
  'UnitNorm',
  'maxNorm',
  'minMaxNorm',
  'nonNeg',
  'unitNorm',
]);

/** The error for what only Keras 3 writes and stock tfjs cannot read. */
export function keras3Error(layer: string): ModelError {
  return new ModelError(
    `The model is a Keras 3 export (seen at layer ${quote(layer)}), which TensorFlow.js cannot load.`,
    {
      hint: 'Load it with tf.keras 2 (TF_USE_LEGACY_KERAS=1 before importing TensorFlow), save it, and convert that.',
    },
  );
}

/**
 * Checks one layer's settings before tfjs sees them, and repairs what is only spelled differently.
 * @param config the layer's config; it may be changed.
 * @returns the config to use.
 * @throws ModelError that names the layer, where tfjs would throw later or compute garbage.
 */
export function checkLayerConfig(className: string, config: JsonObject, walk: Walk): JsonObject {
  const label = `Layer ${quote(config['name'])} (${className})`;
  checkClass(className, label);
  if (className === 'InputLayer') checkInput(config, walk);
  for (const shape of ['batch_input_shape', 'input_shape']) checkShape(config[shape], label);
  spell(className, config, label, walk);
  for (const key of ['activation', 'recurrent_activation']) checkActivation(config, key, label, walk);
  for (const key of Object.keys(config)) {
    if (key.endsWith('_regularizer')) regularizer(config, key, label, walk);
    if (key.endsWith('_constraint')) constraint(config[key], label);
  }
  checkSettings(className, config, label, walk);
  for (const key of ['layer', 'cell', 'backward_layer'])
    if (isObject(config[key])) config[key] = inner(config[key], label, walk);
  if (Array.isArray(config['cells']))
    config['cells'] = config['cells'].map((cell) => (isObject(cell) ? inner(cell, label, walk) : cell));
  return config;
}

/** The layer that a wrapper holds. */
function inner(raw: JsonObject, owner: string, walk: Walk): JsonObject {
  const entry = snakeKeys(raw);
  const className = entry['class_name'];
  if (typeof className !== 'string' || !isObject(entry['config']))
    throw new ModelError(`${owner} wraps something that is not a layer.`);
  if (['Model', 'Functional', 'Sequential'].includes(className)) {
    throw new ModelError(`${owner} wraps a whole model, which is not supported.`, {
      hint: 'Wrap each of its layers instead.',
    });
  }
  const config = snakeKeys(entry['config']);
  return {
    class_name: className,
    config: checkLayerConfig(className, { ...config, name: config['name'] ?? className.toLowerCase() }, walk),
  };
}

function checkClass(className: string, label: string): void {
  const why = Object.hasOwn(BROKEN, className) ? BROKEN[className] : undefined;
  if (why !== undefined)
    throw new ModelError(`${label} is not supported: ${why}.`, {
      hint: 'Take the layer out of the model and do its work on the data.',
    });
  const absent = Object.hasOwn(ABSENT, className) ? ABSENT[className] : undefined;
  if (absent !== undefined) throw new ModelError(`${label} cannot be loaded by TensorFlow.js: ${absent}.`);
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const known = Object.hasOwn(classNameMap, className) ? classNameMap[className]?.[0] : undefined;
  if (known === undefined || !(known.prototype instanceof tf.layers.Layer)) {
    throw new ModelError(`${label} is a custom layer, or one that TensorFlow.js lacks.`, {
      hint: 'Rebuild the model from layers that TensorFlow.js has, or register the class with tf.serialization.registerClass in the process that loads it.',
    });
  }
}

function checkInput(config: JsonObject, walk: Walk): void {
  if (config['batch_input_shape'] !== undefined || config['input_shape'] !== undefined) return;
  const shape = config['batch_shape'];
  if (Array.isArray(shape)) throw keras3Error(text(config['name']));
  throw walk.origin === 'keras3'
    ? keras3Error(text(config['name']))
    : new ModelError(`InputLayer ${quote(config['name'])} does not say its shape.`);
}

function checkShape(shape: Json | undefined, label: string): void {
  if (shape === undefined || shape === null) return;
  const fits =
    Array.isArray(shape) &&
    shape.length <= 8 &&
    shape.every((side) => side === null || (Number.isSafeInteger(side) && Number(side) > 0));
  if (!fits)
    throw new ModelError(
      `${label} has the input shape ${quote(shape)}; a list of positive integers or null is expected.`,
    );
}

/** Differences of spelling between versions of Keras; exact. */
function spell(className: string, config: JsonObject, label: string, walk: Walk): void {
  const dtype = config['dtype'];
  if (isObject(dtype)) {
    const name = isObject(dtype['config']) ? dtype['config']['name'] : undefined;
    config['dtype'] = typeof name === 'string' && !name.startsWith('mixed_') ? name : 'float32';
  }
  if (className === 'LeakyReLU' && config['negative_slope'] !== undefined && config['alpha'] === undefined) {
    config['alpha'] = config['negative_slope'];
    walk.repairs.add(`${label}: negative_slope is read as alpha.`);
  }
  const axis = config['axis'];
  if ((className === 'BatchNormalization' || className === 'Softmax') && Array.isArray(axis) && axis.length === 1)
    config['axis'] = axis[0] ?? -1;
  if (className === 'Activation' && config['activation'] === undefined)
    throw new ModelError(`${label} names no activation.`);
}

function checkActivation(config: JsonObject, key: string, label: string, walk: Walk): void {
  const raw = config[key];
  if (raw === undefined || raw === null) return;
  const named = isObject(raw) && typeof raw['config'] === 'string' ? raw['config'] : raw;
  const name = typeof named === 'string' ? camelCase(named) : undefined;
  const spelled = name === 'silu' ? 'swish' : name;
  if (spelled === undefined || !ACTIVATIONS.has(spelled)) {
    throw new ModelError(`${label} has the ${key.replace('_', ' ')} ${quote(named)}, which TensorFlow.js lacks.`);
  }
  if (spelled !== name || named !== raw)
    walk.repairs.add(`${label}: the ${key.replace('_', ' ')} is read as "${spelled}".`);
  config[key] = spelled;
  if (spelled === 'hardSigmoid' && walk.origin === 'keras3') {
    walk.warnings.add(
      `${label}: hard_sigmoid of Keras 3 is relu6(x + 3) / 6; TensorFlow.js computes clip(0.2 x + 0.5), so results differ from Keras by up to 0.02.`,
    );
  }
}

/** Keras spells L1L2 with one factor as L1 or L2. */
function regularizer(config: JsonObject, key: string, label: string, walk: Walk): void {
  const raw = config[key];
  if (!isObject(raw)) {
    if (raw !== null && raw !== undefined && raw !== 'l1l2')
      throw new ModelError(`${label} has the ${key.replace('_', ' ')} ${quote(raw)}, which TensorFlow.js lacks.`);
    return;
  }
  const entry = snakeKeys(raw);
  const className = entry['class_name'];
  if (className === 'L1L2') return;
  if (className !== 'L1' && className !== 'L2')
    throw new ModelError(`${label} has the ${key.replace('_', ' ')} ${quote(className)}, which TensorFlow.js lacks.`);
  const factors = isObject(entry['config']) ? entry['config'] : {};
  config[key] = { class_name: 'L1L2', config: { l1: factors['l1'] ?? 0, l2: factors['l2'] ?? 0 } };
  walk.repairs.add(`${label}: the regularizer ${className} is read as L1L2.`);
}

function constraint(raw: Json | undefined, label: string): void {
  if (raw === undefined || raw === null) return;
  const name = isObject(raw)
    ? (raw['class_name'] ?? raw['className'])
    : typeof raw === 'string'
      ? camelCase(raw)
      : undefined;
  if (typeof name !== 'string' || !CONSTRAINTS.has(name))
    throw new ModelError(`${label} has the constraint ${quote(name ?? raw)}, which TensorFlow.js lacks.`);
}

/** Settings that tfjs ignores or stumbles over. */
function checkSettings(className: string, config: JsonObject, label: string, walk: Walk): void {
  const refuse = (what: string): never => {
    throw new ModelError(`${label} has ${what}, which TensorFlow.js cannot compute.`);
  };
  const set = (key: string): boolean => config[key] !== undefined && config[key] !== null && config[key] !== 0;
  if (className === 'Conv1D' && config['padding'] === 'causal') refuse('padding "causal"');
  if (Number(config['groups'] ?? 1) > 1) refuse(`groups = ${quote(config['groups'])}`);
  if (className === 'ReLU' && (set('negative_slope') || set('threshold'))) refuse('a slope or threshold');
  if (className === 'ELU' && Number(config['alpha'] ?? 1) !== 1) refuse(`alpha = ${quote(config['alpha'])}`);
  if (config['time_major'] === true) refuse('time_major');
  if ((className === 'GRU' || className === 'GRUCell') && config['reset_after'] === true) refuse('reset_after = true');
  if (set('activity_regularizer')) {
    config['activity_regularizer'] = null;
    walk.warnings.add(`${label}: its activity regularizer is left out; it matters for training only.`);
  }
  if (className === 'UpSampling2D' && config['interpolation'] === 'bilinear') {
    walk.warnings.add(`${label}: TensorFlow.js interpolates without half-pixel centres, so results differ from Keras.`);
  }
  if (className === 'DepthwiseConv2D' && dilated(config['dilation_rate'])) {
    if (walk.origin !== 'tfjs') refuse('a dilation rate above 1');
    walk.warnings.add(`${label}: TensorFlow.js ignores its dilation rate.`);
  }
  if (
    (className === 'BatchNormalization' || className === 'LayerNormalization') &&
    (config['center'] === false || config['scale'] === false)
  ) {
    walk.warnings.add(`${label}: without center or scale TensorFlow.js cannot train the model.`);
  }
}

function dilated(rate: Json | undefined): boolean {
  return Array.isArray(rate) ? rate.some((r) => Number(r) > 1) : Number(rate ?? 1) > 1;
}
