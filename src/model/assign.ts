import * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import type { WeightEntry } from './build.js';
import type { FileWeight } from './file.js';
import { quote } from './json.js';

export interface Assignment {
  /** One per entry, in the entries' order. */
  readonly weights: readonly FileWeight[];
  /** Names matched nothing, and shapes in order did. */
  readonly byOrder: boolean;
}

/**
 * Finds the weight in the file for each variable of the model: by equal lists of names (duplicates included), then name by name
 * (exact; without the cell's name that TensorFlow 2.2 and later insert; as the only one with that ending), and only where no name
 * matches anything by order, all shapes agreeing.
 * @throws ModelError for weights without a place, places without a weight, and shapes or types that differ.
 */
export function assignWeights(entries: readonly WeightEntry[], weights: readonly FileWeight[]): Assignment {
  if (weights.length === entries.length && entries.every((entry, i) => entry.name === weights[i]?.name)) {
    return { weights: check(entries, weights), byOrder: false };
  }
  refuseDuplicates(weights);
  const taken = matchNames(entries, weights);
  if (
    taken.size === 0 &&
    weights.length === entries.length &&
    entries.length > 0 &&
    entries.every((entry, i) => sameShape(entry.shape, weights[i]?.shape ?? []))
  ) {
    if (weights.some(({ name }) => name.includes('/vars/'))) throw keras3Names(weights);
    return { weights: check(entries, weights), byOrder: true };
  }
  const used = new Set(taken.values());
  const extra = weights.filter((weight) => !used.has(weight));
  const missing = entries.filter((entry) => !taken.has(entry));
  if (missing.length > 0) throw missingWeights(missing, extra, weights);
  if (extra.length > 0)
    throw new ModelError(`The file holds ${extra.length} weights that no layer takes: ${list(extra)}.`);
  return {
    weights: check(
      entries,
      entries.map((entry) => taken.get(entry)).filter((weight) => weight !== undefined),
    ),
    byOrder: false,
  };
}

/** Writes the values into the model's variables. */
export function setWeights(entries: readonly WeightEntry[], weights: readonly FileWeight[]): void {
  for (const [i, { variable }] of entries.entries()) {
    const weight = weights[i];
    if (weight === undefined) continue;
    const tensor = tf.tensor(weight.values, [...weight.shape], 'float32');
    // Not LayerVariable.write: that would apply the layer's constraint and change trained values.
    variable.assign(tensor);
    tensor.dispose();
  }
}

function matchNames(entries: readonly WeightEntry[], weights: readonly FileWeight[]): Map<WeightEntry, FileWeight> {
  const taken = new Map<WeightEntry, FileWeight>();
  const used = new Set<FileWeight>();
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  const byShortName = unique(weights, ({ name }) => withoutCell(name));
  const names = unique(entries, ({ name }) => name);
  const take = (entry: WeightEntry, weight: FileWeight | null | undefined): void => {
    if (weight === undefined || weight === null || used.has(weight) || taken.has(entry)) return;
    taken.set(entry, weight);
    used.add(weight);
  };
  for (const entry of entries) if (entry.key !== entry.name) take(entry, byName.get(entry.key));
  for (const entry of entries) if (names.get(entry.name) !== null) take(entry, byName.get(entry.name));
  for (const entry of entries) take(entry, byShortName.get(entry.key));
  for (const entry of entries) if (names.get(entry.name) !== null) take(entry, byShortName.get(entry.name));
  for (const [entry, weight] of byEnding(
    entries.filter((e) => !taken.has(e)),
    weights.filter((w) => !used.has(w)),
  ))
    take(entry, weight);
  return taken;
}

