import { ModelError } from '../errors.js';
import { isObject, quote, text } from './json.js';
import type { Json, JsonObject } from './json.js';

/** A reference to a tensor: output `tensor` of call `node` of a layer. */
interface Reference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

interface Call {
  readonly layer: string;
  readonly inputs: readonly Reference[];
}

interface Graph {
  readonly names: readonly string[];
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  /** Nodes a layer has before any call: an InputLayer and a nested model have one, their own. */
  readonly own: ReadonlyMap<string, number>;
  /** Outputs of one call; undefined where unknown. */
  readonly outputs: ReadonlyMap<string, number | undefined>;
}

export interface ResolvedGraph {
  readonly layers: JsonObject[];
  readonly inputs: Json[];
  readonly outputs: Json[];
  readonly reordered: boolean;
}

const MAX_CALLS = 20_000;
/** Passes over the layers that tfjs may take; a file that lists its layers backwards costs it one per layer, minutes in all. */
const PATIENCE = 64;
const CONTAINERS = new Set(['Model', 'Functional', 'Sequential']);

/**
 * Proves that tfjs can resolve the graph: every reference exists, there is no cycle, and calls are made in the order in which they
 * are numbered. (tfjs itself loops for ever on the first two, and mixes up a shared layer's calls on the third; there another
 * order of the layers helps.)
 * @param entries normalised layer entries with `inbound_nodes`.
 * @throws ModelError that names the layers.
 */
export function resolveGraph(
  entries: readonly JsonObject[],
  inputs: Json,
  outputs: Json,
  label: string,
  keras3Error: (layer: string) => ModelError,
): ResolvedGraph {
  const graph = readGraph(entries, label, keras3Error);
  for (const [name, calls] of graph.calls)
    for (const call of calls)
      for (const input of call.inputs) checkReference(graph, input, `layer ${quote(name)}`, label);
  const inputRefs = endpoints(graph, inputs, 'input_layers', label);
  const outputRefs = endpoints(graph, outputs, 'output_layers', label);
  for (const { layer } of inputRefs) {
    if (entries.find((entry) => entry['name'] === layer)?.['class_name'] !== 'InputLayer') {
      throw new ModelError(`input_layers of ${label} names ${quote(layer)}, which is not an InputLayer.`);
    }
  }
  const order = layerOrder(graph, label);
  const sorted =
    order === undefined ? [...entries] : order.map((name) => entries.find((entry) => entry['name'] === name) ?? {});
  return {
    layers: sorted,
    inputs: inputRefs.map(asJson),
    outputs: outputRefs.map(asJson),
    reordered: order !== undefined,
  };
}

function asJson({ layer, node, tensor }: Reference): Json {
  return [layer, node, tensor];
}

function readGraph(entries: readonly JsonObject[], label: string, keras3Error: (layer: string) => ModelError): Graph {
  const calls = new Map<string, Call[]>();
  const own = new Map<string, number>();
  const outputs = new Map<string, number | undefined>();
  let total = 0;
  for (const entry of entries) {
    const name = text(entry['name']);
    const nodes = entry['inbound_nodes'] ?? [];
    entry['inbound_nodes'] = nodes;
    if (!Array.isArray(nodes)) throw new ModelError(`inbound_nodes of layer ${quote(name)} is not a list.`);
    if (nodes.some(isObject)) throw keras3Error(name);
    total += nodes.length;
    if (total > MAX_CALLS) throw new ModelError(`${label} has more than ${MAX_CALLS} layer calls.`);
    const isInput = entry['class_name'] === 'InputLayer';
    if (isInput && nodes.length > 0)
      throw new ModelError(`InputLayer ${quote(name)} of ${label} has inputs of its own.`);
    calls.set(
      name,
      nodes.map((node) => ({ layer: name, inputs: references(node, `layer ${quote(name)}`) })),
    );
    own.set(name, isInput || CONTAINERS.has(text(entry['class_name'])) ? 1 : 0);
    outputs.set(name, outputCount(entry));
  }
  return { names: entries.map((entry) => text(entry['name'])), calls, own, outputs };
}

function references(node: Json, owner: string): Reference[] {
  if (!Array.isArray(node) || node.length === 0) throw new ModelError(`A call of ${owner} has no inputs.`);
  return node.map((item) => reference(item, owner));
}

