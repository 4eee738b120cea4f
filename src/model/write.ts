import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rename, rm, writeFile, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import type * as tf from '@tensorflow/tfjs';

import { ModelError, OutputError } from '../errors.js';
import { makeFolder } from '../records/folders.js';
import { buildModel, weightEntries } from './build.js';
import type { WeightEntry } from './build.js';
import { restoreConfigs } from './configs.js';
import { disposeModel } from './dispose.js';
import { isObject, quote } from './json.js';
import type { Json, JsonObject } from './json.js';
import type { QuantizationType } from './manifest.js';
import { renameRepeated } from './rename.js';
import { quantize } from './values.js';

export interface WriteOptions {
  /** Replace a model that is there already. A folder that holds anything else is never replaced. */
  readonly force?: boolean;
  /** Written as `userDefinedMetadata`. */
  readonly userDefinedMetadata?: JsonObject;
  /** Kept as data beside the topology, where readers find it and tfjs never compiles it. */
  readonly trainingConfig?: JsonObject;
  /** How to store a weight, by its key ({@link weightEntries}); undefined: float32. Minimum and scale are computed anew. */
  readonly quantization?: (key: string) => QuantizationType | undefined;
  /** Written as `generatedBy`. */
  readonly generatedBy?: string;
  /** Looks at what was written while it still lies beside `dir`, as if it were there; what it throws leaves `dir` untouched. */
  readonly check?: (written: WrittenModel) => Promise<void>;
}

