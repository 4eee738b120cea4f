import { parse } from 'csv-parse/sync';

import { DataError } from '../errors.js';
import { decodeText, gunzip, isGzip } from './bytes.js';
import type { RawParts, ReadRequest } from './raw.js';
import type { TableBuilder } from './table.js';
import { buildTable, isMissing, isNumber } from './table.js';

const DELIMITERS = [',', ';', '\t'];

const TEXT_LIMIT = 2 ** 30;

interface Row {
  readonly cells: readonly string[];
  readonly place: string;
}

/**
 * Reads a table of numbers with a target column, plain or packed by gzip. The delimiter (comma, semicolon, tab) and the header
 * are detected; the target is the named column, else the last one.
 *
 * @param limit most bytes a packed file may unpack to, 1 GiB unless told
 * @returns one part: features [N, columns] as float32, the target as numbers or words
 * @throws DataError that names line and column
 */
export async function readCsv(
  bytes: Uint8Array,
  file: string,
  request: ReadRequest,
  limit = TEXT_LIMIT,
): Promise<RawParts> {
  const plain = isGzip(bytes) ? await gunzip(bytes, file, { limit }) : bytes;
  const firstLine = decodeText(plain.subarray(0, lineEnd(plain)), file);
  if (plain.includes(0))
    throw new DataError(`${file} is not a text table: it holds zero bytes.`, { hint: 'Save it as UTF-8 text.' });

  const held: Row[] = [];
  let table: TableBuilder | undefined;
  // the header shows in the second row, so the first one waits for it
  const take = (row: Row): void => {
    if (table !== undefined) return table.add(row.cells, row.place);
    held.push(row);
    if (held.length === 2) table = startTable(held, file, request);
  };
  parseRows(plain, findDelimiter(firstLine), file, take);
  table ??= held.length === 1 ? startTable(held, file, request) : undefined;
  if (table === undefined) throw new DataError(`${file} has no rows.`);
  return { whole: table.finish() };
}

function parseRows(bytes: Uint8Array, delimiter: string, file: string, take: (row: Row) => void): void {
  try {
    parse(bytes, {
      delimiter,
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (cells: string[], context) => {
        take({ cells, place: `line ${context.lines}` });
        // rows are kept by `take`, not by the parser
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof DataError || !(cause instanceof Error)) throw cause;
    throw new DataError(`${file} is not a sound table: ${cause.message}.`, { cause });
  }
}

function startTable(rows: readonly Row[], file: string, request: ReadRequest): TableBuilder {
  const [first, second] = rows;
  const header = hasHeader(first.cells, second?.cells, request);
  const names = header ? first.cells.map((name) => name.trim()) : undefined;
  const table = buildTable(file, names, first.cells.length, request);
  for (const row of header ? rows.slice(1) : rows) table.add(row.cells, row.place);
  return table;
}

/**
 * A first row is a header when it holds the target's name, or no number at all, or words above numbers: in the last column, or
 * in at least half of them (one word among numbers is a broken cell, which should be reported rather than dropped).
 */
function hasHeader(first: readonly string[], second: readonly string[] | undefined, request: ReadRequest): boolean {
  const names = [
    ...(request.inputs ?? []),
    ...(request.groupBy === undefined ? [] : [request.groupBy]),
    ...(request.target === undefined || request.target === 'self' ? [] : [request.target]),
  ];
  if (first.some((cell) => names.includes(cell.trim()))) return true;
  if (!first.some(isNumber)) return first.some(isWord);
  const aboveNumber = first.map((cell, column) => isWord(cell) && isNumber(second?.[column] ?? ''));
  return aboveNumber.at(-1) === true || 2 * aboveNumber.filter(Boolean).length >= first.length;
}

function isWord(cell: string): boolean {
  return !isNumber(cell) && !isMissing(cell);
}

function lineEnd(bytes: Uint8Array): number {
  const end = bytes.findIndex((byte) => byte === 10 || byte === 13);
  return end < 0 ? bytes.length : end;
}

/** The one that parts the first line most often, outside quotes; a comma when none does. */
function findDelimiter(line: string): string {
  const bare = line.replaceAll(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}
