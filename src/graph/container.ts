import type * as tf from '@tensorflow/tfjs';

/** A model as a layer of another one: what Sequential and LayersModel have in common. */
export type ModelLayer = tf.LayersModel & tf.layers.Layer;

/** True for a Sequential or Functional model that stands among another model's layers. */
export function isModelLayer(layer: tf.layers.Layer): layer is ModelLayer {
  return 'layers' in layer && 'inputs' in layer && 'outputs' in layer;
}

/**
 * Path of every layer by its place in the nested models: `dense_1`, `encoder/dense_1`. A layer that stands in several nested
 * models has the path of its first place. Paths are unique.
 */
export function layerPaths(model: tf.LayersModel): Map<tf.layers.Layer, string> {
  const paths = new Map<tf.layers.Layer, string>();
  const taken = new Set<string>();
  const walk = (container: tf.LayersModel, prefix: string): void => {
    for (const layer of container.layers) {
      if (paths.has(layer)) continue;
      let path = prefix + layer.name;
      for (let copy = 2; taken.has(path); copy++) path = `${prefix}${layer.name}#${copy}`;
      taken.add(path);
      paths.set(layer, path);
      if (isModelLayer(layer)) walk(layer, `${path}/`);
    }
  };
  walk(model, '');
  return paths;
}
