import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { readCsv } from '../../src/data/csv.js';
import { readDataset } from '../../src/data/dataset.js';
import { isText } from '../../src/data/raw.js';
import type { RawPart, ReadRequest } from '../../src/data/raw.js';
import { csvLines, errorOf, fitOf, heldValues, readError, SEED_0, tempFile } from './helpers.js';

const MODEL = [{ name: 'in', shape: [null, 2] }];

async function read(text: string | Uint8Array, request: Partial<ReadRequest> = {}): Promise<RawPart> {
  const { whole } = await readCsv(Buffer.from(text), 't.csv', { model: MODEL, ...request });
  if (whole === undefined) throw new Error('no part');
  return whole;
}

const targetOf = ({ target }: RawPart): unknown[] => {
  if (target === undefined) return [];
  return isText(target) ? [...target.codes].map((code) => target.words[code]) : heldValues(target);
};

describe('readCsv', () => {
  it.each([
    ['no header', '1,2,0\n3,4,1\n'],
    ['a header', 'a,b,y\n1,2,0\n3,4,1\n'],
    ['a header of numbers but for the target', '0,1,y\n1,2,0\n3,4,1\n'],
    ['semicolons', 'a;b;y\n1;2;0\n3;4;1'],
    ['tabs', 'a\tb\ty\n1\t2\t0\n3\t4\t1'],
    ['commas within quoted names', '"a, or so";"b";y\n1;2;0\n3;4;1'],
    ['a byte order mark', '\uFEFFa,b,y\n1,2,0\n3,4,1'],
    ['a byte order mark and no header', '\uFEFF1,2,0\n3,4,1'],
    ['lines that end in CR LF', 'a,b,y\r\n1,2,0\r\n3,4,1\r\n'],
    ['empty lines', '\na,b,y\n\n1,2,0\n\n3,4,1\n\n'],
    ['spaces and exponents', 'a, b, y\n 1, 2e0, 0\n+3.0, .4e1, 1'],
    ['quotes', '"a","b","y"\n"1","2","0"\n"3","4","1"'],
  ])('reads a table with %s', async (_, text) => {
    const part = await read(text);
    expect(part.inputs[0]).toMatchObject({ shape: [2, 2], dtype: 'float32' });
    expect(heldValues(part.inputs[0])).toEqual([1, 2, 3, 4]);
    expect(targetOf(part)).toEqual([0, 1]);
  });

  it('says which column is the target where none is named', async () => {
    expect((await read('a,b,y\n1,2,0')).notes).toEqual(["target: the last column, 'y'"]);
    expect((await read('a,b,y\n1,2,0', { target: 'y' })).notes).toEqual([]);
  });

  it('reads the same from gzip', async () => {
    expect(await read(gzipSync('a,b,y\n1,2,0\n3,4,1'))).toEqual(await read('a,b,y\n1,2,0\n3,4,1'));
  });

  it('keeps words of the target, and needs no header for them', async () => {
    expect(targetOf(await read('1,2,cat\n3,4,dog\n5,6,cat'))).toEqual(['cat', 'dog', 'cat']);
  });

  it('takes the target and the inputs by name, in the order named', async () => {
    const part = await read('y,a,b,c\n0,1,2,3\n1,4,5,6', { target: 'y', inputs: ['c', 'a'] });
    expect(heldValues(part.inputs[0])).toEqual([3, 1, 6, 4]);
    expect(targetOf(part)).toEqual([0, 1]);
  });

  it("reads all columns with target 'self', and leaves out the last one where the model takes one fewer", async () => {
    expect((await read('a,b\n1,2\n3,4', { target: 'self' })).inputs[0].shape).toEqual([2, 2]);
    const part = await read('a,b,y\n1,2,0\n3,4,1', { target: 'self' });
    expect(heldValues(part.inputs[0])).toEqual([1, 2, 3, 4]);
    expect(part.notes).toEqual(['last column (y) left out: the target is self']);
  });

  it('never keeps more rows than it can hold in float32: ten thousand rows stay exact', async () => {
    const part = await read(csvLines(10_000, (row) => [row, row / 2, row % 3]));
    expect(heldValues(part.inputs[0])).toHaveLength(20_000);
    expect(heldValues(part.inputs[0])[19_998]).toBe(9999);
  });

  it.each<[string, string | Uint8Array, Partial<ReadRequest>, RegExp]>([
    [
      'a word among numbers',
      'a,b,y\n1,2,0\n3,x,1',
      {},
      /^t\.csv, line 3, column 'b' is 'x', expected a finite number\.$/,
    ],
    [
      'a word in the first of plain rows',
      '1,x,3,0\n1,2,3,0',
      {},
      /^t\.csv, line 1, column 2 is 'x', expected a finite number\.$/,
    ],
    ['an empty cell', 'a,b,y\n1,,0', {}, /line 2, column 'b' is empty, expected a finite number/],
    ['NaN', 'a,b,y\n1,nan,0', {}, /line 2, column 'b' is nan, expected a finite number/],
    ['infinity', 'a,b,y\n1,-Inf,0', {}, /column 'b' is -Inf, expected/],
    ['a number beyond float32', 'a,b,y\n1,1e39,0', {}, /column 'b' is '1e39', expected a finite number/],
    ['a hexadecimal number', 'a,b,y\n1,0x10,0', {}, /column 'b' is '0x10', expected/],
    ['a decimal comma', 'a;b;y\n1,5;2;0', {}, /column 'a' is '1,5', expected/],
    ['a short row', 'a,b,y\n1,2,0\n3,4', {}, /^t\.csv, line 3 has 2 values, expected 3\.$/],
    ['a long row', 'a,b,y\n1,2,0\n3,4,1,9', {}, /line 3 has 4 values, expected 3/],
    ['a missing label', 'a,b,y\n1,2,0\n3,4,', {}, /line 3, column 'y' \(the target\) is missing a value/],
    ['two columns of one name', 'a,a,y\n1,2,0', {}, /has two columns named 'a'/],
    ['a column without a name', ',a,y\n0,1,2', {}, /Column 1 of t\.csv has no name in the header/],
    ['a target that is not there', 'a,b,y\n1,2,0', { target: 'z' }, /has no column 'z'; its columns are a, b, y/],
    ['a named target without a header', '1,2,0\n3,4,1', { target: 'z' }, /has no header, so no column is named 'z'/],
    [
      'a target among the inputs',
      'a,b,y\n1,2,0',
      { target: 'a', inputs: ['a', 'b'] },
      /target column a is also among the inputs/,
    ],
    ['one column', 'a\n1\n2', {}, /has 1 column, expected at least one feature besides the target/],
    ['a header only', 'a,b,y\n', {}, /has no rows/],
    ['empty lines only', '\n\n', {}, /has no rows/],
    ['an open quote', 'a,b,y\n1,"2,0\n', {}, /not a sound table: Quote Not Closed/],
    ['binary', Uint8Array.from([49, 44, 50, 10, 0, 0]), {}, /holds zero bytes/],
    ['UTF-16', Buffer.from('\uFEFFa,b', 'utf16le'), {}, /not UTF-8 text/],
    ['broken gzip', gzipSync('a,b,y\n1,2,0').subarray(0, 20), {}, /not a whole gzip file/],
  ])('names %s', async (_, text, request, message) => {
    const error = await errorOf(() => read(text, request));
    expect(error).toMatchObject({ code: 'data', exitCode: 3 });
    expect(error.message).toMatch(message);
  });

  it('stops unpacking at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 24, '1,2,3\n'));
    const error = await errorOf(() => readCsv(bomb, 't.csv', { model: MODEL }, 2 ** 20));
    expect(error.message).toBe('t.csv unpacks to more than 1048576 bytes, which is all it may hold.');
  });

  it('refuses a model of several inputs', async () => {
    const model = [...MODEL, { name: 'in2', shape: [null, 2] }];
    expect((await errorOf(() => read('1,2,0', { model }))).message).toBe(
      't.csv is one table, but the model has 2 inputs.',
    );
  });
});

