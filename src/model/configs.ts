import * as tf from '@tensorflow/tfjs';

import { isObject } from './json.js';
import type { JsonObject } from './json.js';

/** How a config spells its keys: as TensorFlow.js does in memory, or as Keras does on disk. */
type Keys = 'camel' | 'snake';

/**
 * Puts right, in place, what getConfig of TensorFlow.js 4.22 leaves out or gets wrong, in all layers of a model's config, nested ones too.
 * @param config of the model: `{layers: [{config: {name}}]}`
 */
export function restoreConfigs(model: tf.LayersModel, config: JsonObject, keys: Keys): void {
  const entries = Array.isArray(config['layers']) ? config['layers'].filter(isObject) : [];
  for (const { config: own } of entries) {
    const layer = isObject(own) ? model.layers.find(({ name }) => name === own['name']) : undefined;
    if (layer === undefined || !isObject(own)) continue;
    if (layer instanceof tf.LayersModel) restoreConfigs(layer, own, keys);
    else restoreConfig(layer, own, keys);
  }
}

/** One layer's; see {@link restoreConfigs}. */
export function restoreConfig(layer: tf.layers.Layer, config: JsonObject, keys: Keys): void {
  const [multiplier, constraint] =
    keys === 'camel' ? ['depthMultiplier', 'depthwiseConstraint'] : ['depth_multiplier', 'depthwise_constraint'];
  const name = layer.getClassName();
  if (name === 'SeparableConv2D') {
    config[multiplier] = (layer as unknown as { readonly depthMultiplier: number }).depthMultiplier;
  }
  // The regularizer is written in the constraint's place.
  if (name === 'DepthwiseConv2D') delete config[constraint];
}
