import * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { camelCase, isObject, quote, text } from './json.js';
import type { Json, JsonObject } from './json.js';

/** What weight-bearing layers of tfjs take, and what they take where the config is silent. */
const DEFAULTS: Readonly<Record<string, string>> = {
  kernel: 'GlorotNormal',
  depthwise: 'GlorotNormal',
  pointwise: 'GlorotNormal',
  recurrent: 'Orthogonal',
  embeddings: 'RandomUniform',
  bias: 'Zeros',
  gamma: 'Ones',
  beta: 'Zeros',
  moving_mean: 'Zeros',
  moving_variance: 'Ones',
  alpha: 'Zeros',
};
const KEYS: Readonly<Record<string, string>> = {
  Dense: 'kernel bias',
  Conv1D: 'kernel bias',
  Conv2D: 'kernel bias',
  Conv3D: 'kernel bias',
  Conv2DTranspose: 'kernel bias',
  Conv3DTranspose: 'kernel bias',
  SeparableConv2D: 'depthwise pointwise bias',
  DepthwiseConv2D: 'depthwise bias',
  Embedding: 'embeddings',
  SimpleRNN: 'kernel recurrent bias',
  SimpleRNNCell: 'kernel recurrent bias',
  GRU: 'kernel recurrent bias',
  GRUCell: 'kernel recurrent bias',
  LSTM: 'kernel recurrent bias',
  LSTMCell: 'kernel recurrent bias',
  ConvLSTM2D: 'kernel recurrent bias',
  ConvLSTM2DCell: 'kernel recurrent bias',
  BatchNormalization: 'gamma beta moving_mean moving_variance',
  LayerNormalization: 'gamma beta',
  PReLU: 'alpha',
};
const KNOWN = new Set(
  'Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LeCunNormal LeCunUniform Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros'.split(
    ' ',
  ),
);
const CLASS = 'TdcKeptInitializer';

/** Values that may still be allocated while a model is built (its weights on disk are the measure); undefined while none is. */
let allowance: number | undefined;

/**
 * Stands in for a layer's initializer while its weights are on their way: makes zeros (drawing an orthogonal matrix takes minutes, and
 * the draw would be overwritten), refuses to make more of them than there are weights, and gives the original back when it is saved.
 */
class KeptInitializer extends tf.serialization.Serializable {
  static readonly className = CLASS;
  private readonly original: tf.serialization.ConfigDict;

  constructor(config: tf.serialization.ConfigDict) {
    super();
    this.original = config;
  }

  apply(shape: tf.Shape, dtype?: tf.DataType): tf.Tensor {
    const size = shape.reduce<number>((product, side) => product * (side ?? 1), 1);
    const left = allowance ?? Infinity;
    if (!(size <= left))
      throw new ModelError(
        `Layer ${quote(this.original['name'])} asks for a weight of shape [${shape.join(', ')}], more than the weight files hold.`,
      );
    allowance = allowance === undefined ? undefined : left - size;
    const sides = shape.map((side) => side ?? 1);
    return tf.zeros(sides, dtype);
  }

  override getClassName(): string {
    return building() ? CLASS : text(this.original['of']);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return building() ? this.original : ((this.original['settings'] ?? {}) as tf.serialization.ConfigDict);
  }
}

tf.serialization.registerClass(KeptInitializer);

/** Bidirectional copies its layer by way of its config while it is built: there the stand-in has to stay one. */
function building(): boolean {
  return allowance !== undefined;
}

/** Runs `build` while at most `values` weight values may be made. */
export function withAllowance<T>(values: number, build: () => T): T {
  const before = allowance;
  allowance = values;
  try {
    return build();
  } finally {
    allowance = before;
  }
}

/** Copy of a model or layer entry (either spelling of keys) in which every initializer is kept for later and makes zeros. */
export function keepInitializers(entry: Json): Json {
  if (Array.isArray(entry)) return entry.map(keepInitializers);
  if (!isObject(entry)) return entry;
  const camel = Object.hasOwn(entry, 'className');
  const className = entry['class_name'] ?? entry['className'];
  const copy: JsonObject = {};
  for (const [key, value] of Object.entries(entry)) copy[key] = keepInitializers(value);
  if (typeof className !== 'string' || !Object.hasOwn(KEYS, className) || !isObject(copy['config'])) return copy;
  for (const role of KEYS[className]?.split(' ') ?? []) {
    const snake = `${role}_initializer`;
    const key = camel ? camelCase(snake) : snake;
    copy['config'][key] = kept(
      isObject(entry['config']) ? entry['config'][key] : undefined,
      DEFAULTS[role] ?? 'Zeros',
      camel,
      copy['config']['name'] ?? '',
    );
  }
  return copy;
}

function kept(raw: Json | undefined, fallback: string, camel: boolean, layer: Json): JsonObject {
  const named = isObject(raw) ? (raw['class_name'] ?? raw['className']) : raw;
  const word = typeof named === 'string' ? camelCase(named) : fallback;
  const className = word.charAt(0).toUpperCase() + word.slice(1);
  // An initializer that tfjs lacks is only a wish about weights that exist already.
  const known = KNOWN.has(className);
  const settings = known && isObject(raw) && isObject(raw['config']) ? raw['config'] : {};
  return {
    [camel ? 'className' : 'class_name']: CLASS,
    config: { of: known ? className : 'Zeros', settings, name: layer },
  };
}
