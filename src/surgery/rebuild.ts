import * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { isModelLayer } from '../graph/container.js';
import { restoreConfig } from '../model/configs.js';
import { disposeModel } from '../model/index.js';
import { resolveGraph } from '../model/resolve.js';

type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Changes one layer's config, in place. */
export type Edit = (layer: tf.layers.Layer, config: JsonObject) => void;

/** The weights of one layer of the new model, given the layer of the old one. */
export type NewWeights = (layer: tf.layers.Layer) => tf.Tensor[];

/** A second layer of the same class before one: it is called where that one was, and that one reads it. */
export interface Before {
  /** Its name is the other's with this behind it, and a number where that is taken. */
  readonly suffix: string;
  /** Its config, made of the other's after its edit, which may change with it. */
  readonly split: (config: JsonObject) => JsonObject;
  /** Its weights; the tensors are copied and disposed. */
  readonly weights: () => tf.Tensor[];
}

/**
 * Builds a standard model with the same layers, names and calls, after changing each layer's config, and gives it weights.
 * @param edit called for every layer, nested ones included
 * @param weightsOf called for every layer with weights; its tensors are copied and stay the caller's
 * @param before layers of the model that get another one before them
 */
export function rebuild(
  model: tf.LayersModel,
  edit: Edit,
  weightsOf: NewWeights,
  before: ReadonlyMap<tf.layers.Layer, Before> = new Map(),
): tf.LayersModel {
  const config = inCallOrder(copyOf(model.getConfig()), JSON.stringify(model.name));
  editContainer(model, config, edit, before);
  const built = fromConfig(model, config);
  try {
    fill(model, built, weightsOf, before);
    built.trainable = model.trainable;
    const metadata = model.getUserDefinedMetadata();
    if (metadata != null) built.setUserDefinedMetadata(metadata);
  } catch (error) {
    disposeModel(built);
    throw error;
  }
  return built;
}

function copyOf(config: unknown): JsonObject {
  return JSON.parse(JSON.stringify(config)) as JsonObject;
}

/** Layers in an order in which tfjs makes the calls of a shared layer as they are numbered, in nested models too. */
function inCallOrder(config: JsonObject, name: string): JsonObject {
  const layers = config['layers'] as JsonObject[];
  for (const layer of layers) {
    const own = layer['config'] as JsonObject;
    if (Array.isArray(own['layers'])) inCallOrder(own, JSON.stringify(own['name']));
  }
  if (config['inputLayers'] === undefined) return config;
  const entries = layers.map((layer) => ({
    name: layer['name'] ?? '',
    class_name: layer['className'] ?? '',
    inbound_nodes: layer['inboundNodes'] ?? [],
  }));
  const { layers: ordered } = resolveGraph(
    entries,
    config['inputLayers'],
    config['outputLayers'] ?? null,
    name,
    broken,
  );
  config['layers'] = ordered.map((entry) => layers.find((layer) => layer['name'] === entry['name'])!);
  return config;
}

function broken(): ModelError {
  return new ModelError('The model has calls that cannot be rebuilt.');
}

/** By config and class, as deserialisation does it, but without the detour over snake_case names that alters strings. */
function fromConfig(model: tf.LayersModel, config: JsonObject): tf.LayersModel {
  const type = model instanceof tf.Sequential ? tf.Sequential : tf.LayersModel;
  // Weights are about to be set: "fast" initialisation only allocates them.
  return type.fromConfig<tf.LayersModel>(type, config, {}, true);
}

function editContainer(
  container: tf.LayersModel,
  config: JsonObject,
  edit: Edit,
  before: ReadonlyMap<tf.layers.Layer, Before>,
): void {
  config['layers'] = (config['layers'] as JsonObject[]).flatMap((entry) => {
    const own = entry['config'] as JsonObject;
    const layer = container.layers.find(({ name }) => name === own['name'])!;
    if (isModelLayer(layer)) {
      editContainer(layer, own, edit, before);
      return [entry];
    }
    restoreConfig(layer, own, 'camel');
    edit(layer, own);
    const added = before.get(layer);
    return added === undefined ? [entry] : [entryBefore(entry, nameBefore(container, layer, added), added), entry];
  });
}

/** The entry of a layer that takes over what another one reads; that one then reads it, call by call. */
function entryBefore(entry: JsonObject, name: string, { split }: Before): JsonObject {
  const config = { ...split(entry['config'] as JsonObject), name };
  const calls = entry['inboundNodes'] as Json[] | undefined;
  if (calls === undefined) return { ...entry, config };
  entry['inboundNodes'] = calls.map((_, call) => [[name, call, 0, {}]]);
  return { ...entry, name, config, inboundNodes: calls };
}

function nameBefore(container: tf.LayersModel, layer: tf.layers.Layer, { suffix }: Before): string {
  const taken = new Set(container.layers.map(({ name }) => name));
  let name = layer.name + suffix;
  for (let copy = 2; taken.has(name); copy++) name = `${layer.name}${suffix}_${copy}`;
  return name;
}

function fill(
  source: tf.LayersModel,
  target: tf.LayersModel,
  weightsOf: NewWeights,
  before: ReadonlyMap<tf.layers.Layer, Before>,
): void {
  const layerOf = (name: string): tf.layers.Layer => target.layers.find((layer) => layer.name === name)!;
  for (const layer of source.layers) {
    const twin = layerOf(layer.name);
    if (isModelLayer(layer)) fill(layer, twin as unknown as tf.LayersModel, weightsOf, before);
    else {
      const added = before.get(layer);
      if (added !== undefined) fillLayer(layerOf(nameBefore(source, layer, added)), added.weights, layer);
      fillLayer(twin, () => weightsOf(layer), layer);
    }
  }
}

function fillLayer(twin: tf.layers.Layer, weights: () => tf.Tensor[], { trainable }: tf.layers.Layer): void {
  if (twin.weights.length > 0) tf.tidy(() => twin.setWeights(weights()));
  if (twin.trainable !== trainable) twin.trainable = trainable;
}
