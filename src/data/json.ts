import { DataError } from '../errors.js';
import { readNamedArrays } from './arrays.js';
import { decodeText, gunzip, isGzip } from './bytes.js';
import type { RawArray, RawParts, RawTarget, ReadRequest } from './raw.js';
import { product } from './raw.js';
import type { Cell } from './table.js';
import { buildTable, toNumbers } from './table.js';

/** Parsed JSON takes many times its size in memory: larger sets belong in npz or csv. */
const JSON_LIMIT = 2 ** 28;
const MAX_RANK = 8;

/**
 * Reads an array of rows (arrays, or objects with equal keys; the target is the named or last value), or an object of nested arrays
 * named like those of an npz file: `{x, y}`, `{x_train, y_train, x_test, y_test}`.
 *
 * @throws DataError that names the place
 */
export async function readJson(bytes: Uint8Array, file: string, request: ReadRequest): Promise<RawParts> {
  const plain = isGzip(bytes) ? await gunzip(bytes, file, { limit: JSON_LIMIT }) : bytes;
  if (plain.length > JSON_LIMIT) {
    throw new DataError(`${file} has ${plain.length} bytes, expected at most ${JSON_LIMIT} of JSON.`, {
      hint: 'Save it as npz or csv.',
    });
  }
  const data = parseJson(plain, file);
  if (Array.isArray(data)) return { whole: readRows(data, file, request).finish() };
  if (!isRecord(data)) {
    throw new DataError(`${file} holds ${describe(data)}, expected an array of rows or an object {x, y}.`);
  }
  const get = (name: string): unknown => data[name];
  return readNamedArrays(
    {
      file,
      names: Object.keys(data).filter((name) => Array.isArray(data[name])),
      input: (name) => toArray(get(name), `${name} of ${file}`),
      target: (name) => toTarget(get(name), `${name} of ${file}`),
    },
    request,
  );
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(decodeText(bytes, file)) as unknown;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new DataError(`${file} is not JSON: ${cause.message}.`, { cause });
  }
}

function readRows(rows: readonly unknown[], file: string, request: ReadRequest): ReturnType<typeof buildTable> {
  if (rows.length === 0) throw new DataError(`${file} has no rows.`);
  const [first] = rows;
  const names = isRecord(first) ? Object.keys(first) : undefined;
  const table = buildTable(file, names, names?.length ?? (Array.isArray(first) ? first.length : 0), request);
  for (const [index, row] of rows.entries()) table.add(toCells(row, names, file, index), `row ${index + 1}`);
  return table;
}

function toCells(row: unknown, names: readonly string[] | undefined, file: string, index: number): Cell[] {
  const place = `${file}, row ${index + 1}`;
  if (names === undefined) {
    if (Array.isArray(row)) return row.map((cell: unknown) => toCell(cell, place));
    throw new DataError(`${place} is ${describe(row)}, expected an array like the first row.`);
  }
  if (!isRecord(row)) throw new DataError(`${place} is ${describe(row)}, expected an object like the first row.`);
  const extra = Object.keys(row).find((name) => !names.includes(name));
  if (extra !== undefined) throw new DataError(`${place} has a value '${extra}' that the first row lacks.`);
  return names.map((name) => toCell(row[name] ?? null, place));
}

function toCell(value: unknown, place: string): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new DataError(`${place} holds ${describe(value)}, expected numbers.`, {
    hint: 'Nested arrays go in an object {x, y}.',
  });
}

/** Nested arrays of numbers as float64; a flat array with words as a column. */
function toTarget(nested: unknown, name: string): RawTarget {
  if (!Array.isArray(nested) || !nested.some((value) => typeof value === 'string')) return toArray(nested, name);
  const known = new Map<string, number>();
  const places: string[] = [];
  const codes = Int32Array.from(nested as unknown[], (value, row) => {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new DataError(`${name} at [${row}] is ${describe(value)}, expected a word as in other rows.`);
    }
    const word = String(value);
    if (!known.has(word)) places.push(`row ${row + 1}`);
    known.set(word, known.get(word) ?? known.size);
    return known.get(word) ?? 0;
  });
  return toNumbers({ name, codes, words: [...known.keys()], places });
}

function toArray(nested: unknown, name: string): RawArray {
  const shape: number[] = [];
  for (let at = nested; Array.isArray(at); at = (at as unknown[])[0]) {
    shape.push(at.length);
    if (shape.length > MAX_RANK) throw new DataError(`${name} is nested more than ${MAX_RANK} deep.`);
  }
  if (shape.includes(0)) throw new DataError(`${name} has no values.`);
  // sizes are checked throughout before room for their product is made
  eachRow(nested, shape, name, (row, path) => checkRow(row, path, name));
  const values = new Float64Array(product(shape));
  let next = 0;
  eachRow(nested, shape, name, (row) => {
    for (const value of row) values[next++] = Number(value);
  });
  return { name, shape, dtype: 'float64', values };
}

type Visit = (row: readonly unknown[], path: readonly number[]) => void;

/** Visits the innermost arrays in order; throws where an array is missing or has another length than the first of its depth. */
function eachRow(nested: unknown, shape: readonly number[], name: string, visit: Visit): void {
  const path: number[] = [];
  const walk = (at: unknown): void => {
    const size = shape[path.length];
    if (!Array.isArray(at)) throw new DataError(`${place(name, path)} is ${describe(at)}, expected ${size} values.`);
    if (at.length !== size) throw new DataError(`${place(name, path)} has ${at.length} values, expected ${size}.`);
    if (path.length === shape.length - 1) return visit(at, path);
    const depth = path.push(0) - 1;
    for (; path[depth] < size; path[depth]++) walk(at[path[depth]]);
    path.pop();
  };
  walk(nested);
}

function checkRow(row: readonly unknown[], path: readonly number[], name: string): void {
  const bad = row.findIndex((value) => typeof value !== 'number' && typeof value !== 'boolean');
  if (bad < 0) return;
  throw new DataError(`${place(name, [...path, bad])} is ${describe(row[bad])}, expected a number.`);
}

function place(name: string, path: readonly number[]): string {
  return path.length === 0 ? name : `${name} at [${path.join(', ')}]`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : JSON.stringify(value);
}
