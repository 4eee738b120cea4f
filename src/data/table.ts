import { DataError } from '../errors.js';
import type { RawPart, RawTarget, ReadRequest, TextColumn } from './raw.js';
import { product } from './raw.js';

/** A cell as it comes from a file. */
export type Cell = string | number | boolean | null;

/** Collects the rows of a table into float32 features and a target column, a row at a time. */
export interface TableBuilder {
  /** @param place for messages: "line 7" */
  add(cells: readonly Cell[], place: string): void;
  finish(): RawPart;
}

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const MISSING = /^\s*(?:nan|[+-]?inf(?:inity)?|na|n\/a|null|none|\?)?\s*$/i;

export function isNumber(cell: Cell): boolean {
  return typeof cell === 'string' ? NUMBER.test(cell) : cell !== null;
}

/** Empty, or one of the words for a value that is not there. */
export function isMissing(cell: Cell): boolean {
  return cell === null || (typeof cell === 'string' && MISSING.test(cell));
}

/**
 * Starts a table: which columns are features and which is the target is settled here, by name or place.
 *
 * @param names of the columns, where the file has them
 * @param width number of columns
 * @throws DataError for doubled, empty or unknown names, a table without a feature, a model with several inputs
 */
export function buildTable(
  file: string,
  names: readonly string[] | undefined,
  width: number,
  request: ReadRequest,
): TableBuilder {
  if (request.model.length > 1) {
    throw new DataError(`${file} is one table, but the model has ${request.model.length} inputs.`, {
      hint: "Give an npz file with one array per input, named like the model's inputs.",
    });
  }
  if (names !== undefined) checkNames(file, names);
  const { features, target, groups, notes } = chooseColumns(file, names, width, request);
  const title = (column: number): string =>
    names === undefined ? `column ${column + 1}` : `column '${names[column]}'`;
  const numbers = growingFloats();
  const words = growingWords();
  const groupWords = growingWords();
  let rows = 0;

  const add = (cells: readonly Cell[], place: string): void => {
    if (cells.length !== width) {
      throw new DataError(`${file}, ${place} has ${count(cells.length, 'value')}, expected ${width}.`, {
        hint: 'Every row has as many values as the first; a value with a comma in it stands in quotes.',
      });
    }
    for (const column of features) numbers.push(readNumber(cells[column], file, place, title(column)));
    if (target !== undefined) words.push(readWord(cells[target], file, place, `${title(target)} (the target)`), place);
    if (groups !== undefined)
      groupWords.push(readWord(cells[groups], file, place, `${title(groups)} (groupBy)`), place);
    rows++;
  };
  const finish = (): RawPart => {
    if (rows === 0) throw new DataError(`${file} has no rows.`);
    const shape = [rows, features.length];
    const inputs = [{ name: file, shape, dtype: 'float32' as const, values: numbers.finish() }];
    const grouped = groups === undefined ? {} : { groups: groupWords.finish(`${title(groups)} of ${file}`) };
    if (target === undefined) return { inputs, ...grouped, notes };
    const unnamed = request.target === undefined && names !== undefined;
    const chosen = unnamed ? [...notes, `target: the last column, '${names[target]}'`] : notes;
    return { inputs, ...grouped, target: toNumbers(words.finish(`${title(target)} of ${file}`)), notes: chosen };
  };
  return { add, finish };
}

/** A column whose words are all numbers, as float64. */
export function toNumbers(column: TextColumn): RawTarget {
  if (!column.words.every(isNumber)) return column;
  const numbers = column.words.map(Number);
  const values = Float64Array.from(column.codes, (code) => numbers[code]);
  return { name: column.name, shape: [values.length], dtype: 'float64', values };
}

function checkNames(file: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const [column, name] of names.entries()) {
    if (name === '') {
      throw new DataError(`Column ${column + 1} of ${file} has no name in the header.`, {
        hint: 'Where it is an index, write the file without it.',
      });
    }
    if (seen.has(name))
      throw new DataError(`${file} has two columns named '${name}'.`, { hint: 'Give each a name of its own.' });
    seen.add(name);
  }
}

