import { DataError } from '../errors.js';
import { createRandom, deriveSeed } from '../random/index.js';
import type { RawPart, RawTarget } from './raw.js';
import { isText, product } from './raw.js';
import { eachBlock } from './stored.js';

/**
 * Number of the group that each row of a part belongs to, in order of appearance: rows with equal values of `groupBy`.
 *
 * @throws DataError where the part has no such column or array, or more than one value a row
 */
export async function groupCodes(part: RawPart, groupBy: string): Promise<Int32Array> {
  const { groups } = part;
  if (groups === undefined) {
    throw new DataError(`${part.inputs[0].name} has no column or array '${groupBy}' to group by.`, {
      hint: 'groupBy names a column of a table, or an array of an .npz or .json file.',
    });
  }
  return isText(groups) ? groups.codes : numberCodes(groups);
}

async function numberCodes(groups: Exclude<RawTarget, { words: unknown }>): Promise<Int32Array> {
  if (product(groups.shape.slice(1)) !== 1) {
    throw new DataError(`${groups.name} (groupBy) has shape [${groups.shape.join(', ')}], expected one value a row.`, {
      hint: 'Save one number or word for each example.',
    });
  }
  const known = new Map<number, number>();
  const codes = new Int32Array(groups.shape[0]);
  await eachBlock(groups, ({ start, values }) => {
    for (let i = 0; i < values.length; i++) {
      const code = known.get(values[i]) ?? known.size;
      known.set(values[i], code);
      codes[start + i] = code;
    }
  });
  return codes;
}

/**
 * Cuts rows into disjoint parts by shares, whole groups together, in an order drawn by the seed: each group goes where most of
 * its rows, class by class, are still wanted. No part exceeds its share by more than the largest group.
 *
 * @param groups group of each row, 0..count-1
 * @param shares of the parts, summing to 1; a share of 0 gets nothing
 * @param strata class of each row, for parts with much the same classes
 * @returns row numbers per part, in random order
 */
export function cutGroups(
  groups: Int32Array,
  shares: readonly number[],
  strata: Int32Array | undefined,
  seed: number,
): Int32Array[] {
  const random = createRandom(deriveSeed(seed, 'split'));
  const rowsOf = rowsByGroup(groups);
  const total = countClasses(groups.keys(), strata);
  const wanted = shares.map((share) => new Map([...total].map(([label, count]) => [label, count * share])));
  const parts = shares.map((): number[] => []);
  for (const group of random.permutation(rowsOf.length)) {
    const rows = rowsOf[group];
    const counts = countClasses(rows, strata);
    const part = neediest(counts, wanted, shares);
    for (const [label, count] of counts) wanted[part].set(label, wanted[part].get(label)! - count);
    for (const row of rows) parts[part].push(row);
  }
  return parts.map((part) => random.shuffle(Int32Array.from(part)));
}

function rowsByGroup(groups: Int32Array): readonly (readonly number[])[] {
  const rows: number[][] = [];
  for (const [row, group] of groups.entries()) (rows[group] ??= []).push(row);
  return rows;
}

function countClasses(rows: Iterable<number>, strata: Int32Array | undefined): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const row of rows) {
    const label = strata?.[row] ?? 0;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

/** Least squares of what is missing: the part where the group's rows meet the largest lack. */
function neediest(
  counts: ReadonlyMap<number, number>,
  wanted: readonly ReadonlyMap<number, number>[],
  shares: readonly number[],
): number {
  const lacks = wanted.map((missing, part) => {
    if (shares[part] === 0) return -Infinity;
    return [...counts].reduce((sum, [label, count]) => sum + count * missing.get(label)!, 0);
  });
  return lacks.indexOf(Math.max(...lacks));
}
