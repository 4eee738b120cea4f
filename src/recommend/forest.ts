import type { CostTables } from './cost-tables.js';

/** A forest of coupled variables: every variable before its children. */
export interface Forest {
  readonly order: readonly number[];
  readonly children: readonly (readonly number[])[];
  readonly roots: readonly number[];
}

/** The couplings as a forest, rooted at ends so that a path has one child everywhere. Undefined where there is a ring. */
export function forestOf({ pairs }: Pick<CostTables, 'pairs'>): Forest | undefined {
  const seen = new Set<number>();
  const children: number[][] = pairs.map(() => []);
  const order: number[] = [];
  const roots: number[] = [];
  const byDegree = pairs.map((_, i) => i).sort((a, b) => pairs[a].size - pairs[b].size || a - b);
  for (const root of byDegree) {
    if (seen.has(root)) continue;
    roots.push(root);
    const open: [number, number][] = [[root, -1]];
    seen.add(root);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [variable, parent] = next;
      order.push(variable);
      for (const other of pairs[variable].keys()) {
        if (other === parent) continue;
        if (seen.has(other)) return undefined;
        seen.add(other);
        children[variable].push(other);
        open.push([other, variable]);
      }
    }
  }
  return { order, children, roots };
}

/** Minimal costs by variable: best[option * (buckets + 1) + b], the subtree's cost where its rises take at most b buckets. */
interface Node {
  readonly best: Float64Array;
  /** Per child, in order: the option it takes and the buckets it gets, same index as `best`. */
  readonly taken: { readonly child: number; readonly option: Uint16Array; readonly buckets: Uint16Array }[];
}

/**
 * Exact but for rounding the rises up to buckets: the cheapest choice for every share b / buckets of the budget.
 *
 * @param steps rise of every option in buckets, by variable; larger than `buckets`: not to be had
 * @returns per b the option of every variable, or undefined where nothing fits; the same array where b changes nothing.
 */
export function solveForest(
  tables: CostTables,
  forest: Forest,
  steps: readonly ArrayLike<number>[],
  buckets: number,
): (Int32Array | undefined)[] {
  const nodes: Node[] = [];
  for (const variable of forest.order.toReversed()) {
    nodes[variable] = nodeOf(tables, nodes, { variable, children: forest.children[variable], steps, buckets });
  }
  const root = joinRoots(tables, nodes, forest.roots, buckets);
  const found: (Int32Array | undefined)[] = [];
  for (let b = 0; b <= buckets; b++) {
    if (!Number.isFinite(root.best[b])) found.push(undefined);
    else if (b > 0 && root.best[b] === root.best[b - 1]) found.push(found[b - 1]);
    else found.push(trace(nodes, root, { b, buckets, variables: tables.own.length }));
  }
  return found;
}

interface At {
  readonly variable: number;
  readonly children: readonly number[];
  readonly steps: readonly ArrayLike<number>[];
  readonly buckets: number;
}

function nodeOf(tables: CostTables, nodes: readonly Node[], { variable, children, steps, buckets }: At): Node {
  const own = tables.own[variable];
  const width = buckets + 1;
  let best = new Float64Array(own.length * width).fill(Number.POSITIVE_INFINITY);
  for (let o = 0; o < own.length; o++) {
    for (let b = steps[variable][o]; b <= buckets; b++) best[o * width + b] = own[o];
  }
  const taken: Node['taken'] = [];
  children.forEach((child, i) => {
    const offer = offerOf(tables, nodes[child], { variable, child, buckets });
    const option = new Uint16Array(best.length);
    const parts = new Uint16Array(best.length);
    const joined = new Float64Array(best.length).fill(Number.POSITIVE_INFINITY);
    for (let o = 0; o < own.length; o++) {
      // before the first child the node's cost is flat from its own step on: the child gets all the rest
      if (i === 0) giveRest(o, steps[variable][o]);
      else convolve(best, offer.cost, { o, width, joined, parts });
      for (let b = 0; b < width; b++) option[o * width + b] = offer.option[o * width + parts[o * width + b]];
    }
    best = joined;
    taken.push({ child, option, buckets: parts });

    function giveRest(o: number, step: number): void {
      for (let b = step; b < width; b++) {
        joined[o * width + b] = own[o] + offer.cost[o * width + b - step];
        parts[o * width + b] = b - step;
      }
    }
  });
  return { best, taken };
}

