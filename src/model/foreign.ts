import { ModelError } from '../errors.js';
import { isObject } from './json.js';
import type { Json } from './json.js';

const FROM_KERAS = 'tensorflowjs_converter --input_format keras --output_format tfjs_layers_model model.h5 folder/';
const LAYERS_HINT = `Convert the original Keras model as a layers model: ${FROM_KERAS}`;
const KERAS_HINT =
  'Load it in Python with tf.keras 2 (TF_USE_LEGACY_KERAS=1) and write it with tensorflowjs.converters.save_keras_model(model, "folder").';
const LFS_HINT = 'Fetch the real file with: git lfs pull';

/** The error for a file that is another format, told by its first bytes; undefined where they could be a JSON manifest. */
export function foreignFile(path: string, head: Buffer): ModelError | undefined {
  const ascii = head.toString('latin1');
  if (head.length === 0) return new ModelError(`${path} is empty.`);
  if (ascii.startsWith('version https://git-lfs')) return lfsPointer(path);
  if (ascii.startsWith('\x89HDF\r\n\x1a\n')) {
    return new ModelError(`${path} is a Keras HDF5 file (.h5), not a TensorFlow.js model.`, {
      hint: `Convert it: ${FROM_KERAS}`,
    });
  }
  if (ascii.startsWith('PK\x03\x04')) {
    return new ModelError(`${path} is a zip file (a .keras model, most likely), not a TensorFlow.js model.`, {
      hint: KERAS_HINT,
    });
  }
  if (ascii.slice(4, 8) === 'TFL3') {
    return new ModelError(`${path} is a TensorFlow Lite model, not a TensorFlow.js model.`, { hint: LAYERS_HINT });
  }
  if (/\.pb$/i.test(path)) return savedModel(path);
  return undefined;
}

/** The error for a folder that holds another format, told by its file names. */
export function foreignFolder(folder: string, names: readonly string[]): ModelError | undefined {
  const has = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  if (has(/^saved_model\.pb(txt)?$/) !== undefined) return savedModel(folder);
  if (has(/^tensorflowjs_model\.pb$/) !== undefined) {
    return new ModelError(
      `${folder} is a web model of TensorFlow.js before 1.0 (tensorflowjs_model.pb), which is a graph model.`,
      { hint: LAYERS_HINT },
    );
  }
  if (has(/^model\.weights\.h5$/) !== undefined && has(/^config\.json$/) !== undefined) {
    return new ModelError(`${folder} is an unpacked .keras model, not a TensorFlow.js model.`, { hint: KERAS_HINT });
  }
  if (has(/\.json$/i) !== undefined) return undefined;
  const other = has(/\.(h5|hdf5|keras|tflite|pb|onnx|pt|pth)$/i);
  if (other === undefined) return undefined;
  return new ModelError(`${folder} holds ${other} and no JSON manifest: that is not a TensorFlow.js model.`, {
    hint: LAYERS_HINT,
  });
}

/** The error for JSON that is not a layers model. */
export function foreignJson(path: string, json: Json): ModelError | undefined {
  if (Array.isArray(json)) {
    const manifest = json.some(
      (group) => isObject(group) && Array.isArray(group['weights']) && Array.isArray(group['paths']),
    );
    return new ModelError(
      manifest
        ? `${path} is a bare weights manifest: it lists weights, but says nothing about the layers that use them.`
        : `${path} holds a JSON array; a TensorFlow.js model is an object with modelTopology and weightsManifest.`,
      {
        hint: 'Give the model.json that belongs to these weights; models that keep their layers in code cannot be read.',
      },
    );
  }
  if (!isObject(json))
    return new ModelError(`${path} holds a JSON ${json === null ? 'null' : typeof json}, not a model.`);
  const topology = json['modelTopology'];
  const graph =
    json['format'] === 'graph-model' ||
    Array.isArray(json['node']) ||
    (isObject(topology) && Array.isArray(topology['node']));
  if (graph) {
    return new ModelError(
      `${path} is a TensorFlow.js graph model: its layers are gone, so there are no widths to change.`,
      { hint: LAYERS_HINT },
    );
  }
  const format = json['format'];
  if (format !== undefined && format !== null && format !== 'layers-model') {
    return new ModelError(`${path} says format ${JSON.stringify(format).slice(0, 60)}; "layers-model" is expected.`);
  }
  if (topology === undefined || topology === null) return withoutTopology(path, json);
  return undefined;
}

function withoutTopology(path: string, json: { [key: string]: Json }): ModelError {
  const bare = typeof json['class_name'] === 'string' || json['model_config'] !== undefined;
  return bare
    ? new ModelError(`${path} is a topology without weights.`, {
        hint: 'Save the whole model: model.save() in TensorFlow.js, or save_keras_model in Python.',
      })
    : new ModelError(`${path} is JSON, but no TensorFlow.js model: it has no modelTopology.`);
}

export function lfsPointer(path: string): ModelError {
  return new ModelError(`${path} is a Git LFS pointer, not the file itself.`, { hint: LFS_HINT });
}

function savedModel(path: string): ModelError {
  return new ModelError(`${path} is a TensorFlow SavedModel, not a TensorFlow.js model.`, {
    hint: 'If it was saved by Keras: tensorflowjs_converter --input_format keras_saved_model --output_format tfjs_layers_model saved_model/ folder/',
  });
}
