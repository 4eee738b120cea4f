import { UsageError } from '../errors.js';
import type { PlannedGroup } from '../records/types.js';
import type { RecommendOptions } from './options.js';
import { between, repairCurve, type RepairedCurve } from './repair.js';
import type { Candidate, CandidateCurve, PlanVariable } from './types.js';

type Constraints = Pick<RecommendOptions, 'roundTo' | 'min' | 'pin'>;

/** One way to treat one group. */
export interface Option {
  /** Tells it from the group's other options. */
  readonly key: string;
  readonly group: PlannedGroup;
  /** Index of its family, -1: whole. */
  readonly family: number;
  /** What it adds to the loss when all else is whole: repaired, >= 0. */
  readonly rise: number;
  /** The same as measured, a bump of the curve included: what is expected of a joint plan starts from it. */
  readonly raw: number;
  /** Standard error of the single curve's rise over the original. */
  readonly se: number;
}

/** Curves whose choices cost the same at the same k: units, units folded, or ranks of one kernel. */
export interface Family {
  /** Every k that may be chosen, ascending. */
  readonly ks: readonly number[];
  /** The k that planning starts from, ascending. */
  readonly grid: readonly number[];
  /** The best curve's option at k. */
  readonly at: (k: number) => Option;
}

export interface SpaceVariable {
  readonly name: string;
  readonly families: readonly Family[];
  /** Whole first where it may stay whole, then the families' grids. */
  readonly options: readonly Option[];
}

/** What may be chosen on one set of weights. */
export interface Space {
  readonly candidate: Candidate;
  readonly variables: readonly SpaceVariable[];
}

/** What no choice avoids, by group: the rise of a pinned width. */
export function unavoidable({ variables }: Space): readonly number[] {
  return variables.map(({ options }) => Math.min(...options.map(({ rise }) => rise)));
}

/** What all pinned widths cost together: no budget of a plan can do without it. */
export function forcedRise(space: Space): number {
  return unavoidable(space).reduce((sum, rise) => sum + rise, 0);
}

/** Planning sees this many k of a family. */
const MOST_OPTIONS = 32;

/**
 * @throws UsageError where `min` or `pin` name no group, lie outside 1..n, contradict each other, or pin a group that has no unit curve.
 */
export function spaceOf(candidate: Candidate, constraints: Constraints): Space {
  checkConstraints(candidate.variables, constraints);
  return { candidate, variables: candidate.variables.map((variable) => variableOf(candidate, variable, constraints)) };
}

function variableOf(candidate: Candidate, variable: PlanVariable, constraints: Constraints): SpaceVariable {
  const { name, n, curves } = variable;
  const whole = wholeOption(variable, candidate);
  const pinned = asked(constraints.pin, name);
  if (pinned === n) return { name, families: [], options: [whole] };
  if (pinned !== undefined) {
    const units = curves.filter(({ kind }) => kind === 'unit').map(memberOf);
    const family = familyOf(variable, units, [pinned], 0);
    return { name, families: [family], options: [family.at(pinned)] };
  }
  const families = familiesOf(curves.map(memberOf).filter(({ repaired }) => repaired.k.length > 1)).map(
    (members, i) => {
      const first = Math.min(...members.map(({ repaired }) => repaired.k[0]));
      const least = Math.max(first, asked(constraints.min, name) ?? 1);
      return familyOf(variable, members, multiples(least, members[0].curve.n, constraints.roundTo), i);
    },
  );
  return { name, families, options: [whole, ...families.flatMap(({ grid, at }) => grid.map(at))] };
}

function familyOf(
  { name }: PlanVariable,
  members: readonly Member[],
  allowed: readonly number[],
  index: number,
): Family {
  const made = new Map<number, Option>();
  const at = (k: number): Option => {
    const option = made.get(k) ?? bestAt(name, members, k, index);
    made.set(k, option);
    return option;
  };
  return { ks: allowed, grid: gridOf(allowed, new Set(members.flatMap(({ repaired }) => repaired.k))), at };
}

interface Member {
  readonly curve: CandidateCurve;
  readonly repaired: RepairedCurve;
}

function memberOf(curve: CandidateCurve): Member {
  const repaired = repairCurve(curve.points);
  // no finite point: nothing is known of it, the joint measurement tells
  return { curve, repaired: repaired.k.length > 0 ? repaired : { k: [curve.n], rise: [0], raw: [0], se: [0] } };
}

function bestAt(name: string, members: readonly Member[], k: number, family: number): Option {
  const covering = members.filter(({ repaired }) => repaired.k[0] <= k);
  let best: Option | undefined;
  for (const { curve, repaired } of covering.length > 0 ? covering : members) {
    const rise = between(repaired.k, repaired.rise, k);
    if (best !== undefined && best.rise <= rise) continue;
    const { basis, kind, layer, folded, n } = curve;
    const group: PlannedGroup = {
      name,
      ...(layer === undefined ? {} : { layer }),
      n,
      k,
      basis,
      kind,
      ...(folded === undefined ? {} : { folded }),
    };
    best = {
      key: `${family}/${basis}/${k}`,
      group,
      family,
      rise,
      raw: between(repaired.k, repaired.raw, k),
      se: between(repaired.k, repaired.se, k),
    };
  }
  return best!;
}

