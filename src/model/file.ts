import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { ModelError } from '../errors.js';
import { foreignFile, foreignJson } from './foreign.js';
import { checkDepth, isObject, quote } from './json.js';
import type { Json, JsonObject } from './json.js';
import { parseManifest } from './manifest.js';
import type { WeightGroup, WeightSpec } from './manifest.js';
import { readGroup } from './shards.js';
import { normalizeTopology } from './topology.js';
import type { Topology } from './topology.js';
import { decodeWeight } from './values.js';
import type { WeightValues } from './values.js';

export interface FileWeight extends WeightSpec {
  /** Dequantised: float32, int32, or bool as 0/1 bytes. */
  readonly values: WeightValues;
}

/** A model on disk, read and checked, before TensorFlow.js has seen it. */
export interface ModelFile {
  /** Name of the folder, or of the JSON file where that is not model.json. */
  readonly name: string;
  /** Absolute path of the JSON file. */
  readonly path: string;
  readonly format: 'layers-model';
  /** What made the file, as far as it says so: "tfjs-layers 4.22.0", "2.12.0". */
  readonly generatedBy?: string;
  /** `{class_name, config}`, checked and repaired, ready for tf.models.modelFromJSON. */
  readonly topology: JsonObject;
  /** Loss, metrics and optimiser, as data; never compiled. */
  readonly trainingConfig?: JsonObject;
  readonly userDefinedMetadata?: JsonObject;
  /** In the manifest's order, without the optimiser's. */
  readonly weights: readonly FileWeight[];
  /** Of the weights, as they lie on disk. */
  readonly bytes: number;
  /** `sha256:…` over topology and weights. */
  readonly digest: string;
  /** Weights that were left out, by name. */
  readonly ignored: readonly string[];
  /** What was repaired on the way in; exact, one sentence each. */
  readonly repairs: readonly string[];
  /** What a user should know: TensorFlow.js computes something else than Keras; one sentence each. */
  readonly warnings: readonly string[];
}

/** A manifest is a few kilobytes to a few megabytes. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;

/**
 * Reads a LayersModel without TensorFlow.js and checks everything that can be checked: format, topology, graph, shard paths,
 * byte counts, types, finite values, names.
 * @param path the JSON file, as {@link locateModel} returns it.
 * @throws ModelError that names what is wrong.
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const json = await readManifest(path);
  const foreign = foreignJson(path, json);
  if (foreign !== undefined) throw foreign;
  if (!isObject(json)) throw new ModelError(`${path} is not a model.`);
  checkDepth(json, path);
  const topology = normalizeTopology(json['modelTopology'] ?? null);
  const groups = parseManifest(path, json['weightsManifest']);
  checkNames(path, groups, topology);
  const weights: FileWeight[] = [];
  for (const group of groups) weights.push(...(await groupWeights(path, group)));
  const training = trainingConfig(json);
  const metadata = json['userDefinedMetadata'];
  return {
    name: basename(path) === 'model.json' ? basename(dirname(path)) : basename(path).replace(/\.json$/i, ''),
    path,
    format: 'layers-model',
    ...(topology.generatedBy === undefined ? {} : { generatedBy: topology.generatedBy }),
    topology: topology.model,
    ...(training === undefined ? {} : { trainingConfig: training }),
    ...(isObject(metadata) ? { userDefinedMetadata: metadata } : {}),
    weights,
    bytes: weights.reduce((sum, weight) => sum + weight.size * weight.bytesPerValue, 0),
    digest: digestOf(topology.model, weights),
    ignored: groups.flatMap((group) => group.weights.filter((weight) => weight.optimizer).map((weight) => weight.name)),
    repairs: topology.repairs,
    warnings: topology.warnings,
  };
}

export async function readManifest(path: string): Promise<Json> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new ModelError(`There is no file ${path}.`);
  if (!info.isFile()) throw new ModelError(`${path} is not a file; the JSON manifest of a model is expected.`);
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(Math.min(64, info.size));
    await handle.read(head, 0, head.length, 0);
    const foreign = foreignFile(path, head);
    if (foreign !== undefined) throw foreign;
    if (info.size > MAX_MANIFEST_BYTES)
      throw new ModelError(
        `${path} has ${info.size} bytes; a JSON manifest of at most ${MAX_MANIFEST_BYTES} is expected.`,
      );
    const text = Buffer.alloc(info.size);
    await handle.read(text, 0, text.length, 0);
    return parse(path, text.toString('utf8').replace(/^\uFEFF/, ''));
  } finally {
    await handle.close();
  }
}

function parse(path: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new ModelError(
      `${path} is not JSON: ${cause instanceof Error ? cause.message.slice(0, 120) : 'it cannot be parsed'}.`,
      {
        hint: 'Give the model.json of a TensorFlow.js layers model, or the folder that holds it.',
        cause,
      },
    );
  }
}

/** Nested models may repeat a name (tfjs writes such files); loading resolves those by order or refuses. */
function checkNames(path: string, groups: readonly WeightGroup[], topology: Topology): void {
  const seen = new Set<string>();
  for (const { name } of groups.flatMap((group) => group.weights)) {
    if (seen.has(name) && !topology.nested) throw new ModelError(`${path} lists two weights named ${quote(name)}.`);
    seen.add(name);
  }
}

async function groupWeights(path: string, group: WeightGroup): Promise<FileWeight[]> {
  const bytes = await readGroup(path, group);
  let offset = 0;
  const weights: FileWeight[] = [];
  for (const spec of group.weights) {
    const end = offset + spec.size * spec.bytesPerValue;
    if (!spec.optimizer) weights.push({ ...spec, values: decodeWeight(spec, bytes.subarray(offset, end)) });
    offset = end;
  }
  return weights;
}

/** tfjs writes trainingConfig at the top, Keras training_config in the topology, sometimes as a string. */
function trainingConfig(json: JsonObject): JsonObject | undefined {
  const topology = json['modelTopology'];
  const raw = json['trainingConfig'] ?? (isObject(topology) ? topology['training_config'] : undefined);
  if (isObject(raw)) return raw;
  if (typeof raw !== 'string') return undefined;
  try {
    const parsed = JSON.parse(raw) as Json;
    if (!isObject(parsed)) return undefined;
    checkDepth(parsed, 'training_config');
    return parsed;
  } catch {
    return undefined;
  }
}

function digestOf(topology: JsonObject, weights: readonly FileWeight[]): string {
  const hash = createHash('sha256').update(JSON.stringify(topology));
  for (const { name, dtype, shape, values } of weights) {
    hash
      .update(JSON.stringify([name, dtype, shape]))
      .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return `sha256:${hash.digest('hex')}`;
}