const path = (label: (row: number) => string): string =>
  tempFile(
    'words.csv',
    csvLines(60, (row) => [row, -row, label(row)]),
  );

describe('a table of words as classes', () => {
  it('sorts classes by name', async () => {
    const data = await readDataset(
      path((row) => ['dog', 'ant', 'cat'][row % 3]),
      fitOf([2], [3]),
      SEED_0,
    );
    expect(data.target).toEqual({ kind: 'classes', classes: 3, labels: ['ant', 'cat', 'dog'] });
    const batch = await data.splits.train.read(Int32Array.from({ length: data.splits.train.size }, (_, i) => i));
    // dog stands in rows 0, 3, 6, …: its rows are multiples of 3
    for (const [i, label] of batch.target?.values.entries() ?? []) {
      expect(label).toBe([2, 0, 1][batch.inputs[0].values[2 * i] % 3]);
    }
  });

  it('takes two words for one sigmoid unit', async () => {
    const data = await readDataset(
      path((row) => (row % 2 === 0 ? 'yes' : 'no')),
      fitOf([2], [1], 'sigmoid'),
      SEED_0,
    );
    expect(data.target).toEqual({ kind: 'binary', labels: ['no', 'yes'] });
  });

  it('refuses a number of classes other than the output has', async () => {
    const error = await readError(
      path((row) => ['a', 'b'][row % 2]),
      fitOf([2], [3]),
    );
    expect(error.message).toBe(
      "column 3 of words.csv holds 2 classes (a, b), expected 3 for the model's output of 3 units.",
    );
  });

  it('names a word among numbers by its line', async () => {
    const error = await readError(
      path((row) => (row === 6 ? 'oops' : String(row % 2))),
      fitOf([2], [2]),
    );
    expect(error.message).toBe("column 3 of words.csv is 'oops' in line 7, where other rows hold numbers.");
  });
});
