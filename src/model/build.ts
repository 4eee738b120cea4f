import * as tf from '@tensorflow/tfjs';

import { ModelError, TdcError } from '../errors.js';
import { restoreConfigs } from './configs.js';
import { camelConfig, isObject, quote, text } from './json.js';
import type { Json, JsonObject } from './json.js';
import { keepInitializers, withAllowance } from './initializers.js';
import { resolveGraph } from './resolve.js';
import { keras3Error } from './layerRules.js';

/** One weight variable of a model. */
export interface WeightEntry {
  /** Unique in the model: `dense_1/kernel`, in a nested model `encoder/dense_1/kernel`. */
  readonly key: string;
  /** The name tfjs saves and loads it by; nested models may repeat one. */
  readonly name: string;
  readonly layer: tf.layers.Layer;
  /** Path of the layer: `encoder/dense_1`. */
  readonly path: string;
  readonly variable: tf.Variable;
  readonly shape: readonly number[];
}

export type LeafLayer = { readonly layer: tf.layers.Layer; readonly path: string };

/**
 * Builds a model from its topology with zeros for weights, without running any initializer. The caller disposes it.
 * @param topology `{class_name, config}` with Keras' snake_case keys, as `model.toJSON(null, false)` or {@link readModelFile} give it. Not changed.
 * @param maxValues the weight values that may be allocated; more is refused.
 * @throws ModelError where tfjs cannot build it; the layer is named where it can be found.
 */
export async function buildModel(topology: JsonObject, maxValues = Infinity): Promise<tf.LayersModel> {
  const kept = keepInitializers(topology) as unknown as tf.io.ModelJSON;
  const { registeredVariables } = tf.engine().state;
  const before = new Set(Object.keys(registeredVariables));
  const building: Promise<tf.LayersModel>[] = [];
  // Everything happens before the promise is returned (modelFromJSON awaits only where it fetches weights), so a scope can hold it:
  // some initializers of tfjs leave intermediate tensors. Variables outlive scopes.
  withAllowance(maxValues, () => tf.tidy(() => void building.push(tf.models.modelFromJSON(kept))));
  const made = Object.entries(registeredVariables).flatMap(([name, variable]) => (before.has(name) ? [] : [variable]));
  try {
    const [model] = await Promise.all(building);
    if (model === undefined) throw new ModelError('The model was not built.');
    // Layers that no output needs are built, and then forgotten.
    const used = new Set(weightEntries(model).map(({ variable }) => variable));
    for (const variable of made) if (!used.has(variable)) variable.dispose();
    return model;
  } catch (cause) {
    for (const variable of made) if (!variable.isDisposed) variable.dispose();
    throw buildError(topology, cause);
  }
}

/**
 * The same model again, with its own variables: layer names, sharing, nesting, inputs and outputs, trainable flags and every value
 * are those of `model`; optimiser and compilation are not copied. The caller disposes it.
 * @throws ModelError for what tfjs cannot rebuild.
 */
export function cloneModel(model: tf.LayersModel): tf.LayersModel {
  const className = model.getClassName();
  const found = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (found === undefined) throw new ModelError(`A model of class ${quote(className)} cannot be copied.`);
  const [ctor, fromConfig] = found;
  const source = weightEntries(model);
  const config = sortLayers(model.getConfig(), quote(model.name));
  if (isObject(config)) restoreConfigs(model, config, 'camel');
  const clones: tf.LayersModel[] = [];
  withAllowance(Infinity, () =>
    tf.tidy(() => {
      const entry = keepInitializers({ className, config }) as { config: tf.serialization.ConfigDict };
      clones.push(fromConfig(ctor, entry.config) as tf.LayersModel);
    }),
  );
  const [clone] = clones;
  if (clone === undefined) throw new ModelError(`The model ${quote(model.name)} was not copied.`);
  copyTrainable(model, clone);
  const target = weightEntries(clone);
  if (source.length !== target.length)
    throw new ModelError(`The copy of ${quote(model.name)} has ${target.length} weights, not ${source.length}.`);
  // Multiplied by one: assigning the variable itself would share its memory, and optimizers may update in place.
  for (const [i, { variable }] of source.entries()) tf.tidy(() => target[i]?.variable.assign(tf.mul(variable, 1)));
  return clone;
}

