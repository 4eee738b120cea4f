import { subSplit } from '../data/split.js';
import type { Split } from '../data/types.js';
import { createRandom, deriveSeed } from '../random/index.js';

/** Share of the train rows held back to choose the epoch, and the most it may be. */
const HELD_SHARE = 0.1;
const MOST_HELD = 2000;

/**
 * A seeded tenth of the train rows, at most 2,000, chooses the epoch and is not trained on. Rows of one `groupBy` group may stand on both
 * sides, so that the epoch chosen leans late; select and report hold whole groups of their own.
 */
export function holdBack(split: Split, seed: number): { readonly train: Split; readonly held: Split } {
  const order = createRandom(deriveSeed(seed, 'held-back')).permutation(split.size);
  const held = Math.max(1, Math.min(MOST_HELD, Math.round(split.size * HELD_SHARE)));
  return {
    train: subSplit(split, order.slice(held).sort()),
    held: subSplit(split, order.slice(0, held).sort()),
  };
}