function reference(item: Json, owner: string): Reference {
  const [layer, node, tensor] = Array.isArray(item) ? item : [];
  if (typeof layer !== 'string' || !isIndex(node) || !isIndex(tensor)) {
    throw new ModelError(`${owner} has the reference ${quote(item)}; [layer, call, output] is expected.`);
  }
  if (layer === '_CONSTANT_VALUE')
    throw new ModelError(`${owner} takes a constant as input, which TensorFlow.js cannot load.`);
  return { layer, node, tensor };
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

/** Number of outputs of one call, where the config says it. */
function outputCount(entry: JsonObject): number | undefined {
  const className = text(entry['class_name']);
  const config = isObject(entry['config']) ? entry['config'] : {};
  if (className === 'Model' || className === 'Functional')
    return Array.isArray(config['output_layers']) ? config['output_layers'].length : undefined;
  const states: Readonly<Record<string, number>> = { SimpleRNN: 1, GRU: 1, LSTM: 2, ConvLSTM2D: 2 };
  const count = Object.hasOwn(states, className) ? states[className] : undefined;
  if (count !== undefined) return config['return_state'] === true ? 1 + count : 1;
  if (className === 'RNN' || className === 'Bidirectional') return undefined;
  return 1;
}

function checkReference(graph: Graph, { layer, node, tensor }: Reference, owner: string, label: string): void {
  const calls = graph.calls.get(layer);
  if (calls === undefined)
    throw new ModelError(`${owner} of ${label} reads from ${quote(layer)}, which does not exist.`);
  const own = graph.own.get(layer) ?? 0;
  const nodes = own + calls.length;
  if (node >= nodes)
    throw new ModelError(
      `${owner} of ${label} reads call ${node} of ${quote(layer)}, which has ${nodes === 0 ? 'none' : `only ${nodes}`}.`,
    );
  if (own === 1 && node === 0 && calls.length > 0) {
    throw new ModelError(
      `${owner} of ${label} reads call 0 of the nested model ${quote(layer)}; TensorFlow.js counts its calls from 1.`,
    );
  }
  const outputs = graph.outputs.get(layer);
  if (outputs !== undefined && tensor >= outputs) {
    throw new ModelError(`${owner} of ${label} reads output ${tensor} of ${quote(layer)}, which has only ${outputs}.`);
  }
}

function endpoints(graph: Graph, raw: Json, what: string, label: string): Reference[] {
  const list = Array.isArray(raw) && typeof raw[0] === 'string' ? [raw] : raw;
  if (!Array.isArray(list) || list.length === 0) throw new ModelError(`${label} has no ${what}.`);
  return list.map((item) => {
    const found = reference(item, `${what} of ${label}`);
    checkReference(graph, found, what, label);
    return found;
  });
}

/** Undefined where the file's own order does; else an order that does. */
function layerOrder(graph: Graph, label: string): string[] | undefined {
  const topological = callOrder(graph, label);
  if (inOrder(graph, graph.names, PATIENCE)) return undefined;
  const first = new Map<string, number>();
  for (const [position, call] of topological.entries()) if (!first.has(call.layer)) first.set(call.layer, position);
  const order = graph.names.toSorted((a, b) => (first.get(a) ?? -1) - (first.get(b) ?? -1));
  if (inOrder(graph, order, MAX_CALLS)) return order;
  throw new ModelError(`${label} calls shared layers in an order that TensorFlow.js cannot rebuild.`);
}

/** All calls so that each comes after what it reads and after the calls of the same layer with lower numbers. @throws ModelError on a cycle. */
function callOrder(graph: Graph, label: string): Call[] {
  const done = new Map(graph.own);
  const next = new Map<string, number>(graph.names.map((name) => [name, 0]));
  const waiting = new Map<string, string[]>();
  const order: Call[] = [];
  const queue = [...graph.names];
  while (queue.length > 0) {
    const name = queue.pop() ?? '';
    const call = graph.calls.get(name)?.[next.get(name) ?? 0];
    if (call === undefined) continue;
    const blocker = call.inputs.find(({ layer, node }) => node >= (done.get(layer) ?? 0));
    if (blocker !== undefined) {
      waiting.set(blocker.layer, [...(waiting.get(blocker.layer) ?? []), name]);
      continue;
    }
    order.push(call);
    next.set(name, (next.get(name) ?? 0) + 1);
    done.set(name, (done.get(name) ?? 0) + 1);
    queue.push(name, ...(waiting.get(name) ?? []));
    waiting.delete(name);
  }
  const stuck = graph.names.filter((name) => (next.get(name) ?? 0) < (graph.calls.get(name)?.length ?? 0));
  if (stuck.length > 0) {
    throw new ModelError(
      `The layers of ${label} form a cycle: ${stuck.slice(0, 5).map(quote).join(', ')}${stuck.length > 5 ? ', …' : ''} wait for each other.`,
    );
  }
  return order;
}

/** Replays tfjs' way: pass after pass over the layers, each making what calls it can. True where no call overtakes an earlier one of its layer, within so many passes. */
function inOrder(graph: Graph, order: readonly string[], passes: number): boolean {
  const done = new Map(graph.own);
  let pending = order
    .map((name) => ({ name, calls: graph.calls.get(name) ?? [] }))
    .filter(({ calls }) => calls.length > 0);
  for (let pass = 0; pending.length > 0; pass += 1) {
    if (pass === passes) return false;
    for (const layer of pending) {
      const left: Call[] = [];
      for (const call of layer.calls) {
        if (call.inputs.some(({ layer, node }) => node >= (done.get(layer) ?? 0))) {
          left.push(call);
        } else {
          if (left.length > 0) return false;
          done.set(layer.name, (done.get(layer.name) ?? 0) + 1);
        }
      }
      layer.calls = left;
    }
    pending = pending.filter(({ calls }) => calls.length > 0);
  }
  return true;
}
