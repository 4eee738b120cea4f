import type * as tf from '@tensorflow/tfjs';

import { absorberOf } from './absorber.js';
import type { Analysis, Shapes } from './analyse.js';
import type { WeightCost } from './cost.js';
import type { Grouping } from './groups.js';
import { kernelParts, mixingKernel, type KernelPart } from './kernel-parts.js';
import { atWidths, product, sizeOf, sum, type Kept, type Size } from './sizes.js';
import type { CostChanges, FactorChange, Step, WidthGroup } from './types.js';

/** What a kernel costs as two, and what it takes to give its layer a bias. */
export interface KernelCost {
  readonly layer: string;
  /** Of the kernel's axes, the made features last. */
  readonly sizes: readonly Size[];
  readonly bytes: number;
  readonly biased: boolean;
  /** A BatchNormalization behind it takes over what a bias would add. */
  readonly absorbed: boolean;
  /** The features made: the size of a bias. */
  readonly made: Size;
  /** Groups whose units it reads. */
  readonly reads: ReadonlySet<number>;
  /** Per call: places of the output, and places that the first half of a spatial factoring is used at. */
  readonly calls: readonly { readonly places: readonly Size[]; readonly columns: number }[];
}

/** By path of the layer; the second cell of a Bidirectional stands behind its path and a number. */
export function kernelCosts(
  analysis: Analysis,
  grouping: Grouping,
  weights: ReadonlyMap<tf.LayerVariable, WeightCost>,
  shapes: Shapes,
): Map<string, KernelCost> {
  const kernels = new Map<string, KernelCost>();
  for (const { name, layer } of analysis.program.steps) {
    kernelParts(layer).forEach((part, i) => {
      const key = i === 0 ? name : `${name} ${i}`;
      if (kernels.has(key)) return;
      const absorbed = absorberOf(analysis.program, layer) !== null;
      const cost = kernelCost(analysis, grouping, weights, shapes, name, part, absorbed);
      if (cost !== null) kernels.set(key, cost);
    });
  }
  return kernels;
}

function kernelCost(
  analysis: Analysis,
  grouping: Grouping,
  weights: ReadonlyMap<tf.LayerVariable, WeightCost>,
  shapes: Shapes,
  layer: string,
  part: KernelPart,
  absorbed: boolean,
): KernelCost | null {
  const kernel = mixingKernel(part);
  const counted = kernel === undefined ? undefined : weights.get(kernel);
  const use = kernel === undefined ? undefined : analysis.weights.get(kernel);
  if (kernel === undefined || counted === undefined || use === undefined) return null;
  const makes = use.roles.indexOf('makes');
  const calls = analysis.macs
    .filter(({ variable }) => variable === kernel)
    .map(({ step, times }) => ({
      places: times.map((extent) => sizeOf(analysis, grouping, extent)),
      columns: columnsOf(analysis.program.steps[step], shapes),
    }));
  return {
    layer,
    sizes: counted.sizes,
    bytes: counted.bytes,
    biased: part.bias != null,
    absorbed,
    made: counted.sizes[makes < 0 ? counted.sizes.length - 1 : makes],
    reads: groupsRead(analysis, grouping, use.axes[use.roles.indexOf('reads')] ?? null),
    calls,
  };
}

/** Columns of an image that a step reads; 1 where it is left open, or is no image. */
function columnsOf({ layer, inputs }: Step, shapes: Shapes): number {
  const { dataFormat } = layer as unknown as { readonly dataFormat?: string };
  const shape = shapes[inputs[0]];
  return shape.length === 4 ? (shape[dataFormat === 'channelsFirst' ? 3 : 2] ?? 1) : 1;
}

function groupsRead(analysis: Analysis, { places }: Grouping, units: Int32Array | null): Set<number> {
  const groups = new Set<number>();
  for (const unit of units ?? []) {
    const place = places.get(analysis.units.find(unit));
    if (place !== undefined) groups.add(place[0]);
  }
  return groups;
}

/**
 * What a kernel as two costs more than whole (a negative number), its bias aside; null where, the bias counted too, it would have no fewer
 * weights.
 */
export function splitOf(
  kernel: KernelCost,
  factor: FactorChange,
  groups: readonly WidthGroup[],
  kept: Kept,
  changes: CostChanges,
): { readonly parameters: number; readonly macs: number } | null {
  const sizes = kernel.sizes.map((size) => atWidths(size, kept));
  const [first, second] = halves(sizes, factor);
  const whole = sizes.reduce((all, size) => all * size, 1);
  const parameters = first + second - whole;
  const gains = factor.corrected && !kernel.biased && !gainsBias(kernel, groups, kept, changes);
  if (parameters + (gains ? atWidths(kernel.made, kept) : 0) >= 0) return null;
  const macs = kernel.calls.map(({ places, columns }) => {
    const all = product(places, kept);
    const before = factor.form === 'spatial' ? atWidths(places[0], kept) * columns : all;
    return before * first + all * (second - whole);
  });
  return { parameters, macs: sum(macs) };
}

/** Weights of the two kernels. */
function halves(sizes: readonly number[], { k, form }: FactorChange): [first: number, second: number] {
  const cols = sizes.at(-1)!;
  if (form === 'spatial') return [sizes[0] * sizes[2] * k, sizes[1] * k * cols];
  return [sizes.slice(0, -1).reduce((all, size) => all * size, 1) * k, k * cols];
}

/** Numbers of all biases that layers get and did not have. */
export function addedBiases(
  kernels: Iterable<KernelCost>,
  groups: readonly WidthGroup[],
  kept: Kept,
  changes: CostChanges,
): number {
  let added = 0;
  for (const kernel of kernels) {
    if (kernel.biased) continue;
    const factor = changes.factors?.get(kernel.layer);
    const corrects = factor?.corrected === true && splitOf(kernel, factor, groups, kept, changes) !== null;
    if (corrects || gainsBias(kernel, groups, kept, changes)) added += atWidths(kernel.made, kept);
  }
  return added;
}

/** Whether constants give a layer a bias that has none. */
function gainsBias(
  { reads, biased, absorbed }: KernelCost,
  groups: readonly WidthGroup[],
  kept: Kept,
  { folded }: CostChanges,
): boolean {
  if (folded === undefined || biased || absorbed) return false;
  for (const group of reads) {
    const { name, n } = groups[group];
    if (folded.has(name) && (kept[group] ?? n) < n) return true;
  }
  return false;
}
