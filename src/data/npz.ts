import { DataError } from '../errors.js';
import { readNamedArrays } from './arrays.js';
import { openNpy, readNpy } from './npy.js';
import type { InputArray, RawParts, ReadRequest } from './raw.js';
import type { ByteSource } from './source.js';
import type { Memory } from './stored.js';
import { openZip, readZip } from './zip.js';

/**
 * Reads numpy's zip of arrays, stored or deflated; arrays that nobody asks for are not unpacked.
 *
 * @throws DataError for a damaged zip, missing names and arrays that are not numbers
 */
export function readNpz(bytes: Uint8Array, file: string, request: ReadRequest): Promise<RawParts> {
  return readEntries(readZip(bytes, file), file, request, (entry, name) => readNpy(entry.read(), name));
}

/**
 * Reads numpy's zip of arrays by position: large arrays that are stored stay in the file.
 *
 * @throws DataError like `readNpz`, and for large arrays in Fortran order
 */
export async function openNpz(source: ByteSource, request: ReadRequest, memory: Memory): Promise<RawParts> {
  return readEntries(await openZip(source), source.name, request, async (entry, name) => {
    const found = await entry.find();
    return found instanceof Uint8Array ? readNpy(found, name) : openNpy({ source, ...found }, name, memory);
  });
}

function readEntries<Entry extends { readonly name: string }>(
  list: readonly Entry[],
  file: string,
  request: ReadRequest,
  readOne: (entry: Entry, name: string) => InputArray | Promise<InputArray>,
): Promise<RawParts> {
  const entries = new Map(
    list.filter((entry) => entry.name.endsWith('.npy')).map((entry) => [entry.name.slice(0, -'.npy'.length), entry]),
  );
  const read = async (name: string): Promise<InputArray> => {
    const entry = entries.get(name);
    if (entry === undefined) {
      throw new DataError(`${file} has no array '${name}'.`, { hint: `It holds ${[...entries.keys()].join(', ')}.` });
    }
    return readOne(entry, `${name} of ${file}`);
  };
  return readNamedArrays({ file, names: [...entries.keys()], input: read, target: read }, request);
}

/**
 * Takes one array without a target.
 *
 * @param read reads it
 * @throws DataError unless the target is `self`, or when the model has several inputs
 */
export async function readSingleNpy(
  file: string,
  request: ReadRequest,
  read: () => InputArray | Promise<InputArray>,
): Promise<RawParts> {
  if (request.target !== 'self') {
    throw new DataError(`${file} is one array and brings no target.`, {
      hint: "Save inputs and target as x and y of an npz file, or take the target 'self' for the model's own outputs.",
    });
  }
  if (request.model.length > 1) {
    throw new DataError(`${file} is one array, but the model has ${request.model.length} inputs.`, {
      hint: "Give an npz file with one array per input, named like the model's inputs.",
    });
  }
  return { whole: { inputs: [await read()] } };
}
