import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { zipSync } from 'fflate';
import { onTestFinished } from 'vitest';

import type { DataSpec, ModelFit, ReadOptions } from '../../src/data/spec.js';
import { readDataset } from '../../src/data/dataset.js';
import { wholeSplit } from '../../src/data/split.js';
import { TdcError } from '../../src/errors.js';
import type { InputArray, RawTarget } from '../../src/data/raw.js';
import type { StoredTarget } from '../../src/data/target-scan.js';
import type { Dataset, HostArray } from '../../src/data/types.js';

type Activation = 'softmax' | 'sigmoid' | 'linear';

/** A model of one input and one output, as far as data needs to know it. */
export function fitOf(
  input: (number | null)[],
  output: (number | null)[],
  activation: Activation = 'softmax',
  more: Partial<ModelFit> = {},
): ModelFit {
  return {
    inputs: [{ name: 'input_1', shape: [null, ...input], dtype: 'float32' }],
    output: { shape: [null, ...output], activation },
    outputs: 1,
    firstLayerRescales: false,
    ...more,
  };
}

/** A folder that is gone after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tdc-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file that is gone after the test. */
export function tempFile(name: string, content: string | Uint8Array): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return path;
}

export const SEED_0: ReadOptions = { seed: 0, retrain: true };

/** The error that reading ends in; fails the test when it doesn't. */
export async function readError(spec: DataSpec, fit: ModelFit, options = SEED_0): Promise<TdcError> {
  return errorOf(() => readDataset(spec, fit, options));
}

export async function errorOf(work: () => unknown): Promise<TdcError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TdcError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

/** Values of all splits' first input in one list per split. */
export async function inputValues(data: Dataset): Promise<Record<'train' | 'select' | 'report', number[]>> {
  const values = async (split: 'train' | 'select' | 'report'): Promise<number[]> => [
    ...((await wholeSplit(data.splits[split])).inputs[0]?.values ?? []),
  ];
  return { train: await values('train'), select: await values('select'), report: await values('report') };
}

/** Values of an array that is in memory. */
export function heldValues(array: InputArray | RawTarget | HostArray | StoredTarget | undefined): number[] {
  if (array === undefined || !('values' in array)) throw new Error('expected an array in memory');
  return [...array.values];
}

/** An npy file of version 1. */
export function npy(descr: string, shape: readonly number[], values: ArrayBufferView, fortran = false): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sizes}), }`;
  const header = Buffer.from(`${dict.padEnd(117)}\n`, 'latin1');
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([head, header, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]);
}

export function npz(arrays: Record<string, Uint8Array>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])));
}

/** An idx file of unsigned bytes. */
export function idx(shape: readonly number[], values: readonly number[] | Uint8Array): Uint8Array {
  const sizes = Buffer.alloc(4 * shape.length);
  shape.forEach((size, axis) => sizes.writeUInt32BE(size, 4 * axis));
  return Buffer.concat([Buffer.from([0, 0, 8, shape.length]), sizes, Uint8Array.from(values)]);
}

/** Lines of a table: f(row) cells, then the label. */
export function csvLines(rows: number, line: (row: number) => readonly (string | number)[], delimiter = ','): string {
  return Array.from({ length: rows }, (_, row) => line(row).join(delimiter)).join('\n');
}
