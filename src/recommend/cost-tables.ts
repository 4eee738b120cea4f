import type { Planner } from './plan.js';
import type { Option, Space } from './space.js';

/** The cost taken apart: cost = base + sum of own + sum over coupled pairs, exact where no three groups meet in one term. */
export interface CostTables {
  /** Options in play, by variable. */
  readonly options: readonly (readonly Option[])[];
  /** Cost with every variable at its first option. */
  readonly base: number;
  /** Change of the cost when one variable takes an option. */
  readonly own: readonly Float64Array[];
  /** By variable, its coupled ones: what both together change beyond their own, table[mine * theirs.length + theirs]. */
  readonly pairs: readonly ReadonlyMap<number, Float64Array>[];
}

/** Shares of the base cost below this are rounding. */
const ROUNDING = 1e-10;

/**
 * Finds by inclusion and exclusion which groups share terms of the cost. Costs of widths are products of sizes, so that the tables are
 * filled by bilinear pieces, each checked at five inner points and cut in four where it is not one piece.
 */
export function costTables(planner: Planner, space: Space): CostTables {
  const options = space.variables.map((variable) => variable.options);
  const first = options.map(([option]) => option);
  const changed = (changes: readonly (readonly [number, Option])[]): number => {
    const plan = [...first];
    for (const [i, option] of changes) plan[i] = option;
    return planner.value(space, plan);
  };
  const base = planner.value(space, first);
  const own = options.map((mine, i) => Float64Array.from(mine, (option) => changed([[i, option]]) - base));
  const joint = (i: number, a: number, j: number, b: number): number =>
    changed([
      [i, options[i][a]],
      [j, options[j][b]],
    ]) -
    base -
    own[i][a] -
    own[j][b];
  const isTerm = (value: number): boolean => Math.abs(value) > ROUNDING * Math.abs(base);
  const pairs = options.map(() => new Map<number, Float64Array>());
  for (const [i, j] of coupledPairs(options, { own, changed, isTerm })) {
    const table = fillTable(options[i], options[j], (a, b) => joint(i, a, j, b), isTerm);
    pairs[i].set(j, table);
    pairs[j].set(i, transposed(table, options[i].length, options[j].length));
  }
  return { options, base, own, pairs };
}

/** Cost of one option per variable, by index. */
export function tableCost({ base, own, pairs }: CostTables, chosen: ArrayLike<number>): number {
  let cost = base;
  for (let i = 0; i < own.length; i++) {
    cost += own[i][chosen[i]];
    for (const [j, table] of pairs[i]) if (j > i) cost += table[chosen[i] * own[j].length + chosen[j]];
  }
  return cost;
}

interface Probe {
  readonly own: readonly Float64Array[];
  readonly changed: (changes: readonly (readonly [number, Option])[]) => number;
  readonly isTerm: (value: number) => boolean;
}

/** Narrows one group and a whole set of others together; a set that shows no joint term has no partner in it, else it is halved. */
function coupledPairs(options: readonly (readonly Option[])[], { own, changed, isTerm }: Probe): [number, number][] {
  const least = options.map(narrowest);
  const rounds = Math.max(...least.map(({ length }) => length));
  const memo = new Map<string, number>();
  const others = (round: number, from: number, to: number): [number, Option][] =>
    options.slice(from, to).map((theirs, j) => [from + j, theirs[least[from + j][round % least[from + j].length]]]);
  const alone = (round: number, from: number, to: number): number => {
    const key = `${round} ${from} ${to}`;
    const value = memo.get(key) ?? changed(others(round, from, to));
    memo.set(key, value);
    return value;
  };
  const found: [number, number][] = [];
  const search = (i: number, a: number, round: number, from: number, to: number): void => {
    if (from >= to || (to - from === 1 && found.some(([x, y]) => x === i && y === from))) return;
    const both = changed([[i, options[i][a]], ...others(round, from, to)]);
    if (!isTerm(both - alone(round, from, to) - own[i][a])) return;
    if (to - from === 1) {
      found.push([i, from]);
      return;
    }
    const middle = (from + to) >> 1;
    search(i, a, round, from, middle);
    search(i, a, round, middle, to);
  };
  for (let i = 0; i < options.length; i++) {
    for (const a of least[i]) for (let round = 0; round < rounds; round++) search(i, a, round, i + 1, options.length);
  }
  return found;
}

/** Index of each family's narrowest option; the whole where there is nothing else. */
function narrowest(options: readonly Option[]): number[] {
  const indices = options.flatMap(({ family }, i) => (family >= 0 && options[i - 1]?.family !== family ? [i] : []));
  return indices.length > 0 ? indices : [0];
}

type Joint = (a: number, b: number) => number;

function fillTable(
  mine: readonly Option[],
  theirs: readonly Option[],
  joint: Joint,
  isTerm: (v: number) => boolean,
): Float64Array {
  const table = new Float64Array(mine.length * theirs.length).fill(Number.NaN);
  const at = (a: number, b: number): number => {
    const index = a * theirs.length + b;
    if (Number.isNaN(table[index])) table[index] = joint(a, b);
    return table[index];
  };
  for (const rows of runs(mine)) for (const columns of runs(theirs)) fillPiece(rows, columns);
  return table;

  function fillPiece([a0, a1]: readonly [number, number], [b0, b1]: readonly [number, number]): void {
    const corners = [at(a0, b0), at(a0, b1), at(a1, b0), at(a1, b1)];
    if (a1 - a0 < 2 && b1 - b0 < 2) return;
    const bilinear = (a: number, b: number): number => {
      const [s, t] = [share(mine, a0, a1, a), share(theirs, b0, b1, b)];
      return (1 - s) * ((1 - t) * corners[0] + t * corners[1]) + s * ((1 - t) * corners[2] + t * corners[3]);
    };
    const [a, b] = [(a0 + a1) >> 1, (b0 + b1) >> 1];
    const inner: [number, number][] = [
      [a, b],
      [a0, b],
      [a1, b],
      [a, b0],
      [a, b1],
    ];
    if (inner.every(([x, y]) => !isTerm(at(x, y) - bilinear(x, y)))) {
      for (let x = a0; x <= a1; x++) {
        for (let y = b0; y <= b1; y++) table[x * theirs.length + y] = bilinear(x, y);
      }
      return;
    }
    for (const rows of halves(a0, a, a1)) for (const columns of halves(b0, b, b1)) fillPiece(rows, columns);
  }
}

/** Stretches of options of one family, first and last index. */
function runs(options: readonly Option[]): [number, number][] {
  const found: [number, number][] = [];
  options.forEach(({ family }, i) => {
    const last = found.at(-1);
    if (last !== undefined && options[last[0]].family === family) last[1] = i;
    else found.push([i, i]);
  });
  return found;
}

function halves(from: number, middle: number, to: number): [number, number][] {
  if (to - from < 2) return [[from, to]];
  return [
    [from, middle],
    [middle, to],
  ];
}

function share(options: readonly Option[], from: number, to: number, i: number): number {
  const span = options[to].group.k - options[from].group.k;
  return span === 0 ? 0 : (options[i].group.k - options[from].group.k) / span;
}

function transposed(table: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(table, (_, i) => table[(i % rows) * columns + Math.floor(i / rows)]);
}
