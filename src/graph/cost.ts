import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { Cost } from '../records/types.js';
import type { Analysis, Shapes } from './analyse.js';
import { addedBiases, kernelCosts, splitOf, type KernelCost } from './cost-changes.js';
import type { Grouping } from './groups.js';
import type { Extent } from './rules/types.js';
import { product, sizeOf, sum, type Kept, type Size } from './sizes.js';
import type { CostChanges, WidthGroup } from './types.js';

/**
 * Bytes that one number of a weight takes in the model's source: one figure, or one per weight: by its key (the path of the nested
 * model and the weight's name: `dense_1/kernel`, `encoder/dense_1/kernel`; 4 where absent) or by a function.
 */
export type BytesPerWeight = number | ReadonlyMap<string, number> | ((weight: tf.LayerVariable) => number);

export interface WeightCost {
  readonly sizes: readonly Size[];
  readonly bytes: number;
}

interface MacCost {
  readonly step: number;
  readonly sizes: readonly Size[];
}

export interface CostModel {
  cost(widths: ReadonlyMap<string, number>, changes?: CostChanges): Cost;
  /** Of the kernels that are to be factored, those that have fewer weights as two at these widths. */
  paying(widths: ReadonlyMap<string, number>, changes: CostChanges): ReadonlySet<string>;
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
  shapes: Shapes,
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
  const kernels = kernelCosts(analysis, grouping, counted, shapes);
  const kept = (widths: ReadonlyMap<string, number>): Kept => keptUnits(grouping.groups, widths);
  return {
    cost: (widths, changes) => {
      const full = total([...counted.values()], macs, kept(widths));
      return changes === undefined ? full : changed(full, kernels, grouping.groups, kept(widths), changes);
    },
    paying: (widths, changes) => {
      const factors = [...(changes.factors ?? [])];
      const splits = factors.filter(([layer, factor]) => {
        const kernel = kernels.get(layer);
        return kernel !== undefined && splitOf(kernel, factor, grouping.groups, kept(widths), changes) !== null;
      });
      return new Set(splits.map(([layer]) => layer));
    },
    stepMacs: (step) => sum(macs.filter((use) => use.step === step).map(({ sizes }) => product(sizes, []))),
  };
}

/** Numbers that a layer keeps as float32 whatever its source did: biases that it did not have. */
const NEW_BYTES = 4;

function changed(
  full: Cost,
  kernels: ReadonlyMap<string, KernelCost>,
  groups: readonly WidthGroup[],
  kept: Kept,
  changes: CostChanges,
): Cost {
  let { parameters, macs, bytes } = full;
  for (const [layer, factor] of changes.factors ?? []) {
    const kernel = kernels.get(layer);
    if (kernel === undefined) throw new UsageError(`There is no kernel of a layer "${layer}" that could be factored.`);
    const split = splitOf(kernel, factor, groups, kept, changes);
    if (split === null) continue;
    parameters += split.parameters;
    bytes += split.parameters * kernel.bytes;
    macs += split.macs;
  }
  const biases = addedBiases(kernels.values(), groups, kept, changes);
  return { parameters: parameters + biases, macs, bytes: bytes + NEW_BYTES * biases };
}

function bytesOf(source: BytesPerWeight, variable: tf.LayerVariable, key: string): number {
  if (typeof source === 'number') return source;
  return typeof source === 'function' ? source(variable) : (source.get(key) ?? 4);
}

function keptUnits(groups: readonly WidthGroup[], widths: ReadonlyMap<string, number>): Kept {
  for (const [name, k] of widths) {
    const group = groups.find((candidate) => candidate.name === name);
    if (group === undefined) throw new UsageError(`There is no width group "${name}".`);
    if (!Number.isInteger(k) || k < 0 || k > group.n) {
      throw new UsageError(`The width of "${name}" must be a whole number from 0 to ${group.n}, not ${k}.`);
    }
  }
  return groups.map(({ name }) => widths.get(name));
}

function total(weights: readonly WeightCost[], macs: readonly MacCost[], kept: Kept): Cost {
  let [parameters, bytes] = [0, 0];
  for (const weight of weights) {
    const count = product(weight.sizes, kept);
    parameters += count;
    bytes += count * weight.bytes;
  }
  return { parameters, macs: sum(macs.map(({ sizes }) => product(sizes, kept))), bytes };
}