interface Columns {
  readonly features: readonly number[];
  readonly target: number | undefined;
  readonly groups: number | undefined;
  readonly notes: readonly string[];
}

function chooseColumns(
  file: string,
  names: readonly string[] | undefined,
  width: number,
  request: ReadRequest,
): Columns {
  const find = (name: string): number => findColumn(file, names, name);
  const groups = request.groupBy === undefined ? undefined : find(request.groupBy);
  const all = Array.from({ length: width }, (_, column) => column).filter((column) => column !== groups);
  const chosen = request.inputs?.map(find);
  const target =
    request.target === 'self' ? undefined : request.target === undefined ? all.at(-1) : find(request.target);
  const features = chosen ?? all.filter((column) => column !== target);
  if (target !== undefined && features.includes(target)) {
    throw new DataError(`${file}: the target column ${names?.[target] ?? target + 1} is also among the inputs.`, {
      hint: 'Take it out of inputs.',
    });
  }
  if (features.length === 0) {
    throw new DataError(`${file} has ${count(width, 'column')}, expected at least one feature besides the target.`, {
      hint: 'Columns are parted by a comma, a semicolon or a tab.',
    });
  }
  const extra = chosen === undefined && target === undefined && features.length === modelWidth(request) + 1;
  if (!extra) return { features, target, groups, notes: [] };
  const last = features.at(-1)!;
  const shown = names?.[last] ?? String(last + 1);
  return {
    features: features.slice(0, -1),
    target,
    groups,
    notes: [`last column (${shown}) left out: the target is self`],
  };
}

function findColumn(file: string, names: readonly string[] | undefined, name: string): number {
  if (names === undefined) {
    throw new DataError(`${file} has no header, so no column is named '${name}'.`, {
      hint: 'Add a line of column names; without one the last column is the target.',
    });
  }
  const column = names.indexOf(name);
  if (column >= 0) return column;
  const shown = names.slice(-8).join(', ');
  throw new DataError(`${file} has no column '${name}'; its ${names.length > 8 ? 'last ' : ''}columns are ${shown}.`);
}

function modelWidth(request: ReadRequest): number {
  const sizes = request.model[0]?.shape.slice(1) ?? [];
  return sizes.every((size) => size !== null) ? product(sizes) : -2;
}

function readNumber(cell: Cell, file: string, place: string, column: string): number {
  if (isNumber(cell)) {
    const value = Math.fround(Number(cell));
    if (Number.isFinite(value)) return value;
  }
  const found = isMissing(cell) ? (cell === null || cell === '' ? 'empty' : String(cell).trim()) : `'${String(cell)}'`;
  throw new DataError(`${file}, ${place}, ${column} is ${found}, expected a finite number.`, {
    hint: isMissing(cell)
      ? 'Drop such rows or fill the values in first.'
      : 'Encode text as numbers first, leave the column out, or name it as the --target if it is the answer.',
  });
}

function readWord(cell: Cell, file: string, place: string, column: string): string {
  // 'none' and 'na' may well be names of classes
  if (cell !== null && !/^\s*(?:nan)?\s*$/i.test(String(cell))) return String(cell).trim();
  throw new DataError(`${file}, ${place}, ${column} is missing a value.`, { hint: 'Drop such rows.' });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function growingFloats(): { push: (value: number) => void; finish: () => Float32Array } {
  let values = new Float32Array(1024);
  let length = 0;
  const push = (value: number): void => {
    if (length === values.length) {
      const larger = new Float32Array(2 * length);
      larger.set(values);
      values = larger;
    }
    values[length++] = value;
  };
  return { push, finish: () => values.slice(0, length) };
}

function growingWords(): { push: (word: string, place: string) => void; finish: (name: string) => TextColumn } {
  const known = new Map<string, number>();
  const places: string[] = [];
  const codes: number[] = [];
  const push = (word: string, place: string): void => {
    let code = known.get(word);
    if (code === undefined) {
      code = known.size;
      known.set(word, code);
      places.push(place);
    }
    codes.push(code);
  };
  const finish = (name: string): TextColumn => {
    return { name, codes: Int32Array.from(codes), words: [...known.keys()], places };
  };
  return { push, finish };
}
