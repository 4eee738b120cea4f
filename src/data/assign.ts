import { DataError, UsageError } from '../errors.js';
import { createRandom, deriveSeed } from '../random/index.js';
import { cutRows } from './cut.js';
import { cutGroups } from './groups.js';
import type { Plan, Role } from './plan.js';
import { ROLES } from './plan.js';
import type { RawPart } from './raw.js';
import type { Targets } from './target.js';
import { isStoredTarget } from './target-scan.js';

/** Fewer examples in a split say nothing. */
const MIN_ROWS = 10;

/** Rows of one of the listed parts, per split; a split without rows is absent. */
export type Assigned = Partial<Record<Role, { readonly part: number; readonly rows: Int32Array }>>;

/** What rows of the part that is cut are grouped by. */
export interface Groups {
  readonly groupBy: string;
  /** Group of each row; absent: nothing is cut. */
  readonly codes?: Int32Array;
}

/** Carries out a plan: given splits in file order, cut ones by the seed, stratified where the target has classes, whole groups together. */
export function cutPlan(
  plan: Plan,
  list: readonly RawPart[],
  targets: Targets | undefined,
  seed: number,
  groups?: Groups,
): { rows: Assigned; notes: string[] } {
  const assigned: Assigned = {};
  const notes: string[] = [];
  for (const [role, part] of plan.given) {
    assigned[role] = { part, rows: Int32Array.from({ length: list[part].inputs[0].shape[0] }, (_, row) => row) };
  }
  if (plan.cut !== undefined) {
    const { part, roles, shares } = plan.cut;
    const strata = targets === undefined ? undefined : strataOf(targets, part);
    const codes = groups?.codes;
    const pieces =
      codes === undefined
        ? cutRows(list[part].inputs[0].shape[0], shares, strata, seed)
        : cutGroups(codes, shares, strata, seed);
    for (const [index, role] of roles.entries()) {
      if (shares[index] > 0) assigned[role] = { part, rows: pieces[index] };
    }
    const shown = shares.map((share) => Number((100 * share).toFixed(2))).join('/');
    const what = roles.length === 3 ? '' : `held-out examples `;
    const into = roles.length === 3 ? '' : ` into ${roles.join(' and ')}`;
    const classes = strata === undefined ? '' : ', stratified by class';
    const together = codes === undefined ? '' : `, whole groups of ${groups?.groupBy} together`;
    notes.push(`${what}cut ${shown}${into} by seed ${seed}${classes}${together}`);
  }
  if (groups?.codes === undefined && groups !== undefined) {
    notes.push(`groupBy ${groups.groupBy} changes nothing: the data brings its own splits`);
  } else if (groups !== undefined) notes.push('standard errors count rows as independent, not groups');
  return { rows: assigned, notes };
}

/**
 * At most so many rows of each split, drawn by the seed; those of a smaller one stay as they are.
 *
 * @throws UsageError where `examples` is not a whole number of at least 1
 */
export function drawRows(rows: Assigned, examples: number, seed: number): { rows: Assigned; notes: string[] } {
  if (!Number.isInteger(examples) || examples < 1) {
    throw new UsageError(`The most examples of a split must be a whole number of at least 1, got ${examples}.`);
  }
  const drawn: Assigned = { ...rows };
  for (const role of ROLES) {
    const entry = rows[role];
    if (entry === undefined || entry.rows.length <= examples) continue;
    const order = createRandom(deriveSeed(seed, 'examples', role)).permutation(entry.rows.length);
    drawn[role] = { ...entry, rows: order.slice(0, examples).map((at) => entry.rows[at]) };
  }
  const counts = ROLES.flatMap((role) => {
    const [from, to] = [rows[role]?.rows.length ?? 0, drawn[role]?.rows.length ?? 0];
    return to < from ? [`${to} of ${from} ${role}`] : [];
  });
  return { rows: drawn, notes: counts.length === 0 ? [] : [`${counts.join(', ')} examples drawn by seed ${seed}`] };
}

/** Class of each row, where the target has classes. */
function strataOf(targets: Targets, part: number): Int32Array | undefined {
  const target = targets.arrays[part];
  if (isStoredTarget(target))
    return targets.kind === 'onehot' && target.shape.length === 2 ? target.classes : undefined;
  const { shape, values } = target;
  if (targets.kind === 'classes' || (targets.kind === 'binary' && values.length === shape[0]))
    return Int32Array.from(values);
  if (targets.kind !== 'onehot' || shape.length !== 2) return undefined;
  const units = shape[1];
  return Int32Array.from({ length: shape[0] }, (_, row) => {
    const shares = values.subarray(row * units, (row + 1) * units);
    return shares.indexOf(Math.max(...shares));
  });
}

/** Throws DataError when a split that will be used has fewer than 10 examples. */
export function checkSizes(rows: Assigned, retrain: boolean): void {
  for (const role of ROLES) {
    if (role === 'train' && !retrain) continue;
    const size = rows[role]?.rows.length ?? 0;
    if (size >= MIN_ROWS) continue;
    const all = new Set(Object.values(rows).map((entry) => entry.part)).size === 1;
    const total = Object.values(rows).reduce((sum, entry) => sum + entry.rows.length, 0);
    throw new DataError(
      `There ${size === 1 ? 'is' : 'are'} ${size} example${size === 1 ? '' : 's'} in the ${role} split, expected at least ${MIN_ROWS}.`,
      { hint: all ? `The data has ${total} examples in all.` : undefined },
    );
  }
}
