import type { RankBasis } from '../bases/types.js';
import { UsageError } from '../errors.js';
import { readGraph } from '../graph/index.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import { expectedTruncatedDraws } from '../layers/index.js';
import { disposeModel } from '../model/index.js';
import type { EpochRecord } from '../records/types.js';
import { factorLayer } from '../surgery/factor.js';
import { retrain, type RetrainOptions } from './retrain.js';
import { samplerFor, type SamplerOptions } from './sampler-for.js';
import { schedule } from './schedule.js';

type Shared = Pick<RetrainOptions, 'objective' | 'train' | 'held' | 'seed' | 'createAdam' | 'onProgress' | 'pause'>;
type Chosen = Pick<RetrainOptions, 'batchSize' | 'learningRate' | 'trains' | 'distill'>;

export interface TailRankOptions extends Shared, Partial<Chosen> {
  /** Law of the rank that is kept. Default geometric, p .2, from 1. */
  readonly sampler?: SamplerOptions;
  /** Default: until about 50 n draws cut the rank (see schedule). */
  readonly epochs?: number;
  /** The frozen original that is distilled from. Default: the model that is factored. */
  readonly original?: ModelGraph;
}

export const TAIL_RANK_DEFAULTS = {
  sampler: { sampler: 'geometric', p: 0.2, kMin: 1 },
  batchSize: 128,
  learningRate: 2e-3,
  trains: 'all',
  distill: true,
} as const;

export interface TailRank {
  /** The factored, retrained model; its kernel is two layers, whose inner features are the group. The caller disposes it. */
  readonly graph: ModelGraph;
  /** Name of the inner features' group: the first k of its n features are the layer at rank k, whatever k. */
  readonly group: string;
  readonly history: readonly EpochRecord[];
}

/**
 * Orders the directions of one kernel by training: the kernel is factored at its full rank, centered (see factorModel), and TailDropout acts on
 * the inner features while the model is retrained. Nested dropout on a factored weight (Horváth et al. 2024, arXiv 2308.14929), started from a
 * basis that knows the data.
 *
 * Before the first step the curve over k is that of the basis exactly; the weights kept are those of the epoch with the lowest expected loss
 * over the ranks drawn, the start among them. The loss at full rank is not held fixed: what it rises is the tax, the point at k = n.
 *
 * @param graph the model whose kernel it is; not touched
 * @param basis where to start: `whitened` or `kfac`
 * @throws UsageError for a kernel of rank 1, and where the sampler's law does not exist at n; TrainingError where training diverges
 */
export async function tailRank(graph: ModelGraph, basis: RankBasis, options: TailRankOptions): Promise<TailRank> {
  if (basis.n < 2) throw new UsageError(`Layer "${basis.layer}" has one direction only: there is nothing to order.`);
  const factored = readGraph(factorLayer(graph, basis, basis.n, { centered: true }));
  try {
    const group = innerGroup(factored, basis);
    const history = await retrain(factored, planFor(graph, group, options));
    return { graph: factored, group: group.name, history };
  } catch (error) {
    disposeModel(factored.model);
    throw error;
  }
}

/** What the second of the two layers reads. */
function innerGroup({ program, groups }: ModelGraph, { layer }: RankBasis): WidthGroup {
  const second = program.steps.find(({ name }) => name === layer)!;
  const first = program.steps.find(({ outputs }) => outputs.includes(second.inputs[0]))!;
  return groups.find(({ producers }) => producers.length === 1 && producers[0] === first.name)!;
}

function planFor(graph: ModelGraph, group: WidthGroup, options: TailRankOptions): RetrainOptions {
  const { sampler: law = TAIL_RANK_DEFAULTS.sampler, epochs, original = graph, ...rest } = options;
  const sampler = samplerFor([group], law);
  const batchSize = rest.batchSize ?? TAIL_RANK_DEFAULTS.batchSize;
  return {
    ...TAIL_RANK_DEFAULTS,
    ...rest,
    original,
    groups: [group.name],
    sampler,
    schedule: schedule({
      examples: rest.train.size,
      batchSize,
      widest: group.n,
      truncated: expectedTruncatedDraws(sampler(group.n), group.n, 1),
      ...(epochs === undefined ? {} : { epochs }),
    }),
  };
}
