import { createHash } from 'node:crypto';

import type { Assigned } from './assign.js';
import { ROLES } from './plan.js';
import type { NumericArray, RawPart } from './raw.js';
import type { FittedInput } from './scaling.js';
import type { Targets } from './target.js';

/** Hashes take at most 2 GiB at a time. */
const CHUNK = 2 ** 26;

/** sha256 of contents, dtypes, fitted shapes, scaling, target, split and seed. */
export function digestOf(
  list: readonly RawPart[],
  inputs: readonly FittedInput[],
  targets: Targets | undefined,
  rows: Assigned,
  seed: number,
): string {
  const hash = createHash('sha256');
  const add = (label: string, shape: readonly number[], { buffer, byteOffset, byteLength }: NumericArray): void => {
    hash.update(JSON.stringify([label, shape]));
    for (let start = 0; start < byteLength; start += CHUNK) {
      hash.update(new Uint8Array(buffer, byteOffset + start, Math.min(CHUNK, byteLength - start)));
    }
  };
  hash.update(JSON.stringify([inputs, targets?.kind ?? 'self', targets?.labels ?? [], seed]));
  for (const part of list) for (const input of part.inputs) add(input.dtype, input.shape, input.values);
  for (const target of targets?.arrays ?? []) add('target', target.shape, target.values);
  for (const role of ROLES) {
    const entry = rows[role];
    if (entry !== undefined) add(role, [entry.part, entry.rows.length], entry.rows);
  }
  return `sha256:${hash.digest('hex')}`;
}
