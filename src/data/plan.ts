import { DataError, UsageError } from '../errors.js';
import type { RawPart, RawParts } from './raw.js';
import type { Shares } from './spec.js';

export type Role = 'train' | 'select' | 'report';
export const ROLES: readonly Role[] = ['train', 'select', 'report'];

/** Which part becomes which split; parts by their place in the list. */
export interface Plan {
  /** Splits that are a whole part. */
  readonly given: ReadonlyMap<Role, number>;
  /** A part that is cut into several splits. */
  readonly cut?: { readonly part: number; readonly roles: readonly Role[]; readonly shares: readonly number[] };
}

const THIRDS: Shares = [0.6, 0.2, 0.2];
const HALVES: Shares = [0, 0.5, 0.5];

/**
 * Decides what becomes of the parts that a file or folder holds: a single part is cut (60/20/20, or 0/50/50 without retraining);
 * beside a train part, held-out examples without a split of their own are halved into select and report.
 *
 * @param shares as asked for, if any
 * @throws UsageError when shares are asked for though the data brings its own splits; DataError without train examples to retrain on
 */
export function planSplits(
  parts: RawParts,
  shares: Shares | undefined,
  retrain: boolean,
): { plan: Plan; list: readonly RawPart[] } {
  const { whole, train, select, report, test } = parts;
  const heldOut = [select, report, test].filter((part) => part !== undefined);
  const single = whole ?? (train === undefined && heldOut.length === 1 ? heldOut[0] : undefined);
  const only = single ?? (heldOut.length === 0 ? train : undefined);
  if (only !== undefined) return { plan: { given: new Map(), cut: cutWhole(shares, retrain) }, list: [only] };

  if (shares !== undefined) {
    throw new UsageError('A split was asked for, but the data brings its own train and held-out examples.', {
      hint: 'Leave the split out.',
    });
  }
  if (retrain && train === undefined) {
    throw new DataError('The data has held-out examples but none to train on.', {
      hint: 'Add train examples, or measure without retraining.',
    });
  }
  const list: RawPart[] = [];
  const given = new Map<Role, number>();
  const give = (role: Role, part: RawPart): void => void given.set(role, list.push(part) - 1);
  if (train !== undefined) give('train', train);
  const [first, second] = [select ?? (report === undefined ? undefined : test), report ?? test];
  if (first !== undefined && second !== undefined) {
    give('select', first);
    give('report', second);
    return { plan: { given }, list };
  }
  const halved = heldOut[0];
  const part = list.push(halved) - 1;
  return { plan: { given, cut: { part, roles: ['select', 'report'], shares: [0.5, 0.5] } }, list };
}

function cutWhole(asked: Shares | undefined, retrain: boolean): Plan['cut'] {
  const shares = asked ?? (retrain ? THIRDS : HALVES);
  return { part: 0, roles: ['train', 'select', 'report'], shares };
}
