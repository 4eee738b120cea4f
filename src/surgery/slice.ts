import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { detailOf, type GraphDetail } from '../graph/read.js';
import type { ModelGraph } from '../graph/types.js';
import { rebuild, type JsonObject } from './rebuild.js';

/** Kept unit indices by group name: at least one, each once, in any order; the new model has them in this order's ascending form. */
export type Keep = ReadonlyMap<string, Int32Array>;

/**
 * A smaller standard LayersModel: only the kept units of each group, every other group whole. Layer names and metadata stay;
 * the model of the graph is not touched.
 * @throws UsageError for an unknown group, no unit, or a unit that is out of range or named twice
 */
export function sliceModel(graph: ModelGraph, keep: Keep): tf.LayersModel {
  checkKeep(graph, keep);
  const slicer = slicerOf(graph, keep);
  return rebuild(
    graph.model,
    (layer, config) => resize(slicer, layer, config),
    (layer) => layer.weights.map((variable) => slicer.weight(variable)),
  );
}

export interface Slicer {
  readonly detail: GraphDetail;
  /** Positions of an axis that stay; null when all do. */
  readonly kept: (units: Int32Array | null) => Int32Array | null;
  /** A weight without the positions that go. */
  readonly weight: (variable: tf.LayerVariable) => tf.Tensor;
}

export function slicerOf(graph: ModelGraph, keep: Keep): Slicer {
  const detail = detailOf(graph);
  const { analysis, grouping } = detail;
  const chosen = grouping.groups.map(({ name }) => {
    const units = keep.get(name);
    return units === undefined ? null : new Set(units);
  });
  const stays = (unit: number): boolean => {
    const place = grouping.places.get(analysis.units.find(unit));
    if (place === undefined) return true;
    const [group, index] = place;
    return chosen[group]?.has(index) ?? true;
  };
  const kept = (units: Int32Array | null): Int32Array | null => {
    if (units === null || units.every(stays)) return null;
    return Int32Array.from([...units.keys()].filter((position) => stays(units[position])));
  };
  const weight = (variable: tf.LayerVariable): tf.Tensor =>
    gatherAxes(variable.read(), (analysis.weights.get(variable)?.axes ?? []).map(kept));
  return { detail, kept, weight };
}

function gatherAxes(tensor: tf.Tensor, axes: readonly (Int32Array | null)[]): tf.Tensor {
  return tf.tidy(() => {
    const sliced = axes.reduce<tf.Tensor>(
      (rest, kept, axis) => (kept === null ? rest : tf.gather(rest, tf.tensor1d(kept, 'int32'), axis)),
      tensor,
    );
    // A copy of its own: variables must not share memory, and wasm's gather leaves its data marked with rank 4.
    return tf.mul(sliced, 1);
  });
}

/** Writes the new sizes into a layer's config: units, filters, target shapes, and input shapes where they are declared. */
export function resize({ detail, kept }: Slicer, layer: tf.layers.Layer, config: JsonObject): void {
  for (const { layer: owner, path, units } of detail.analysis.sizes) {
    const left = owner === layer ? kept(units) : null;
    if (left !== null) setSize(config, path, left.length);
  }
  const { program, marks } = detail.analysis;
  const entry = program.entries.find((candidate) => candidate.layer === layer);
  const step = program.steps.find((candidate) => candidate.layer === layer);
  const value = entry?.value ?? step?.inputs[0];
  const shape = config['batchInputShape'];
  if (value === undefined || !Array.isArray(shape)) return;
  marks[value].forEach((units, axis) => {
    const left = kept(units);
    if (left !== null) shape[axis] = left.length;
  });
}

function setSize(config: JsonObject, path: readonly (string | number)[], size: number): void {
  let at = config as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  // A target shape may leave one size open.
  if (typeof at[last] === 'number' && at[last] > 0) at[last] = size;
}

export function checkKeep(graph: ModelGraph, keep: Keep): void {
  for (const [name, units] of keep) {
    const group = graph.groups.find((candidate) => candidate.name === name);
    if (group === undefined) throw new UsageError(`There is no width group "${name}".`);
    const distinct = new Set(units);
    const inRange = units.every((unit) => unit >= 0 && unit < group.n);
    if (units.length === 0 || distinct.size !== units.length || !inRange) {
      throw new UsageError(
        `Group "${name}" needs at least one unit from 0 to ${group.n - 1}, each once; received [${units.join(', ')}].`,
      );
    }
  }
}
