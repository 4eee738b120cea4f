import { DataError } from '../errors.js';
import type { InputArray, RawPart, RawParts, RawTarget, ReadRequest } from './raw.js';

/** Named arrays, read when asked for: an npz file or a JSON object. */
export interface NamedArrays {
  readonly file: string;
  readonly names: readonly string[];
  input(name: string): InputArray | Promise<InputArray>;
  target(name: string): RawTarget | Promise<RawTarget>;
}

const ENDINGS = {
  whole: [''],
  train: ['_train'],
  select: ['_select', '_val', '_valid', '_validation'],
  report: ['_report'],
  test: ['_test'],
} as const;

/**
 * Finds the splits among named arrays: `x, y`, or with endings `x_train, y_train, x_test, y_test, x_val, y_val` (also `_select`,
 * `_report`). With several model inputs there is one array per input, by the input's name.
 *
 * @throws DataError when names are missing
 */
export async function readNamedArrays(arrays: NamedArrays, request: ReadRequest): Promise<RawParts> {
  const parts: RawParts = {};
  for (const role of ['whole', 'train', 'select', 'report', 'test'] as const) {
    const ending = ENDINGS[role].find((candidate) => inputNames(arrays, request, candidate) !== undefined);
    if (ending !== undefined) parts[role] = await readPart(arrays, request, ending);
    // a plain x is the whole; endings beside it would be the same examples again
    if (role === 'whole' && ending !== undefined) return parts;
  }
  if (Object.keys(parts).length === 0) throw noInputs(arrays, request);
  return parts;
}

async function readPart(arrays: NamedArrays, request: ReadRequest, ending: string): Promise<RawPart> {
  const inputs: InputArray[] = [];
  for (const name of inputNames(arrays, request, ending) ?? []) inputs.push(await arrays.input(name));
  const groups = request.groupBy === undefined ? {} : { groups: await readGroups(arrays, request.groupBy, ending) };
  if (request.target === 'self') return { inputs, ...groups };
  const wanted = `${request.target ?? 'y'}${ending}`;
  if (arrays.names.includes(wanted)) return { inputs, target: await arrays.target(wanted), ...groups };
  throw new DataError(`${arrays.file} has no target array '${wanted}'; it holds ${show(arrays.names)}.`, {
    hint: "Name the target array, or take the target 'self' for the model's own outputs.",
  });
}

async function readGroups(arrays: NamedArrays, groupBy: string, ending: string): Promise<RawTarget> {
  const name = `${groupBy}${ending}`;
  if (arrays.names.includes(name)) return arrays.target(name);
  throw new DataError(`${arrays.file} has no array '${name}' to group by; it holds ${show(arrays.names)}.`, {
    hint: 'groupBy names an array with one value for each example.',
  });
}

/** One array name per model input, or undefined when one is not there. */
function inputNames(arrays: NamedArrays, request: ReadRequest, ending: string): string[] | undefined {
  const sets =
    request.inputs !== undefined
      ? [request.inputs]
      : request.model.length === 1
        ? [['x'], ['X'], [request.model[0].name]]
        : [request.model.map((input) => input.name)];
  return sets
    .map((names) => names.map((name) => name + ending))
    .find((names) => names.every((name) => arrays.names.includes(name)));
}

function noInputs(arrays: NamedArrays, request: ReadRequest): DataError {
  const single = request.model.length === 1 && request.inputs === undefined;
  const wanted = single ? ['x', 'x_train'] : (request.inputs ?? request.model.map((input) => input.name));
  return new DataError(
    `${arrays.file} holds ${show(arrays.names)}, expected ${single ? 'x, or x_train' : `one array per model input: ${show(wanted)}`}.`,
    { hint: 'Name the input arrays in the data entry of the configuration: inputs: ["…"].' },
  );
}

function show(names: readonly string[]): string {
  if (names.length === 0) return 'no arrays';
  const shown = names.slice(0, 10).map((name) => `'${name}'`);
  return shown.join(', ') + (names.length > 10 ? `, … (${names.length})` : '');
}
