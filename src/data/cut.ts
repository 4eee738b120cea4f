import { createRandom, deriveSeed } from '../random/index.js';

/**
 * Cuts rows into disjoint parts by shares, shuffled by the seed. With strata, each stratum gives each part its share, rounded down
 * or up (quota), and roundings even out over the strata.
 *
 * @param rows how many
 * @param shares of the parts, summing to 1; a share of 0 gets nothing
 * @param strata class of each row, for a stratified cut
 * @returns row numbers per part, in random order
 */
export function cutRows(
  rows: number,
  shares: readonly number[],
  strata: Int32Array | undefined,
  seed: number,
): Int32Array[] {
  const random = createRandom(deriveSeed(seed, 'split'));
  const parts = shares.map((): number[] => []);
  const carry = shares.map(() => 0);
  for (const stratum of groupRows(rows, strata)) {
    const shuffled = random.shuffle(Int32Array.from(stratum));
    let start = 0;
    for (const [part, size] of allot(shuffled.length, shares, carry).entries()) {
      for (const row of shuffled.subarray(start, start + size)) parts[part].push(row);
      start += size;
    }
  }
  // strata lie in blocks so far, and readers may take the first rows of a part
  return parts.map((part) => random.shuffle(Int32Array.from(part)));
}

/** Rows by stratum, strata in ascending order. */
function groupRows(rows: number, strata: Int32Array | undefined): number[][] {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    const stratum = strata?.[row] ?? 0;
    const group = groups.get(stratum);
    if (group === undefined) groups.set(stratum, [row]);
    else group.push(row);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Sizes that sum to n, each its share rounded down or up; the parts furthest behind are rounded up. Updates `carry`. */
function allot(n: number, shares: readonly number[], carry: number[]): number[] {
  const ideal = shares.map((share) => n * share);
  // 0.29 * 100 is 28.999999999999996: whole numbers are recognised within 1e-9
  const sizes = ideal.map((size) => Math.floor(size + 1e-9));
  let left = n - sizes.reduce((a, b) => a + b, 0);
  const behind = ideal.map((size, part) => carry[part] + size - sizes[part]);
  const byNeed = shares.map((_, part) => part).filter((part) => ideal[part] - sizes[part] > 1e-9);
  byNeed.sort((a, b) => behind[b] - behind[a] || a - b);
  for (const part of byNeed) {
    if (left === 0) break;
    sizes[part]++;
    left--;
  }
  for (const part of shares.keys()) carry[part] += ideal[part] - sizes[part];
  return sizes;
}
