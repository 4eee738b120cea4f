import { isObject, text } from './json.js';
import type { Json, JsonObject } from './json.js';

/**
 * tfjs names weights after the innermost layer, so it saves two nested models that both have a `dense` and then cannot load the file.
 * Gives the later ones the name of their model as well: `decoder_dense`. Top-level layers keep their names, and everything keeps its
 * name where nothing repeats.
 * @param topology `{class_name, config}` as `model.toJSON(null, false)` gives it; not changed.
 */
export function renameRepeated(topology: JsonObject): JsonObject {
  const copy = structuredClone(topology);
  const taken = new Set<string>();
  const config = copy['config'];
  if (!isObject(config)) return copy;
  for (const layer of layersOf(config)) if (!isModel(layer)) taken.add(nameOf(layer));
  for (const layer of layersOf(config)) if (isModel(layer)) renameInside(layer, taken);
  return copy;
}

function renameInside(model: JsonObject, taken: Set<string>): void {
  const config = model['config'] as JsonObject;
  const renamed = new Map<string, string>();
  const layers = layersOf(config);
  const own = new Set(layers.map(nameOf));
  for (const layer of layers) {
    if (isModel(layer)) continue;
    const name = nameOf(layer);
    let fresh = name;
    for (let i = 1; taken.has(fresh) || (fresh !== name && own.has(fresh)); i += 1)
      fresh = `${nameOf(model)}_${name}${i === 1 ? '' : `_${i}`}`;
    taken.add(fresh);
    if (fresh !== name) renamed.set(name, fresh);
  }
  for (const layer of layers) {
    const fresh = renamed.get(nameOf(layer));
    if (fresh !== undefined) setName(layer, fresh);
    if (Array.isArray(layer['inbound_nodes']))
      layer['inbound_nodes'] = layer['inbound_nodes'].map((node) => references(node, renamed));
  }
  for (const key of ['input_layers', 'output_layers'])
    if (config[key] !== undefined) config[key] = references(config[key] ?? null, renamed);
  for (const layer of layers) if (isModel(layer)) renameInside(layer, taken);
}

function references(list: Json, renamed: ReadonlyMap<string, string>): Json {
  if (!Array.isArray(list)) return list;
  return list.map((item) =>
    Array.isArray(item) && typeof item[0] === 'string' ? [renamed.get(item[0]) ?? item[0], ...item.slice(1)] : item,
  );
}

function layersOf(config: JsonObject): JsonObject[] {
  return Array.isArray(config['layers']) ? config['layers'].filter(isObject) : [];
}

function isModel(layer: JsonObject): boolean {
  return isObject(layer['config']) && Array.isArray(layer['config']['layers']);
}

function nameOf(layer: JsonObject): string {
  const config = layer['config'];
  return text(layer['name'] ?? (isObject(config) ? config['name'] : ''));
}

function setName(layer: JsonObject, name: string): void {
  if (layer['name'] !== undefined) layer['name'] = name;
  if (isObject(layer['config'])) layer['config']['name'] = name;
}