export interface WrittenModel {
  /** Absolute path of model.json. */
  readonly path: string;
  /** Of the weights on disk. */
  readonly bytes: number;
  /** The values that a reader gets back, by key: the model's own where a weight is not quantised. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

const SHARD_BYTES = 4 * 1024 * 1024;
const OWN_FILES = /^(model\.json|group\d+-shard\d+of\d+(\.bin)?)$/;

/**
 * Writes a model as a standard LayersModel: `model.json` and shards of 4 MiB that plain `tf.loadLayersModel` opens. The files are
 * made in a folder beside `dir` and moved there at the end, so that `dir` is complete or untouched. Where layers in different nested
 * models share a name, the later ones are renamed in the file (tfjs could not load it otherwise).
 * @throws OutputError when something is in the way; ModelError for weights that are not finite or cannot be saved.
 */
export async function writeModel(
  model: tf.LayersModel,
  dir: string,
  options: WriteOptions = {},
): Promise<WrittenModel> {
  const target = await followLink(resolve(dir));
  await checkTarget(target, options.force === true);
  const { topology, names } = await savableTopology(model);
  const { specs, chunks, weights } = await encode(weightEntries(model), names, options);
  const bytes = Buffer.concat(chunks);
  const count = Math.ceil(bytes.length / SHARD_BYTES);
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const manifest: JsonObject = {
    format: 'layers-model',
    generatedBy: options.generatedBy ?? 'taildropout',
    convertedBy: null,
    modelTopology:
      options.trainingConfig === undefined ? topology : { ...topology, training_config: options.trainingConfig },
    weightsManifest: [{ paths, weights: specs }],
    ...(options.userDefinedMetadata === undefined ? {} : { userDefinedMetadata: options.userDefinedMetadata }),
  };
  await makeFolder(dirname(target));
  const temporary = join(dirname(target), `.${basename(target)}-${randomUUID()}`);
  await mkdir(temporary);
  try {
    for (const [i, path] of paths.entries())
      await writeFile(join(temporary, path), bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
    await writeFile(join(temporary, 'model.json'), JSON.stringify(manifest));
    await options.check?.({ path: join(temporary, 'model.json'), bytes: bytes.length, weights });
    await moveInto(temporary, target, options.force === true);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { path: join(target, 'model.json'), bytes: bytes.length, weights };
}

async function followLink(target: string): Promise<string> {
  const info = await lstat(target).catch(() => undefined);
  return info?.isSymbolicLink() === true ? realpath(target) : target;
}

async function checkTarget(target: string, force: boolean): Promise<void> {
  const info = await lstat(target).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isDirectory())
    throw new OutputError(`${target} is a file; a folder for the model is expected there.`, {
      hint: 'Choose another place.',
    });
  const names = await readdir(target);
  if (names.length === 0) return;
  if (!force)
    throw new OutputError(`${target} exists and is not empty.`, {
      hint: 'Choose another place, or pass --force to replace the model there.',
    });
  const others = names.filter((name) => !OWN_FILES.test(name));
  const model = names.includes('model.json') && (await isModel(join(target, 'model.json')));
  if (others.length > 0 || !model) {
    throw new OutputError(
      `${target} holds ${others.length > 0 ? `other files (${others.slice(0, 3).join(', ')})` : 'no model'} and is not replaced.`,
      {
        hint: 'Choose another place, or move the files away.',
      },
    );
  }
}

async function isModel(path: string): Promise<boolean> {
  try {
    const json = JSON.parse(await readFile(path, 'utf8')) as Json;
    return isObject(json) && json['modelTopology'] !== undefined;
  } catch {
    return false;
  }
}

/** The topology, and the name under which plain tfjs looks for each weight: found by building it as tfjs will. */
async function savableTopology(model: tf.LayersModel): Promise<{ topology: JsonObject; names: string[] }> {
  const written = model.toJSON(null, false) as unknown as JsonObject;
  if (isObject(written['config'])) restoreConfigs(model, written['config'], 'snake');
  const topology = renameRepeated(written);
  const entries = weightEntries(model);
  const rebuilt = await buildModel(topology);
  try {
    const names = weightEntries(rebuilt).map(({ name }) => name);
    const shapes = weightEntries(rebuilt).map(({ shape }) => shape.join());
    if (names.length !== entries.length || entries.some(({ shape }, i) => shape.join() !== shapes[i])) {
      throw new ModelError(
        `The model ${quote(model.name)} cannot be saved: TensorFlow.js would rebuild it with other weights.`,
      );
    }
    const repeated = names.find((name, i) => names.indexOf(name) !== i);
    if (repeated !== undefined)
      throw new ModelError(
        `The model ${quote(model.name)} cannot be saved: two weights would be called ${quote(repeated)}.`,
      );
    return { topology, names };
  } finally {
    disposeModel(rebuilt);
  }
}

async function encode(
  entries: readonly WeightEntry[],
  names: readonly string[],
  options: WriteOptions,
): Promise<{ specs: JsonObject[]; chunks: Uint8Array[]; weights: Map<string, Float32Array> }> {
  const specs: JsonObject[] = [];
  const chunks: Uint8Array[] = [];
  const weights = new Map<string, Float32Array>();
  for (const [i, { key, variable, shape }] of entries.entries()) {
    const values = Float32Array.from(await variable.data());
    if (!values.every(Number.isFinite))
      throw new ModelError(`Weight ${quote(key)} holds NaN or Inf and is not written.`);
    const spec: JsonObject = { name: names[i] ?? key, shape: [...shape], dtype: 'float32' };
    const scheme = options.quantization?.(key);
    if (scheme === undefined) {
      chunks.push(new Uint8Array(values.buffer));
      weights.set(key, values);
    } else {
      const quantized = quantize(key, values, scheme);
      spec['quantization'] = { ...quantized.quantization, original_dtype: 'float32' };
      chunks.push(quantized.bytes);
      weights.set(key, quantized.values);
    }
    specs.push(spec);
  }
  return { specs, chunks, weights };
}

/** rename() replaces an empty folder; a model that is there steps aside first and comes back if the move fails. */
async function moveInto(temporary: string, target: string, force: boolean): Promise<void> {
  const info = await lstat(target).catch(() => undefined);
  if (info === undefined || !force || (await readdir(target)).length === 0) {
    await rename(temporary, target).catch((cause: unknown) => {
      throw new OutputError(`${target} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`, {
        cause,
      });
    });
    return;
  }
  const aside = `${temporary}-old`;
  await rename(target, aside);
  try {
    await rename(temporary, target);
  } catch (cause) {
    await rename(aside, target);
    throw new OutputError(`${target} cannot be replaced: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      cause,
    });
  }
  await rm(aside, { recursive: true, force: true });
}
