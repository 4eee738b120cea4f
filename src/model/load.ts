import type * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { assignWeights, setWeights } from './assign.js';
import { buildModel, leafLayers, weightEntries } from './build.js';
import { disposeModel } from './dispose.js';
import { readModelFile } from './file.js';
import type { ModelFile } from './file.js';
import { quote } from './json.js';
import type { QuantizationType } from './manifest.js';

export interface LoadedModel {
  /** The caller disposes it. */
  readonly model: tf.LayersModel;
  readonly file: ModelFile;
  /** `file.warnings`, and what was seen while the model was built; one sentence each. */
  readonly warnings: readonly string[];
  /** How the source stores each weight, by the weight's key ({@link weightEntries}); weights stored as they are, are absent. */
  readonly quantization: ReadonlyMap<string, QuantizationType>;
  /** Bytes on disk of one value of each weight (1, 2 or 4), by key. */
  readonly bytesPerWeight: ReadonlyMap<string, number>;
}

/** What a small model may allocate beyond its weight files, so that the error can name the weights that are missing. */
const SPARE_VALUES = 1_000_000;

/**
 * Reads a LayersModel and builds it on the current backend. Every weight is set from the file, layer by layer, with its shape checked;
 * a training configuration is kept as data and never compiled.
 * @param path the JSON file, as {@link locateModel} returns it.
 * @throws ModelError as {@link readModelFile}, and where layers and weights do not fit each other. Nothing is left on the backend then.
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const file = await readModelFile(path);
  const values = file.weights.reduce((sum, weight) => sum + weight.size, 0);
  const model = await buildModel(file.topology, values + SPARE_VALUES);
  try {
    const entries = weightEntries(model);
    const { weights, byOrder } = assignWeights(entries, file.weights);
    checkBuilt(model);
    setWeights(entries, weights);
    if (file.userDefinedMetadata !== undefined) model.setUserDefinedMetadata(file.userDefinedMetadata);
    const pairs = entries.map((entry, i) => ({ key: entry.key, weight: weights[i] }));
    return {
      model,
      file,
      warnings: byOrder
        ? [...file.warnings, 'The weights are not named after layers; they were matched by order and shape.']
        : file.warnings,
      quantization: new Map(
        pairs.flatMap(({ key, weight }) =>
          weight?.quantization === undefined ? [] : [[key, weight.quantization.dtype]],
        ),
      ),
      bytesPerWeight: new Map(pairs.map(({ key, weight }) => [key, weight?.bytesPerValue ?? 4])),
    };
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

/** Settings whose meaning hangs on the rank of the input, which only the built model knows. */
function checkBuilt(model: tf.LayersModel): void {
  for (const { layer, path } of leafLayers(model)) {
    const className = layer.getClassName();
    if (className !== 'BatchNormalization' && className !== 'Softmax') continue;
    const axis: unknown = layer.getConfig()['axis'];
    const shape: unknown = layer.inboundNodes[0]?.inputShapes[0];
    const rank = Array.isArray(shape) ? shape.length : undefined;
    if (rank === undefined || axis === undefined || axis === null || axis === -1 || axis === rank - 1) continue;
    throw new ModelError(
      `Layer ${quote(path)} (${className}) works along axis ${quote(axis)}; TensorFlow.js computes the last axis (${rank - 1}) only.`,
      {
        hint: 'Permute the data so that channels come last, and export the model again.',
      },
    );
  }
}
