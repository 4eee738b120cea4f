import { chunks, outputsOf } from '../evaluate/forward.js';
import { masking } from '../evaluate/masks.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import { judge } from '../objective/judge.js';
import { mean } from '../objective/stats.js';
import { createRandom, deriveSeed } from '../random/index.js';
import type { RetrainOptions } from './retrain.js';

/**
 * Expected loss under the sampler on the held-back rows: each row with one drawn k a group, the SAME draws every epoch, so
 * that epochs differ by their weights alone. Without a sampler (the control) the loss at full width.
 */
export async function expectedLoss(
  graph: ModelGraph,
  groups: readonly WidthGroup[],
  { objective, held, original, sampler, seed, batchSize, pause }: RetrainOptions,
): Promise<number> {
  const losses = new Float64Array(held.size);
  for await (const { start, batch } of chunks(held, batchSize)) {
    await pause?.();
    const draw = ({ name, n }: WidthGroup): [string, Int32Array] => {
      const random = createRandom(deriveSeed(seed, 'held', name, start));
      return [name, sampler!(n).draw(n, batch.size, random)];
    };
    const masked = sampler === undefined ? undefined : masking(groups, new Map(groups.map(draw)));
    const outputs = await outputsOf(graph.program, batch, masked);
    const reference = objective.self ? await outputsOf(original.program, batch) : undefined;
    losses.set(judge(objective, outputs, batch.target, reference).loss, start);
  }
  return mean(losses);
}
