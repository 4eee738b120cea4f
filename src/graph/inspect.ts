import type { Cost, SkippedLayer } from '../records/types.js';
import type { ModelGraph } from './types.js';

export interface GroupFacts {
  readonly name: string;
  readonly n: number;
  readonly layers: readonly string[];
  readonly tailPoints: readonly string[];
  /** What the last unit costs: the whole model's cost at n less that at n - 1. */
  readonly perUnit: Cost;
  /** Cost of the whole model with this group at 1, the others full. */
  readonly smallest: Cost;
  readonly full: Cost;
}

export interface GraphFacts {
  readonly groups: readonly GroupFacts[];
  readonly skipped: readonly SkippedLayer[];
  /** Cost of the model with every group at 1, and as it is. */
  readonly smallest: Cost;
  readonly largest: Cost;
}

/** What can shrink in a model and what each unit of it costs. */
export function inspectGraph(graph: ModelGraph): GraphFacts {
  const largest = graph.cost(new Map());
  const groups = graph.groups.map(({ name, n, layers, tailPoints }) => ({
    name,
    n,
    layers,
    tailPoints: tailPoints.map((point) => point.name),
    perUnit: less(largest, graph.cost(new Map([[name, n - 1]]))),
    smallest: graph.cost(new Map([[name, 1]])),
    full: largest,
  }));
  const smallest = graph.cost(new Map(graph.groups.map(({ name }) => [name, 1])));
  return { groups, skipped: graph.skipped, smallest, largest };
}

export type CostAxis = keyof Cost;

/** Whether some choice of widths can meet a budget, in one sentence for people. */
export function feasibility(
  { smallest, largest }: Pick<GraphFacts, 'smallest' | 'largest'>,
  axis: CostAxis,
  budget: number,
): { readonly feasible: boolean; readonly sentence: string } {
  const [low, high, wanted] = [smallest[axis], largest[axis], budget].map((number) => number.toLocaleString('en-US'));
  if (budget < smallest[axis]) {
    return {
      feasible: false,
      sentence: `A budget of ${wanted} ${axis} is below the smallest model (${low}); it cannot be met.`,
    };
  }
  if (budget >= largest[axis]) {
    return { feasible: true, sentence: `A budget of ${wanted} ${axis} is met by the model as it is (${high}).` };
  }
  return {
    feasible: true,
    sentence: `A budget of ${wanted} ${axis} lies between the smallest model (${low}) and the model as it is (${high}).`,
  };
}

function less(a: Cost, b: Cost): Cost {
  return { parameters: a.parameters - b.parameters, macs: a.macs - b.macs, bytes: a.bytes - b.bytes };
}
