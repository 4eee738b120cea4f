import { ModelError } from '../errors.js';
import { isObject, quote, snakeKeys, text } from './json.js';
import type { Json, JsonObject } from './json.js';
import { checkLayerConfig, keras3Error } from './layerRules.js';
import { resolveGraph } from './resolve.js';

/** A checked topology. */
export interface Topology {
  /** `{class_name, config}`; `config.layers` is always a list, structural keys are snake_case. */
  readonly model: JsonObject;
  /** Whether some layer is itself a model. */
  readonly nested: boolean;
  readonly generatedBy?: string;
  readonly repairs: readonly string[];
  readonly warnings: readonly string[];
}

/** Who wrote the file decides what some settings mean. */
export type Origin = 'tfjs' | 'keras2' | 'keras3';

/** What a walk over the topology collects. */
export interface Walk {
  readonly origin: Origin;
  readonly repairs: Set<string>;
  readonly warnings: Set<string>;
  layers: number;
  nested: boolean;
}

const MAX_LAYERS = 10_000;
const MAX_NESTING = 16;

/** Classes that tfjs builds as models. */
export const MODEL_CLASSES: readonly string[] = ['Model', 'Functional', 'Sequential'];

/**
 * Brings any of the spellings of a LayersModel's topology (`model_config` or not, object or string, Sequential as a bare array,
 * camelCase) to one, and checks it: classes, names, settings, and that the graph can be resolved.
 * Does not change its argument.
 * @throws ModelError that names the layer.
 */
export function normalizeTopology(raw: Json): Topology {
  const outer = snakeKeys(objectFrom(raw, 'modelTopology'));
  const version = outer['keras_version'];
  const inner = outer['model_config'] ?? null;
  const config = inner === null ? outer : snakeKeys(objectFrom(inner, 'model_config'));
  const walk: Walk = { origin: originOf(version), repairs: new Set(), warnings: new Set(), layers: 0, nested: false };
  const model = normalizeModel(config, 'the model', 0, walk);
  return {
    model,
    nested: walk.nested,
    ...(typeof version === 'string' ? { generatedBy: version } : {}),
    repairs: [...walk.repairs],
    warnings: [...walk.warnings],
  };
}

function objectFrom(value: Json, what: string): JsonObject {
  let parsed = value;
  if (typeof value === 'string') {
    try {
      parsed = JSON.parse(value) as Json;
    } catch (cause) {
      throw new ModelError(`${what} is a string that is not JSON.`, { cause });
    }
  }
  if (!isObject(parsed))
    throw new ModelError(
      `${what} is ${parsed === null ? 'null' : Array.isArray(parsed) ? 'a list' : typeof parsed}; an object is expected.`,
    );
  return parsed;
}

function originOf(version: Json | undefined): Origin {
  if (typeof version !== 'string') return 'keras2';
  if (version.startsWith('tfjs-layers')) return 'tfjs';
  return version.startsWith('3.') ? 'keras3' : 'keras2';
}

function normalizeModel(node: JsonObject, label: string, depth: number, walk: Walk): JsonObject {
  if (depth > MAX_NESTING) throw new ModelError(`Models are nested deeper than ${MAX_NESTING} levels in ${label}.`);
  const className = node['class_name'];
  if (typeof className !== 'string')
    throw new ModelError(`${label} has no class_name; Sequential, Model or Functional is expected.`);
  if (!MODEL_CLASSES.includes(className)) {
    throw new ModelError(`${label} is a ${quote(className)}; Sequential, Model or Functional is expected.`, {
      hint: 'Rebuild the subclassed model with the functional API, load its weights, and export that.',
    });
  }
  const raw = node['config'] ?? null;
  const config: JsonObject = Array.isArray(raw)
    ? { layers: raw }
    : snakeKeys(objectFrom(raw, `The config of ${label}`));
  if (typeof config['name'] !== 'string' || config['name'] === '')
    config['name'] = className === 'Sequential' ? 'sequential' : 'model';
  const layers = config['layers'];
  if (!Array.isArray(layers) || layers.length === 0) throw new ModelError(`${label} has no layers.`);
  walk.layers += layers.length;
  if (walk.layers > MAX_LAYERS) throw new ModelError(`The model has more than ${MAX_LAYERS} layers.`);
  const entries = layers.map((layer, i) => normalizeEntry(layer, i, label, depth, walk));
  checkUnique(entries, label);
  const result =
    className === 'Sequential' ? sequential(config, entries, label) : functional(config, entries, label, walk);
  return { class_name: className, config: result };
}

