import { tableCost, type CostTables } from './cost-tables.js';
import { forestOf, solveForest } from './forest.js';
import { polish, solveLagrange, type Priced } from './lagrange.js';
import type { Option } from './space.js';

/** One option per variable that the single curves say is within a budget. */
export interface Allocation {
  readonly options: readonly Option[];
  readonly cost: number;
  /** Sum of the single curves' rises. */
  readonly rise: number;
}

/** The budget is cut into this many steps; rises are rounded up to them. */
const BUCKETS = 400;

/**
 * The cheapest choices whose single curves add up to no more than the budget, for growing shares of it: exact up to the buckets where the
 * groups that share terms of the cost form a forest (dynamic programming), else by Lagrangian search.
 *
 * @param budget rise over the same weights at full width
 * @param isOpen leaves options out, by variable
 * @returns from dear to cheap, the last for the whole budget; empty where even the least narrowed choice is too much.
 */
export function allocations(
  whole: CostTables,
  budget: number,
  isOpen: (option: Option, variable: number) => boolean = () => true,
): readonly Allocation[] {
  const open = whole.options.map((options, i) => [...options.keys()].filter((o) => isOpen(options[o], i)));
  if (open.some(({ length }) => length === 0)) return [];
  const tables = restrict(whole, open);
  const all = tables.options.map((options) => Float64Array.from(options, ({ rise }) => rise));
  // what no choice avoids (a pinned group) is not for sale
  const fixed = all.reduce((sum, rises) => sum + Math.min(...rises), 0);
  const left = budget - fixed;
  if (!(left >= 0)) return [];
  const rises = all.map((mine) => mine.map((rise) => rise - Math.min(...mine)));
  const pruned = prune(tables, rises, left);
  const kept = pruned.map((indices, i) => Float64Array.from(indices, (o) => rises[i][o]));
  const small = restrict(tables, pruned);
  const found = solve(small, kept, left).map(({ chosen, cost, rise }): Allocation & { chosen: Int32Array } => ({
    options: small.options.map((options, i) => options[chosen[i]]),
    cost,
    rise: rise + fixed,
    chosen,
  }));
  return frontier(found);
}

function solve(tables: CostTables, rises: readonly Float64Array[], budget: number): Priced[] {
  const priced = (chosen: Int32Array): Priced => ({
    chosen,
    cost: tableCost(tables, chosen),
    rise: chosen.reduce((sum, o, i) => sum + rises[i][o], 0),
  });
  const forest = forestOf(tables);
  if (forest === undefined) {
    const found = solveLagrange(tables, rises, budget);
    return [...found, ...found.slice(-4).map(({ chosen }) => priced(polish(tables, rises, chosen, budget)))];
  }
  const steps = rises.map((mine) => mine.map((rise) => (rise === 0 ? 0 : Math.ceil((rise / budget) * BUCKETS))));
  const choices = [...new Set(solveForest(tables, forest, steps, BUCKETS))].filter((chosen) => chosen !== undefined);
  const last = choices.at(-1);
  return [...choices, ...(last === undefined ? [] : [polish(tables, rises, last, budget)])].map(priced);
}

/** From dear to cheap, without those that cost no less at no smaller a rise. */
function frontier(found: readonly Allocation[]): Allocation[] {
  const byCost = [...found].sort((a, b) => a.cost - b.cost || a.rise - b.rise);
  const kept: Allocation[] = [];
  for (const one of byCost) if (kept.length === 0 || one.rise < kept.at(-1)!.rise) kept.push(one);
  return kept.reverse();
}

/** Indices of the options worth keeping: within the budget, and not beaten by another whatever the coupled variables do. */
function prune(tables: CostTables, rises: readonly Float64Array[], budget: number): number[][] {
  const within = rises.map((mine) => [...mine.keys()].filter((o) => mine[o] <= budget));
  return within.map((indices, i) => {
    const kept: number[] = [];
    const order = [...indices].sort(
      (a, b) => rises[i][a] - rises[i][b] || tables.own[i][a] - tables.own[i][b] || a - b,
    );
    for (const o of order) if (!kept.some((better) => beats(tables, within, i, better, o))) kept.push(o);
    return kept.sort((a, b) => a - b);
  });
}

function beats(tables: CostTables, within: readonly number[][], i: number, better: number, worse: number): boolean {
  let dearer = tables.own[i][better] - tables.own[i][worse];
  for (const [j, table] of tables.pairs[i]) {
    const width = tables.own[j].length;
    let most = Number.NEGATIVE_INFINITY;
    for (const c of within[j]) most = Math.max(most, table[better * width + c] - table[worse * width + c]);
    dearer += most;
  }
  return dearer <= 0;
}

function restrict(tables: CostTables, kept: readonly number[][]): CostTables {
  return {
    base: tables.base,
    options: kept.map((indices, i) => indices.map((o) => tables.options[i][o])),
    own: kept.map((indices, i) => Float64Array.from(indices, (o) => tables.own[i][o])),
    pairs: tables.pairs.map((partners, i) => {
      const mapped = new Map<number, Float64Array>();
      for (const [j, table] of partners) {
        const width = tables.own[j].length;
        mapped.set(j, Float64Array.from(kept[i].flatMap((o) => kept[j].map((c) => table[o * width + c]))));
      }
      return mapped;
    }),
  };
}
