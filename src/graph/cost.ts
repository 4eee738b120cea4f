import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { Cost } from '../records/types.js';
import type { Analysis } from './analyse.js';
import type { Grouping } from './groups.js';
import type { Extent } from './rules/types.js';
import type { WidthGroup } from './types.js';

/**
 * Bytes that one number of a weight takes in the model's source: one figure, or one per weight: by its key (the path of the nested
 * model and the weight's name: `dense_1/kernel`, `encoder/dense_1/kernel`; 4 where absent) or by a function.
 */
export type BytesPerWeight = number | ReadonlyMap<string, number> | ((weight: tf.LayerVariable) => number);

/** A size as a function of the widths. */
interface Size {
  readonly fixed: number;
  /** Per group that it depends on: positions left with the first k units, k = 0..n. */
  readonly shares: ReadonlyMap<number, Int32Array>;
}

interface WeightCost {
  readonly sizes: readonly Size[];
  readonly bytes: number;
}

interface MacCost {
  readonly step: number;
  readonly sizes: readonly Size[];
}

export interface CostModel {
  cost(widths: ReadonlyMap<string, number>): Cost;
  /** Multiply-adds of one step at full width. */
  stepMacs(step: number): number;
}

/**
 * Cost of the whole model as a function of the widths: products of sizes, counted position by position.
 * @param weights every weight once, with its key
 */
export function costModel(
  analysis: Analysis,
  grouping: Grouping,
  weights: ReadonlyMap<tf.LayerVariable, string>,
  bytesPerWeight: BytesPerWeight,
): CostModel {
  const size = (extent: Extent): Size => sizeOf(analysis, grouping, extent);
  const counted = new Map<tf.LayerVariable, WeightCost>();
  for (const [variable, key] of weights) {
    const axes = analysis.weights.get(variable)?.axes ?? [];
    const sizes = variable.shape.map((n, i) => size(axes[i] ?? n!));
    const bytes = bytesOf(bytesPerWeight, variable, key);
    counted.set(variable, { sizes, bytes });
  }
  const macs = analysis.macs.map(({ step, variable, times }): MacCost => ({
    step,
    sizes: [...times.map(size), ...(counted.get(variable)?.sizes ?? [])],
  }));
  return {
    cost: (widths) => total([...counted.values()], macs, keptUnits(grouping.groups, widths)),
    stepMacs: (step) => sum(macs.filter((use) => use.step === step).map(({ sizes }) => product(sizes, []))),
  };
}

function bytesOf(source: BytesPerWeight, variable: tf.LayerVariable, key: string): number {
  if (typeof source === 'number') return source;
  return typeof source === 'function' ? source(variable) : (source.get(key) ?? 4);
}

function sizeOf({ units }: Analysis, { groups, places }: Grouping, extent: Extent): Size {
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

function keptUnits(groups: readonly WidthGroup[], widths: ReadonlyMap<string, number>): (number | undefined)[] {
  for (const [name, k] of widths) {
    const group = groups.find((candidate) => candidate.name === name);
    if (group === undefined) throw new UsageError(`There is no width group "${name}".`);
    if (!Number.isInteger(k) || k < 0 || k > group.n) {
      throw new UsageError(`The width of "${name}" must be a whole number from 0 to ${group.n}, not ${k}.`);
    }
  }
  return groups.map(({ name }) => widths.get(name));
}

function total(weights: readonly WeightCost[], macs: readonly MacCost[], kept: readonly (number | undefined)[]): Cost {
  let [parameters, bytes] = [0, 0];
  for (const weight of weights) {
    const count = product(weight.sizes, kept);
    parameters += count;
    bytes += count * weight.bytes;
  }
  return { parameters, macs: sum(macs.map(({ sizes }) => product(sizes, kept))), bytes };
}

function product(sizes: readonly Size[], kept: readonly (number | undefined)[]): number {
  return sizes.reduce((count, size) => count * atWidths(size, kept), 1);
}

function atWidths({ fixed, shares }: Size, kept: readonly (number | undefined)[]): number {
  let size = fixed;
  for (const [group, share] of shares) size += share[kept[group] ?? share.length - 1];
  return size;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