function normalizeEntry(raw: Json, index: number, label: string, depth: number, walk: Walk): JsonObject {
  if (!isObject(raw)) throw new ModelError(`Layer ${index} of ${label} is not an object.`);
  const entry = snakeKeys(raw);
  const className = entry['class_name'];
  if (typeof className !== 'string') throw new ModelError(`Layer ${index} of ${label} has no class_name.`);
  const name = nameOf(entry, className, index, label);
  const inbound = entry['inbound_nodes'];
  const rest: JsonObject = { name, ...(inbound === undefined ? {} : { inbound_nodes: inbound }) };
  const model = MODEL_CLASSES.includes(className);
  if (model) {
    walk.nested = true;
    const inner = normalizeModel(entry, `the nested model ${quote(name)}`, depth + 1, walk);
    return { ...rest, class_name: className, config: { ...(inner['config'] as JsonObject), name } };
  }
  const config = snakeKeys(isObject(entry['config']) ? entry['config'] : {});
  return { ...rest, class_name: className, config: checkLayerConfig(className, { ...config, name }, walk) };
}

/** Names that are properties of every JavaScript object confuse the maps in which tfjs keeps layers. */
function nameOf(entry: JsonObject, className: string, index: number, label: string): string {
  const inner = isObject(entry['config']) ? entry['config']['name'] : undefined;
  const outer = entry['name'];
  if (typeof outer === 'string' && typeof inner === 'string' && outer !== inner) {
    throw new ModelError(`Layer ${quote(outer)} of ${label} is called ${quote(inner)} in its own config.`);
  }
  const name =
    typeof outer === 'string' ? outer : typeof inner === 'string' ? inner : `${className.toLowerCase()}_${index}`;
  if (name === '' || name in {})
    throw new ModelError(`Layer ${index} of ${label} has the name ${quote(name)}, which cannot be used.`);
  return name;
}

function checkUnique(entries: readonly JsonObject[], label: string): void {
  const seen = new Set<Json | undefined>();
  for (const { name } of entries) {
    if (seen.has(name)) throw new ModelError(`Two layers of ${label} are called ${quote(name)}; names must be unique.`);
    seen.add(name);
  }
}

function sequential(config: JsonObject, entries: JsonObject[], label: string): JsonObject {
  const build = config['build_input_shape'];
  const first = entries[0];
  if (first !== undefined && !MODEL_CLASSES.includes(text(first['class_name']))) {
    const firstConfig = first['config'] as JsonObject;
    if (!Array.isArray(firstConfig['batch_input_shape']) && !Array.isArray(firstConfig['input_shape'])) {
      if (!Array.isArray(build)) {
        throw new ModelError(`The first layer of ${label}, ${quote(first['name'])}, does not say its input shape.`, {
          hint: 'Give the first layer an input shape (or call model.build) before saving.',
        });
      }
      firstConfig['batch_input_shape'] = build;
    }
  }
  // Later layers may carry a stale one; it says nothing, and tfjs prints a warning about it.
  for (const entry of entries.slice(1))
    if (entry['class_name'] !== 'InputLayer' && isObject(entry['config'])) delete entry['config']['batch_input_shape'];
  return { name: config['name'] ?? 'sequential', layers: entries };
}

function functional(config: JsonObject, entries: JsonObject[], label: string, walk: Walk): JsonObject {
  const resolved = resolveGraph(
    entries,
    config['input_layers'] ?? null,
    config['output_layers'] ?? null,
    label,
    keras3Error,
  );
  if (resolved.reordered)
    walk.repairs.add(
      `The layers of ${label} were put in an order in which TensorFlow.js counts their calls as the file does.`,
    );
  return {
    name: config['name'] ?? 'model',
    ...(config['trainable'] === undefined ? {} : { trainable: config['trainable'] }),
    layers: resolved.layers,
    input_layers: resolved.inputs,
    output_layers: resolved.outputs,
  };
}