/** The group as it is. */
export function wholeOption({ name, n, curves }: PlanVariable, { full }: Candidate): Option {
  const basis = curves.find(({ kind }) => kind === 'unit')?.basis ?? 'tail';
  return { key: '', group: { name, n, k: n, basis, kind: 'unit' }, family: -1, rise: 0, raw: 0, se: full.deltaSe };
}

function familiesOf(members: readonly Member[]): Member[][] {
  const families = new Map<string, Member[]>();
  for (const member of members) {
    const { kind, layer, folded, n } = member.curve;
    const key = JSON.stringify([kind, kind === 'rank' ? (layer ?? '') : (folded ?? false), n]);
    families.set(key, [...(families.get(key) ?? []), member]);
  }
  return [...families.values()];
}

/** Multiples of `roundTo` from `least` up to, and without, n. */
function multiples(least: number, n: number, roundTo: number): number[] {
  const from = Math.ceil(least / roundTo);
  return Array.from({ length: Math.max(0, Math.ceil(n / roundTo) - from) }, (_, i) => (from + i) * roundTo);
}

/** At most `MOST_OPTIONS` of the k: the measured ones first, then what halves the widest gaps in log k. */
function gridOf(allowed: readonly number[], measured: ReadonlySet<number>): readonly number[] {
  if (allowed.length <= MOST_OPTIONS) return allowed;
  const seeds = allowed.filter((k) => measured.has(k));
  if (seeds.length >= MOST_OPTIONS) return spread(seeds);
  const chosen = new Set([allowed[0], ...seeds.slice(0, MOST_OPTIONS - 2), allowed[allowed.length - 1]]);
  while (chosen.size < MOST_OPTIONS) {
    const k = widestGap(
      allowed,
      [...chosen].sort((a, b) => a - b),
    );
    if (k === undefined) break;
    chosen.add(k);
  }
  return [...chosen].sort((a, b) => a - b);
}

function spread(ks: readonly number[]): number[] {
  return Array.from({ length: MOST_OPTIONS }, (_, i) => ks[Math.round((i * (ks.length - 1)) / (MOST_OPTIONS - 1))]);
}

function widestGap(allowed: readonly number[], chosen: readonly number[]): number | undefined {
  let [best, widest]: [number | undefined, number] = [undefined, 0];
  for (let i = 1; i < chosen.length; i++) {
    const inside = allowed.filter((k) => k > chosen[i - 1] && k < chosen[i]);
    const gap = Math.log(chosen[i] / chosen[i - 1]);
    if (inside.length > 0 && gap > widest) [best, widest] = [inside[inside.length >> 1], gap];
  }
  return best;
}

/** What a constraint must fit. */
export interface Constrained extends Pick<PlanVariable, 'name' | 'n'> {
  readonly curves: readonly Pick<CandidateCurve, 'kind'>[];
}

/**
 * @throws UsageError where `min` or `pin` name no group, lie outside 1..n, contradict each other, or pin a group that has no unit curve, and
 * for a `roundTo` that is no whole number.
 */
export function checkConstraints(variables: readonly Constrained[], { roundTo, min, pin }: Constraints): void {
  if (!Number.isInteger(roundTo) || roundTo < 1) {
    throw new UsageError(`Widths are rounded up to multiples of a whole number of at least 1, got ${roundTo}.`);
  }
  for (const [what, wanted] of [
    ['least width', min],
    ['pinned width', pin],
  ] as const) {
    for (const [name, k] of Object.entries(wanted)) {
      const variable = variables.find((candidate) => candidate.name === name);
      if (variable === undefined) {
        const names = variables.map((candidate) => `"${candidate.name}"`).join(', ');
        throw new UsageError(`There is no width group "${name}" to give a ${what}.`, {
          hint: `The groups are ${names}.`,
        });
      }
      if (!Number.isInteger(k) || k < 1 || k > variable.n) {
        throw new UsageError(`The ${what} of "${name}" must be a whole number from 1 to ${variable.n}, got ${k}.`);
      }
    }
  }
  for (const [name, k] of Object.entries(pin)) {
    const variable = variables.find((candidate) => candidate.name === name)!;
    if (k < variable.n && !variable.curves.some(({ kind }) => kind === 'unit')) {
      throw new UsageError(`"${name}" cannot be pinned at ${k} units: only the ranks of its kernel were measured.`, {
        hint: 'Leave it unpinned, or let its units be measured (--mode unit or both).',
      });
    }
    const least = asked(min, name) ?? 1;
    if (k < least) {
      throw new UsageError(`"${name}" is pinned at ${k} units, which is below its least width of ${least}.`);
    }
  }
}

/** A group may be called "constructor": what every object has by that name was not asked for. */
function asked(widths: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(widths, name) ? widths[name] : undefined;
}
