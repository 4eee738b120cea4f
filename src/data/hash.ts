import { createHash } from 'node:crypto';

import type { NumericArray } from './raw.js';

/** Hashes take at most 2 GiB at a time. */
const CHUNK = 2 ** 26;

/** Hash of one array that is fed in pieces; the pieces do not show in it. */
export interface ContentHash {
  readonly add: (values: NumericArray) => void;
  readonly finish: () => string;
}

/** sha256 of a label (dtype or role), a shape and values in order. */
export function contentHash(label: string, shape: readonly number[]): ContentHash {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([label, shape]));
  const add = ({ buffer, byteOffset, byteLength }: NumericArray): void => {
    for (let start = 0; start < byteLength; start += CHUNK) {
      hash.update(new Uint8Array(buffer, byteOffset + start, Math.min(CHUNK, byteLength - start)));
    }
  };
  return { add, finish: () => hash.digest('hex') };
}
