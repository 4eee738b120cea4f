import { tableCost, type CostTables } from './cost-tables.js';

export interface Priced {
  readonly chosen: Int32Array;
  readonly cost: number;
  readonly rise: number;
}

const BISECTIONS = 24;
const SWEEPS = 20;

/**
 * For couplings with rings: least cost + mu x rise by coordinate descent, mu bisected until the budget is met (Everett, 1963). Not exact:
 * coordinate descent may stop at a local optimum, and choices off the lower hull are out of reach; {@link polish} takes some of that back.
 *
 * @returns every choice met whose rise is within the budget; none where even the least rises are too much.
 */
export function solveLagrange(tables: CostTables, rises: readonly ArrayLike<number>[], budget: number): Priced[] {
  const priced = (chosen: Int32Array): Priced => ({
    chosen,
    cost: tableCost(tables, chosen),
    rise: chosen.reduce((sum, o, i) => sum + rises[i][o], 0),
  });
  const least = Int32Array.from(rises, (mine) => indexOfLeast(mine));
  const cheapest = Int32Array.from(tables.own, (mine) => indexOfLeast(mine));
  const found = [priced(least)];
  let [low, high] = [0, scaleOf(tables, budget)];
  for (let i = 0; i < BISECTIONS; i++) {
    // mu spans many orders of magnitude
    const mu = i === 0 ? 0 : low === 0 ? high / 2 ** (4 * i) : Math.sqrt(low * high);
    const starts = [least, cheapest, found.at(-1)!.chosen].map((start) => descend(tables, rises, start, mu));
    const best = starts.map(priced).reduce((a, b) => (b.cost + mu * b.rise < a.cost + mu * a.rise ? b : a));
    found.push(best);
    if (best.rise <= budget) high = mu;
    else low = mu;
    if (mu === 0 && best.rise <= budget) break;
  }
  return found.filter(({ rise }) => rise <= budget);
}

/** Takes, as long as any does, the change of one or two options that saves most within the budget. */
export function polish(
  tables: CostTables,
  rises: readonly ArrayLike<number>[],
  start: Int32Array,
  budget: number,
): Int32Array {
  const chosen = Int32Array.from(start);
  let rise = chosen.reduce((sum, o, i) => sum + rises[i][o], 0);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const move = bestSingle(tables, rises, { chosen, left: budget - rise });
    if (move === undefined) break;
    const [i, o] = move;
    rise += rises[i][o] - rises[i][chosen[i]];
    chosen[i] = o;
  }
  return chosen;
}

function bestSingle(
  tables: CostTables,
  rises: readonly ArrayLike<number>[],
  { chosen, left }: { chosen: Int32Array; left: number },
): [number, number] | undefined {
  let [best, saved]: [[number, number] | undefined, number] = [undefined, 0];
  for (let i = 0; i < chosen.length; i++) {
    const now = localCost(tables, chosen, i, chosen[i]);
    for (let o = 0; o < rises[i].length; o++) {
      if (rises[i][o] - rises[i][chosen[i]] > left) continue;
      const saving = now - localCost(tables, chosen, i, o);
      if (saving > saved * (1 + 1e-12) + 1e-9) [best, saved] = [[i, o], saving];
    }
  }
  return best;
}

function descend(tables: CostTables, rises: readonly ArrayLike<number>[], start: Int32Array, mu: number): Int32Array {
  const chosen = Int32Array.from(start);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let isChanged = false;
    for (let i = 0; i < chosen.length; i++) {
      let [best, least] = [chosen[i], localCost(tables, chosen, i, chosen[i]) + mu * rises[i][chosen[i]]];
      for (let o = 0; o < rises[i].length; o++) {
        const value = localCost(tables, chosen, i, o) + mu * rises[i][o];
        if (value < least - 1e-12 * Math.abs(least)) [best, least] = [o, value];
      }
      isChanged ||= best !== chosen[i];
      chosen[i] = best;
    }
    if (!isChanged) break;
  }
  return chosen;
}

/** The part of the cost that variable i has a hand in, at option o. */
function localCost(tables: CostTables, chosen: Int32Array, i: number, o: number): number {
  let cost = tables.own[i][o];
  for (const [j, table] of tables.pairs[i]) cost += table[o * tables.own[j].length + chosen[j]];
  return cost;
}

/** A price of rise so high that nothing is worth any of it. */
function scaleOf(tables: CostTables, budget: number): number {
  return (1e9 * Math.max(1, Math.abs(tables.base))) / Math.max(budget, Number.MIN_VALUE * 1e20);
}

function indexOfLeast(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[best]) best = i;
  return best;
}
