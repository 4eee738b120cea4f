import type * as tf from '@tensorflow/tfjs';

import type { ModelGraph } from '../graph/index.js';
import type { PlannedGroup } from '../records/types.js';
import { foldConstantUnits, sliceModel } from '../surgery/index.js';
import { firstHalf, keptUnits } from './narrow.js';
import type { PlanParts } from './parts.js';
import { formByBasis, resolvePlan, type Resolved } from './resolve.js';

/** One plan's model, to be cut into another plan's. */
export interface ShrinkOptions {
  /** The original at full width, whose plans these are. */
  readonly graph: ModelGraph;
  readonly from: readonly PlannedGroup[];
  readonly to: readonly PlannedGroup[];
  readonly parts: PlanParts;
}

/**
 * Cuts a narrower plan's model out of a wider one's that was tuned, so that tuning need not begin anew: of each group the units that the basis's order
 * keeps longest, of each factored kernel the first inner features. Units that go are folded with the original's constants.
 *
 * @param tuned graph of the model that `narrowModel` made of the wider plan
 * @returns null where the narrower plan is not contained: another basis or folding, a group or rank that is wider, a kernel factored in one
 *   of them only. The caller disposes the model
 */
export function shrink(tuned: ModelGraph, { graph, from, to, parts }: ShrinkOptions): tf.LayersModel | null {
  const form = formByBasis(parts.rankBasis);
  const [wide, narrow] = [resolvePlan(graph, from, form), resolvePlan(graph, to, form)];
  if (!isContained(wide, narrow)) return null;
  const keep = new Map<string, Int32Array>();
  const constants = new Map<string, readonly Float32Array[]>();
  for (const [name, { basis, k }] of narrow.units) {
    const known = wide.units.get(name);
    const { n } = graph.groups.find((group) => group.name === name)!;
    const before = known === undefined ? countTo(n) : keptUnits(parts, name, known.basis, known.k);
    if (k === before.length) continue;
    const after = new Set(keptUnits(parts, name, basis, k));
    keep.set(name, Int32Array.from([...before.keys()].filter((at) => after.has(before[at]))));
    if (narrow.folded.has(name)) {
      const lists = parts.constants(name).map((list) => Float32Array.from(before, (unit) => list[unit]));
      constants.set(name, lists);
    }
  }
  const through = new Map<string, string>();
  for (const [layer, { k }] of narrow.ranks) {
    const first = firstHalf(tuned, layer);
    through.set(first, layer);
    if (k < wide.ranks.get(layer)!.k) keep.set(innerGroup(tuned, first), countTo(k));
  }
  return constants.size === 0 ? sliceModel(tuned, keep) : foldConstantUnits(tuned, keep, constants, through);
}

/** The group of what the first half of a factored layer makes. */
function innerGroup({ groups }: ModelGraph, first: string): string {
  return groups.find(({ producers }) => producers.includes(first))!.name;
}

function isContained(wide: Resolved, narrow: Resolved): boolean {
  if (wide.ranks.size !== narrow.ranks.size) return false;
  for (const [layer, { basis, k }] of narrow.ranks) {
    const known = wide.ranks.get(layer);
    if (known === undefined || known.basis !== basis || known.k < k) return false;
  }
  for (const [name, { basis, k }] of wide.units) {
    const other = narrow.units.get(name);
    if (other === undefined || other.basis !== basis || other.k > k) return false;
    if (wide.folded.has(name) !== narrow.folded.has(name)) return false;
  }
  return true;
}

function countTo(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}
