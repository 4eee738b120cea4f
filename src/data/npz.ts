import { DataError } from '../errors.js';
import type { NamedArrays } from './arrays.js';
import { readNamedArrays } from './arrays.js';
import { readNpy } from './npy.js';
import type { RawArray, RawParts, ReadRequest } from './raw.js';
import { readZip } from './zip.js';

/**
 * Reads numpy's zip of arrays, stored or deflated; arrays that nobody asks for are not unpacked.
 *
 * @throws DataError for a damaged zip, missing names and arrays that are not numbers
 */
export function readNpz(bytes: Uint8Array, file: string, request: ReadRequest): RawParts {
  const entries = new Map(
    readZip(bytes, file)
      .filter((entry) => entry.name.endsWith('.npy'))
      .map((entry) => [entry.name.slice(0, -'.npy'.length), entry]),
  );
  const read = (name: string): RawArray => {
    const entry = entries.get(name);
    if (entry === undefined) throw new DataError(`${file} has no array '${name}'.`);
    return readNpy(entry.read(), `${name} of ${file}`);
  };
  const arrays: NamedArrays = { file, names: [...entries.keys()], input: read, target: read };
  return readNamedArrays(arrays, request);
}

/**
 * Reads one array without a target.
 *
 * @throws DataError unless the target is `self`, or when the model has several inputs
 */
export function readSingleNpy(bytes: Uint8Array, file: string, request: ReadRequest): RawParts {
  if (request.target !== 'self') {
    throw new DataError(`${file} is one array and brings no target.`, {
      hint: "Save inputs and target as x and y of an npz file, or take the target 'self' for the model's own outputs.",
    });
  }
  if (request.model.length > 1) {
    throw new DataError(`${file} is one array, but the model has ${request.model.length} inputs.`);
  }
  return { whole: { inputs: [readNpy(bytes, file)] } };
}