/** Leaf layers in the order of their weights: nested models are walked through, in place. */
export function leafLayers(model: tf.LayersModel, prefix = ''): LeafLayer[] {
  return model.layers.flatMap((layer) =>
    layer instanceof tf.LayersModel
      ? leafLayers(layer, `${prefix}${layer.name}/`)
      : [{ layer, path: `${prefix}${layer.name}` }],
  );
}

/** All weights of a model, leaf layer by leaf layer. A layer that two nested models share is listed in both. */
export function weightEntries(model: tf.LayersModel): WeightEntry[] {
  return leafLayers(model).flatMap(({ layer, path }) => {
    const prefix = path.slice(0, path.length - layer.name.length);
    return layer.weights.map((weight) => ({
      key: `${prefix}${weight.originalName}`,
      name: weight.originalName,
      layer,
      path,
      variable: weight.read() as tf.Variable,
      shape: weight.shape as number[],
    }));
  });
}

/** Wrappers report the flag of what they wrap, so that it is set on leaves only. */
function copyTrainable(from: tf.LayersModel, to: tf.LayersModel): void {
  const flags = leafLayers(from);
  for (const [i, { layer }] of leafLayers(to).entries()) {
    const flag = flags[i]?.layer.trainable;
    if (flag !== undefined && layer.trainable !== flag) layer.trainable = flag;
  }
  to.trainable = from.trainable;
}

/** Deep copy of a model's config, layers in an order in which tfjs rebuilds their calls as they are numbered. */
function sortLayers(config: JsonObject, label: string): JsonObject {
  const copy = structuredClone(config);
  return isObject(copy) ? sortNested(copy, label) : config;
}

function sortNested(config: JsonObject, label: string): JsonObject {
  const layers = Array.isArray(config['layers']) ? config['layers'].filter(isObject) : [];
  for (const layer of layers)
    if (isObject(layer['config']) && Array.isArray(layer['config']['layers']))
      sortNested(layer['config'], quote(layer['name']));
  const entries = layers.map((layer) => ({
    name: layer['name'] ?? '',
    class_name: layer['className'] ?? '',
    inbound_nodes: layer['inboundNodes'] ?? [],
  }));
  if (config['inputLayers'] === undefined) return config;
  const resolved = resolveGraph(entries, config['inputLayers'], config['outputLayers'] ?? null, label, keras3Error);
  if (resolved.reordered)
    config['layers'] = resolved.layers.flatMap(({ name }) => layers.filter((layer) => layer['name'] === name));
  return config;
}

function buildError(topology: JsonObject, cause: unknown): Error {
  if (cause instanceof TdcError) return cause;
  const reason = cause instanceof Error ? cause.message.split('\n')[0]?.slice(0, 200) : String(cause);
  const culprit = findCulprit(topology);
  const who = culprit === undefined ? 'The model' : `Layer ${quote(culprit)}`;
  return new ModelError(`${who} cannot be built by TensorFlow.js: ${reason ?? 'no reason given'}`, { cause });
}

/** The first layer whose own constructor fails; errors of tfjs do not say it. */
function findCulprit(model: JsonObject): string | undefined {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const config = model['config'];
  const layers = isObject(config) && Array.isArray(config['layers']) ? config['layers'] : [];
  for (const layer of layers) {
    if (!isObject(layer)) continue;
    const className = text(layer['class_name']);
    if (isObject(layer['config']) && Array.isArray(layer['config']['layers'])) {
      const found = findCulprit(layer);
      if (found !== undefined) return found;
      continue;
    }
    const entry = Object.hasOwn(classNameMap, className) ? classNameMap[className] : undefined;
    const camel = camelConfig(keepInitializers(layer)) as { config?: Json };
    try {
      entry?.[1](entry[0], structuredClone(camel.config ?? {}) as tf.serialization.ConfigDict);
    } catch {
      return text(layer['name']);
    }
  }
  return undefined;
}
