import * as tf from '@tensorflow/tfjs';

import type { Split } from '../data/types.js';
import { readGraph } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import {
  cloneModel,
  disposeModel,
  loadModel,
  modelFileBytes,
  weightEntries,
  writeModel,
  type LoadedModel,
  type QuantizationType,
  type WriteOptions,
  type WrittenModel,
} from '../model/index.js';
import type { CompressRecord, Cost, Rise } from '../records/types.js';
import { checkParity, predictorOf, type Parity } from './parity.js';

export interface SaveOptions {
  /** What was narrowed: how it stores each weight is kept. */
  readonly source: Pick<LoadedModel, 'quantization' | 'bytesPerWeight'>;
  /** Folder of the model; one that is there is replaced. */
  readonly dir: string;
  /** Rows that the reloaded model is compared on. */
  readonly split: Split;
  readonly batchSize: number;
  /** Sizes without the batch, where the model leaves some open. */
  readonly inputShapes?: readonly (readonly number[])[];
  /** Rise of the stored model's loss over the given model's; asked for only where the source is quantised. */
  readonly measure?: (stored: ModelGraph) => Promise<Rise>;
  readonly userDefinedMetadata?: WriteOptions['userDefinedMetadata'];
  readonly trainingConfig?: WriteOptions['trainingConfig'];
  readonly generatedBy?: string;
  readonly pause?: () => Promise<void>;
}

export interface Saved {
  /** Absolute path of model.json. */
  readonly path: string;
  readonly cost: Cost;
  /** The manifest and its shards on disk. */
  readonly fileBytes: number;
  /** Reloaded against in memory, at the same dtype. */
  readonly parity: Parity;
  readonly quantisation?: NonNullable<CompressRecord['quantisation']>;
}

/**
 * Writes a narrowed model as its source was stored (uint8 stays uint8; biases that the source did not have are float32), reads it from disk again and
 * compares the two on some rows at the same dtype. The files get their place only if they agree.
 *
 * @throws GateError where they don't agree; nothing is written then. OutputError where something is in the way
 */
export async function saveModel(model: tf.LayersModel, options: SaveOptions): Promise<Saved> {
  const { source, dir, userDefinedMetadata, trainingConfig, generatedBy } = options;
  const stores = storageOf(source);
  const found: Omit<Saved, 'path' | 'fileBytes'>[] = [];
  const { path } = await writeModel(model, dir, {
    force: true,
    quantization: stores.quantization,
    ...(userDefinedMetadata === undefined ? {} : { userDefinedMetadata }),
    ...(trainingConfig === undefined ? {} : { trainingConfig }),
    ...(generatedBy === undefined ? {} : { generatedBy }),
    check: async (written) => void found.push(await examine(model, written, options)),
  });
  return { path, fileBytes: await modelFileBytes(path), ...found[0] };
}

/** How a narrowed model's weights are stored, by key: as the source's, and a factored kernel's two halves as the kernel was. */
export function storageOf({ quantization, bytesPerWeight }: SaveOptions['source']): {
  readonly quantization: (key: string) => QuantizationType | undefined;
  readonly bytes: (key: string) => number;
} {
  const origin = (key: string): string =>
    bytesPerWeight.has(key) ? key : key.replace(/_factor(_\d+)?\/kernel$/u, '/kernel');
  return {
    quantization: (key) => quantization.get(origin(key)),
    bytes: (key) => bytesPerWeight.get(origin(key)) ?? 4,
  };
}

async function examine(
  model: tf.LayersModel,
  written: WrittenModel,
  options: SaveOptions,
): Promise<Omit<Saved, 'path' | 'fileBytes'>> {
  const { split, batchSize, inputShapes, pause, source, measure } = options;
  const shapes = inputShapes === undefined ? {} : { inputShapes };
  const { model: reloaded, bytesPerWeight, quantization } = await loadModel(written.path);
  const made = cloneModel(model);
  try {
    setStored(made, written.weights);
    const stored = readGraph(reloaded, { ...shapes, bytesPerWeight });
    const parity = await checkParity(predictorOf(readGraph(made, shapes)), predictorOf(stored), {
      split,
      batchSize,
      title: 'The model in memory and the one that was written',
      ...(pause === undefined ? {} : { pause }),
    });
    const cost = stored.cost(new Map());
    if (source.quantization.size === 0 || measure === undefined) return { cost, parity };
    return { cost, parity, quantisation: { dtype: dtypesOf(quantization), ...(await measure(stored)) } };
  } finally {
    disposeModel(reloaded);
    disposeModel(made);
  }
}

/** Gives a model the values that a reader of the file gets. */
function setStored(model: tf.LayersModel, weights: ReadonlyMap<string, Float32Array>): void {
  for (const { key, variable, shape } of weightEntries(model)) {
    const values = weights.get(key);
    if (values !== undefined) tf.tidy(() => variable.assign(tf.tensor(values, [...shape])));
  }
}

/** "uint8", or several joined by a comma, the most frequent first. */
function dtypesOf(quantization: ReadonlyMap<string, QuantizationType>): string {
  const counts = new Map<string, number>();
  for (const dtype of quantization.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([dtype]) => dtype)
    .join(', ');
}