/** What a child costs under each option of its parent, and which option it then takes. */
function offerOf(
  tables: CostTables,
  node: Node,
  { variable, child, buckets }: { variable: number; child: number; buckets: number },
): { cost: Float64Array; option: Uint16Array } {
  const [mine, theirs] = [tables.own[variable].length, tables.own[child].length];
  const table = tables.pairs[variable].get(child)!;
  const width = buckets + 1;
  const cost = new Float64Array(mine * width).fill(Number.POSITIVE_INFINITY);
  const option = new Uint16Array(mine * width);
  for (let o = 0; o < mine; o++) {
    for (let c = 0; c < theirs; c++) {
      const both = table[o * theirs + c];
      for (let b = 0; b < width; b++) {
        const value = node.best[c * width + b] + both;
        if (value < cost[o * width + b]) {
          cost[o * width + b] = value;
          option[o * width + b] = c;
        }
      }
    }
  }
  return { cost, option };
}

interface Joining {
  readonly o: number;
  readonly width: number;
  readonly joined: Float64Array;
  readonly parts: Uint16Array;
}

/** Least sum for every way to share b buckets: joined[b] = min over p of best[b - p] + offer[p]. */
function convolve(best: Float64Array, offer: Float64Array, { o, width, joined, parts }: Joining): void {
  const at = o * width;
  for (let p = 0; p < width; p++) {
    // costs never rise with buckets: a share that buys nothing is not worth trying
    if (!Number.isFinite(offer[at + p]) || (p > 0 && offer[at + p] === offer[at + p - 1])) continue;
    for (let b = p; b < width; b++) {
      const value = best[at + b - p] + offer[at + p];
      if (value < joined[at + b]) {
        joined[at + b] = value;
        parts[at + b] = p;
      }
    }
  }
}

interface Roots {
  readonly best: Float64Array;
  /** Per root: its option and its buckets, by the buckets of the roots up to it. */
  readonly taken: Node['taken'];
}

function joinRoots(tables: CostTables, nodes: readonly Node[], roots: readonly number[], buckets: number): Roots {
  const width = buckets + 1;
  let best = new Float64Array(width);
  const taken: Node['taken'] = [];
  for (const root of roots) {
    const offer = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    const choice = new Uint16Array(width);
    for (let o = 0; o < tables.own[root].length; o++) {
      for (let b = 0; b < width; b++) {
        if (nodes[root].best[o * width + b] < offer[b]) {
          offer[b] = nodes[root].best[o * width + b];
          choice[b] = o;
        }
      }
    }
    const joined = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    const parts = new Uint16Array(width);
    convolve(best, offer, { o: 0, width, joined, parts });
    taken.push({ child: root, option: parts.map((p) => choice[p]), buckets: parts });
    best = joined;
  }
  return { best, taken };
}

interface Tracing {
  readonly b: number;
  readonly buckets: number;
  readonly variables: number;
}

function trace(nodes: readonly Node[], root: Roots, { b, buckets, variables }: Tracing): Int32Array {
  const width = buckets + 1;
  const chosen = new Int32Array(variables);
  const open: [number, number, number][] = [];
  let left = b;
  for (const { child, option, buckets: parts } of root.taken.toReversed()) {
    open.push([child, option[left], parts[left]]);
    left -= parts[left];
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [variable, o, given] = next;
    chosen[variable] = o;
    let rest = given;
    for (const { child, option, buckets: parts } of nodes[variable].taken.toReversed()) {
      const index = o * width + rest;
      open.push([child, option[index], parts[index]]);
      rest -= parts[index];
    }
  }
  return chosen;
}
