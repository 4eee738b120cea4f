import type { Analysis } from './analyse.js';
import type { Grouping } from './groups.js';
import type { Extent } from './rules/types.js';

/** A size as a function of the widths. */
export interface Size {
  readonly fixed: number;
  /** Per group that it depends on: positions left with the first k units, k = 0..n. */
  readonly shares: ReadonlyMap<number, Int32Array>;
}

/** Units kept of each group; undefined: all. */
export type Kept = readonly (number | undefined)[];

export function sizeOf({ units }: Analysis, { groups, places }: Grouping, extent: Extent): Size {
  if (typeof extent === 'number') return { fixed: extent, shares: new Map() };
  const shares = new Map<number, Int32Array>();
  let fixed = 0;
  for (const unit of extent) {
    const place = places.get(units.find(unit));
    if (place === undefined) {
      fixed++;
      continue;
    }
    const [group, index] = place;
    const share = shares.get(group) ?? new Int32Array(groups[group].n + 1);
    share[index + 1]++;
    shares.set(group, share);
  }
  for (const share of shares.values()) for (let k = 1; k < share.length; k++) share[k] += share[k - 1];
  return { fixed, shares };
}

export function product(sizes: readonly Size[], kept: Kept): number {
  return sizes.reduce((count, size) => count * atWidths(size, kept), 1);
}

export function atWidths({ fixed, shares }: Size, kept: Kept): number {
  let size = fixed;
  for (const [group, share] of shares) size += share[kept[group] ?? share.length - 1];
  return size;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