/** Pairs of which each is the only one that ends like the other: `sequential/dense/kernel` and `dense/kernel`. */
function byEnding(entries: readonly WeightEntry[], weights: readonly FileWeight[]): [WeightEntry, FileWeight][] {
  const byTail = new Map<string, FileWeight | null>();
  for (const weight of weights)
    for (const tail of tails(weight.name)) byTail.set(tail, byTail.has(tail) ? null : weight);
  const entriesByTail = new Map<string, WeightEntry | null>();
  for (const entry of entries)
    for (const tail of tails(entry.name)) entriesByTail.set(tail, entriesByTail.has(tail) ? null : entry);
  const pairs: [WeightEntry, FileWeight][] = [];
  for (const entry of entries) {
    const longer = byTail.get(entry.name);
    if (longer !== undefined && longer !== null && entriesByTail.get(entry.name) === entry) pairs.push([entry, longer]);
  }
  for (const weight of weights) {
    const longer = entriesByTail.get(weight.name);
    if (longer !== undefined && longer !== null && byTail.get(weight.name) === weight) pairs.push([longer, weight]);
  }
  return pairs;
}

/** The name and its endings of two segments or more. */
function tails(name: string): string[] {
  const parts = name.split('/');
  const all = parts.slice(0, -1).map((_, i) => parts.slice(i).join('/'));
  return all.length === 0 ? [name] : all;
}

/** TensorFlow 2.2 and later: layer/cell/weight. */
function withoutCell(name: string): string {
  const parts = name.split('/');
  return [...parts.slice(0, -2), ...parts.slice(-1)].join('/');
}

/** Key to its only item; null where several have it. */
function unique<T>(items: readonly T[], key: (item: T) => string): Map<string, T | null> {
  const map = new Map<string, T | null>();
  for (const item of items) map.set(key(item), map.has(key(item)) ? null : item);
  return map;
}

function check(entries: readonly WeightEntry[], weights: readonly FileWeight[]): readonly FileWeight[] {
  for (const [i, entry] of entries.entries()) {
    const weight = weights[i];
    if (weight === undefined || sameShape(entry.shape, weight.shape)) {
      if (weight !== undefined && weight.dtype !== 'float32')
        throw new ModelError(
          `Weight ${quote(weight.name)} is ${weight.dtype}; layer ${quote(entry.path)} takes float32.`,
        );
      continue;
    }
    throw new ModelError(
      `Weight ${quote(weight.name)} has shape [${weight.shape.join(', ')}]; layer ${quote(entry.path)} takes [${entry.shape.join(', ')}].`,
      {
        hint: 'Manifest and topology belong to different models, or a setting of the layer means something else in TensorFlow.js.',
      },
    );
  }
  return weights;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

function refuseDuplicates(weights: readonly FileWeight[]): void {
  const seen = new Set<string>();
  for (const { name } of weights) {
    if (seen.has(name))
      throw new ModelError(
        `The manifest lists two weights named ${quote(name)}, and their order does not tell them apart.`,
      );
    seen.add(name);
  }
}

function missingWeights(
  missing: readonly WeightEntry[],
  extra: readonly FileWeight[],
  weights: readonly FileWeight[],
): ModelError {
  if (weights.some(({ name }) => name.includes('/vars/'))) return keras3Names(weights);
  const others = extra.length === 0 ? '' : `; the file has ${list(extra)} instead`;
  const names = missing.slice(0, 5).map((entry) => quote(entry.key));
  return new ModelError(
    `The file holds no weights for ${names.join(', ')}${missing.length > 5 ? `, … (${missing.length})` : ''}${others}.`,
    {
      hint: 'Topology and weights belong to different models; export them together.',
    },
  );
}

function keras3Names(weights: readonly FileWeight[]): ModelError {
  return new ModelError(
    `The weights are named as Keras 3 does in .keras files (${quote(weights[0]?.name)}), which TensorFlow.js cannot load.`,
    {
      hint: 'Load the model with tf.keras 2 (TF_USE_LEGACY_KERAS=1 before importing TensorFlow), save it, and convert that.',
    },
  );
}

function list(items: readonly { readonly name: string }[]): string {
  return `${items
    .slice(0, 5)
    .map(({ name }) => quote(name))
    .join(', ')}${items.length > 5 ? ', …' : ''}`;
}
