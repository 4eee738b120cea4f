import { RANK_BASES, UNIT_BASES } from '../bases/index.js';
import { UsageError } from '../errors.js';
import type { Session } from './session.js';

/** Directions of a kernel that TailDropout ordered: a retraining of its own a kernel. */
export const TAIL_RANK = 'tail-rank';

/** Every basis that a comparison measures unless told otherwise. */
export const ALL_BASES: readonly string[] = [...UNIT_BASES, ...RANK_BASES, TAIL_RANK];

/**
 * The bases that a run asks for, checked. Where none is named and `mode` leaves none of the defaults, the rank bases are meant.
 *
 * @throws UsageError for an unknown name, and where `mode` leaves none
 */
export function basesOf({ options }: Session, defaults: readonly string[]): readonly string[] {
  const isRankOnly = options.mode === 'rank' && !defaults.some(isRank);
  const asked = options.bases ?? (isRankOnly ? RANK_BASES : defaults);
  const odd = asked.find((name) => !ALL_BASES.includes(name));
  if (odd !== undefined) throw unknownBasis(odd);
  const left = asked
    .filter((name) => options.mode === 'both' || isRank(name) === (options.mode === 'rank'))
    .filter((name) => name !== TAIL_RANK || options.retrain);
  if (left.length === 0 && !options.retrain && asked.includes(TAIL_RANK)) {
    throw new UsageError('The basis tail-rank is made by retraining, and --no-retrain leaves no other.', {
      hint: 'Leave --no-retrain out, or name other bases with --bases.',
    });
  }
  if (left.length === 0) {
    throw new UsageError(`--mode ${options.mode} leaves none of the bases ${asked.join(', ')}.`, {
      hint: 'Name others with --bases.',
    });
  }
  return left;
}

function unknownBasis(name: string): UsageError {
  return new UsageError(`There is no basis "${name}".`, { hint: `Bases are ${ALL_BASES.join(', ')}.` });
}

/** Whether a basis is of the original's kernels alone, whatever retraining made. */
export function isOfOriginal(name: string): boolean {
  return RANK_BASES.some((known) => known === name);
}

function isRank(name: string): boolean {
  return name === TAIL_RANK || isOfOriginal(name);
}
