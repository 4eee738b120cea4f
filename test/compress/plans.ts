import * as tf from '@tensorflow/tfjs';

import { breakEvenRank, buildRankBasis, kernelsOf, type KernelInfo, type RankBasis } from '../../src/bases/index.js';
import { foldable, maskedModel, narrowModel, planCost, type PlanParts } from '../../src/compress/index.js';
import { readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';
import { createRandom, deriveSeed, type Random } from '../../src/random/index.js';
import type { PlannedGroup } from '../../src/records/types.js';
import { predict, relativeError } from '../surgery/parity.js';

/** Orders, factors and constants from a seed, made when asked for and remembered. */
export function partsOf(graph: ModelGraph, seed = 1): PlanParts {
  const bases = new Map<string, RankBasis>();
  return {
    unitBasis: (group, basis) => {
      const { n } = graph.groups.find(({ name }) => name === group)!;
      const order =
        basis === 'tail'
          ? Int32Array.from({ length: n }, (_, i) => i)
          : createRandom(deriveSeed(seed, basis, group)).permutation(n);
      return { kind: 'unit', name: 'random', order };
    },
    rankBasis: (layer, basis) => {
      const key = `${layer} ${basis}`;
      const known = bases.get(key) ?? rankBasisOf(graph, layer, basis, seed);
      bases.set(key, known);
      return known;
    },
    constants: (name) => {
      const { n, tailPoints } = graph.groups.find((candidate) => candidate.name === name)!;
      const random = createRandom(deriveSeed(seed, 'constants', name));
      return tailPoints.map(() => Float32Array.from({ length: n }, () => random.normal()));
    },
  };
}

/** `whitened` stands for all that correct a mean: the plain factors with some mean. */
function rankBasisOf(graph: ModelGraph, layer: string, basis: string, seed: number): RankBasis {
  const kernel = kernelsOf(graph).find((candidate) => candidate.layer === layer)!;
  const plain = buildRankBasis(basis === 'svd-spatial' ? 'svd-spatial' : 'svd', kernel);
  if (basis !== 'whitened') return plain;
  const random = createRandom(deriveSeed(seed, 'mean', layer));
  return { ...plain, name: 'whitened', mean: Float32Array.from({ length: plain.rows }, () => 0.3 * random.normal()) };
}

/** Some groups at some widths, some folded, and some kernels at ranks on either side of the break-even. */
export function randomPlan(graph: ModelGraph, random: Random): PlannedGroup[] {
  const units = graph.groups.flatMap((group): PlannedGroup[] => {
    if (random.uniform() < 0.25) return [];
    const folded = random.uniform() < 0.6 && foldable(graph, group);
    const k = 1 + random.integer(group.n);
    const basis = random.uniform() < 0.3 ? 'tail' : 'magnitude';
    return [{ name: group.name, n: group.n, k, basis, kind: 'unit', ...(folded ? { folded } : {}) }];
  });
  const ranks = kernelsOf(graph).flatMap((kernel) => (random.uniform() < 0.5 ? [] : [randomRank(kernel, random)]));
  return [...units, ...ranks];
}

function randomRank(kernel: KernelInfo, random: Random): PlannedGroup {
  const isImage = kernel.kernelShape.length === 4 && Math.min(...kernel.kernelShape.slice(0, 2)) > 1;
  const bases = isImage ? ['svd', 'whitened', 'svd-spatial'] : ['svd', 'whitened'];
  const basis = bases[random.integer(bases.length)];
  const [kh, kw, channels] = kernel.kernelShape;
  const n = basis === 'svd-spatial' ? Math.min(kh * channels, kw * kernel.cols) : Math.min(kernel.rows, kernel.cols);
  return rankChoice(kernel, basis, n, 1 + random.integer(Math.max(1, Math.ceil(n / 2))));
}

export function rankChoice(kernel: KernelInfo, basis: string, n: number, k: number): PlannedGroup {
  return { name: kernel.group ?? kernel.layer, layer: kernel.layer, n, k, basis, kind: 'rank' };
}

/** Half the break-even rank, at least 1. */
export function halfRank(kernel: KernelInfo): PlannedGroup {
  const n = Math.min(kernel.rows, kernel.cols);
  return rankChoice(kernel, 'svd', n, Math.min(n, Math.max(1, Math.floor(breakEvenRank(kernel, 'channel') / 2))));
}

/** Every group at half its width, rounded up. */
export function halfWidths(graph: ModelGraph, folds = false): PlannedGroup[] {
  return graph.groups.map((group) => ({
    name: group.name,
    n: group.n,
    k: Math.ceil(group.n / 2),
    basis: 'magnitude',
    kind: 'unit' as const,
    ...(folds && foldable(graph, group) ? { folded: true } : {}),
  }));
}

export interface Carried {
  /** Largest difference to the masked model over its largest output. */
  readonly error: number;
  readonly said: string;
  readonly found: string;
  readonly factored: number;
}

/** Carries a plan out both ways and compares outputs and cost. */
export function carryOut(
  graph: ModelGraph,
  plan: readonly PlannedGroup[],
  parts: PlanParts,
  inputs: readonly tf.Tensor[],
): Carried {
  const narrow = narrowModel(graph, plan, parts);
  const masked = maskedModel(graph, plan, parts);
  try {
    const error = tf.tidy(() => relativeError(masked.predict(inputs), predict(narrow, inputs)));
    const found = JSON.stringify(readGraph(narrow).cost(new Map()));
    const factored = narrow.layers.length - graph.model.layers.length;
    return { error, said: JSON.stringify(planCost(graph, plan)), found, factored };
  } finally {
    masked.dispose();
    disposeModel(narrow);
  }
}
