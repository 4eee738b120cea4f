import { describe, expect, it } from 'vitest';

import { eigSymmetric, rowGram, svdTop, timesTransposed } from '../../../src/bases/linalg/index.js';
import { startLoops, withoutLoops } from '../../../src/bases/linalg/loops.js';
import { gaussian, ofRank } from './oracles.js';

// dist/bases/linalg/loops.wasm is there once the package is built
const built = startLoops(8) !== null;

describe.skipIf(!built)('the compiled loops give the bits of the TypeScript ones', () => {
  it.each([
    [32, 32, 32],
    [65, 70, 300],
    [128, 3, 513],
    [37, 129, 256],
  ])('products %i x %i over %i', (m, n, depth) => {
    const [a, b] = [gaussian(m, depth, 1), gaussian(n, depth, 2)];
    expect(timesTransposed(a, b)).toEqual(withoutLoops(() => timesTransposed(a, b)));
    expect(rowGram(a)).toEqual(withoutLoops(() => rowGram(a)));
  });

  it.each([32, 33, 34, 35, 100])('eigenvalues and vectors of %i x %i', (n) => {
    const a = rowGram(gaussian(n, n + 5, n));
    expect(eigSymmetric(a)).toEqual(withoutLoops(() => eigSymmetric(a)));
    expect(eigSymmetric(a, 7)).toEqual(withoutLoops(() => eigSymmetric(a, 7)));
  });

  it.each([
    [90, 60, 60],
    [50, 120, 50],
    [64, 64, 4],
  ])('singular values and vectors of %i x %i, of full rank and of rank %i', (m, n, rank) => {
    for (const w of [gaussian(m, n), ofRank(rank, m, n)]) {
      expect(svdTop(w, 30, 'gram')).toEqual(withoutLoops(() => svdTop(w, 30, 'gram')));
    }
  });
});

describe('startLoops', () => {
  it('leaves matrices beyond a gigabyte to TypeScript', () => {
    expect(startLoops(2 ** 31)).toBeNull();
  });

  it.skipIf(!built)('gives every copy a memory of its own', () => {
    const [a, b] = [startLoops(1e6)!, startLoops(8)!];
    expect(a.memory).not.toBe(b.memory);
    expect(a.memory.buffer.byteLength).toBeGreaterThanOrEqual(1e6);
  });
});
