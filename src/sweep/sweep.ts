import { buildUnitBasis } from '../bases/index.js';
import type { Split } from '../data/types.js';
import { DataError } from '../errors.js';
import { RowLosses, summarize, summarizePaired } from '../evaluate/measure.js';
import type { ModelGraph } from '../graph/types.js';
import type { Objective } from '../objective/types.js';
import type { Curve, CurvePoint, GroupCurves, Measured, PairedMeasured, WeightsName } from '../records/types.js';
import { answersOf, MEMORY_DEFAULTS, type MemoryOptions } from './chunk-size.js';
import { Cuts } from './cuts.js';
import { GRID_DEFAULTS, gridOf, type GridOptions } from './grid.js';
import { heapBeside, type Measuring } from './growth.js';
import { cutWidths, jobOf, type CurveSpec, type JobFarm, type JobStore } from './jobs.js';
import { judgeRows, putAnswers } from './judging.js';
import { measureRanks, rankReads } from './rank.js';
import { measureWidths, widthReads } from './widths.js';

export interface SweepOptions extends GridOptions, MemoryOptions {
  readonly objective: Objective;
  /** The split that decides. */
  readonly split: Split;
  /** What is measured; default: the units as they stand, for the original's and the retrained weights. */
  readonly curves?: readonly CurveSpec[];
  /** Groups of the default curves, by name; default all. */
  readonly groups?: readonly string[];
  /** Keeps what is finished; default: nothing is kept. */
  readonly store?: JobStore;
  /** Runs jobs elsewhere, several at a time; default: here, one after the other. The result is the same. */
  readonly farm?: JobFarm;
  /** After each batch of rows, in hundredths of jobs done of all. */
  readonly onProgress?: (done: number, total: number, detail: string) => void;
  /** Awaited between steps; throws to stop. */
  readonly pause?: () => Promise<void>;
}

export const SWEEP_DEFAULTS = { ...GRID_DEFAULTS, ...MEMORY_DEFAULTS } as const;

/** Models with the same groups: the original, and what retraining made of it. */
export type Variants = Readonly<{ original: ModelGraph } & Partial<Record<WeightsName, ModelGraph>>>;

export interface Swept {
  readonly original: Measured;
  readonly retrained?: PairedMeasured;
  readonly control?: PairedMeasured;
  readonly groups: readonly GroupCurves[];
}

/**
 * Measures the loss of each group kept to its first k units (or a kernel to its first k directions), everything else full; every
 * point is paired, row by row, against the ORIGINAL model at full width.
 *
 * The list of jobs depends on the options alone. What a store has is not measured again; the result is the same.
 */
export async function sweep(variants: Variants, options: SweepOptions): Promise<Swept> {
  const plan = await planSweep(variants, options);
  const { jobs } = plan;
  const points: (readonly CurvePoint[])[] = [];
  const shares = new Float64Array(jobs.length);
  const one = async (index: number): Promise<void> => {
    await options.pause?.();
    const { curve, ks } = jobs[index];
    const job = jobOf(curve, ks);
    const tell = (share: number): void => {
      shares[index] = share;
      const done = shares.reduce((total, part) => total + part, 0);
      const detail = `${curve.kernel?.layer ?? curve.group}, ${curve.basis}, ${curve.weights} weights`;
      options.onProgress?.(Math.round(done * 100), jobs.length * 100, detail);
    };
    const kept = await options.store?.get(job);
    points[index] = kept ?? (await (options.farm?.run(index, job) ?? plan.run(index, tell)));
    if (kept === undefined) await options.store?.put(job, points[index]);
    tell(1);
  };
  try {
    await inTurns(jobs.length, options.farm?.size ?? 1, one);
  } finally {
    plan.dispose();
  }
  return { ...summaries(variants, plan.full), groups: curvesOf(variants.original, plan.curves, jobs, points) };
}

/** Jobs of a sweep in their order, ready to run. */
export interface SweepPlan {
  readonly curves: readonly CurveSpec[];
  readonly jobs: readonly { readonly curve: CurveSpec; readonly ks: readonly number[] }[];
  readonly full: Full;
  run(index: number, onShare?: (share: number) => void): Promise<readonly CurvePoint[]>;
  /** Frees what is kept for the jobs. */
  dispose(): void;
}

/** Measures the models at full width and lists the jobs; whoever has the same inputs gets the same list. */
export async function planSweep(variants: Variants, options: SweepOptions): Promise<SweepPlan> {
  const { original } = variants;
  await heapBeside();
  const curves = options.curves ?? tailCurves(variants, options.groups);
  const cuts = new Cuts({ ...options, original });
  try {
    const full = new Map<ModelGraph, RowLosses>();
    for (const graph of new Set([...Object.values(variants), ...curves.map((curve) => curve.graph)])) {
      const own = options.farm === undefined ? curves.filter((curve) => curve.graph === graph) : [];
      full.set(graph, await cuts.measure(graph, own.map(readsOf)));
    }
    const jobs = curves.flatMap((curve) => cutWidths(gridOf(curve.n, options)).map((ks) => ({ curve, ks })));
    const run = (index: number, onShare: (share: number) => void = () => {}): Promise<readonly CurvePoint[]> =>
      runJob(jobs[index].curve, jobs[index].ks, { original, full, cuts }, options, onShare);
    return { curves, jobs, full, run, dispose: () => cuts.dispose() };
  } catch (error) {
    cuts.dispose();
    throw error;
  }
}

/** The values that a curve reads of a chunk. */
function readsOf({ graph, keeps }: CurveSpec): readonly number[] {
  if ('directions' in keeps) return rankReads(graph.program, keeps.directions);
  return widthReads(
    graph.program,
    graph.groups.find(({ name }) => name === keeps.of)!,
  );
}

/** Runs the jobs 0..count-1, `size` at a time, in their order. */
async function inTurns(count: number, size: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const turn = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(size, count) }, turn));
}

/** The order in which the units stand, for the original's and the retrained weights; the control has no order. */
export function tailCurves(variants: Variants, groups?: readonly string[]): readonly CurveSpec[] {
  const { original } = variants;
  const swept = (['original', 'retrained'] as const).filter((name) => variants[name] !== undefined);
  return original.groups
    .filter(({ name }) => groups?.includes(name) ?? true)
    .flatMap((group) =>
      swept.map((weights): CurveSpec => {
        const graph = variants[weights]!;
        const units = buildUnitBasis('tail', graph, group);
        const cost = (k: number) => original.cost(new Map([[group.name, k]]));
        return { group: group.name, basis: 'tail', weights, graph, keeps: { units, of: group.name }, n: group.n, cost };
      }),
    );
}

/** Losses of every row at full width, by model. */
type Full = ReadonlyMap<ModelGraph, RowLosses>;

function summaries(variants: Variants, full: Full): Omit<Swept, 'groups'> {
  const original = full.get(variants.original)!;
  const paired = (name: WeightsName): PairedMeasured | undefined => {
    const graph = variants[name];
    return graph === undefined ? undefined : summarizePaired(full.get(graph)!, original);
  };
  const [retrained, control] = [paired('retrained'), paired('control')];
  return {
    original: summarize(original),
    ...(retrained === undefined ? {} : { retrained }),
    ...(control === undefined ? {} : { control }),
  };
}

/** What the jobs of a sweep share. */
interface Shared {
  readonly original: ModelGraph;
  readonly full: Full;
  readonly cuts: Cuts;
}

/** One job, chunk by chunk, block by block. At k = n the losses are those of the full model. */
async function runJob(
  curve: CurveSpec,
  ks: readonly number[],
  { original, full, cuts }: Shared,
  options: SweepOptions,
  onShare: (share: number) => void,
): Promise<readonly CurvePoint[]> {
  const { objective, split } = options;
  const narrowed = ks.filter((k) => k < curve.n);
  const rows = new Map(narrowed.map((k) => [k, new RowLosses(objective, split.size)]));
  if (narrowed.length > 0) {
    const measuring = await measuringOf(curve, narrowed, options);
    try {
      for await (const { start, size, target, truth, cut } of cuts.chunks(curve.graph, measuring.reads)) {
        for await (const answers of measuring.outputs(cut, size)) {
          const judged = judgeRows(objective, answers.outputs, target, truth, answers.rows);
          putAnswers(rows, start, answers, judged, narrowed);
        }
        onShare((start + size) / split.size);
      }
    } finally {
      measuring.dispose();
    }
  }
  return ks.map((k) => {
    const measured = summarizePaired(rows.get(k) ?? full.get(curve.graph)!, full.get(original)!);
    if (!Number.isFinite(measured.loss)) throw notFinite(curve, k, measured.loss);
    return { k, ...measured, ...curve.cost(k) };
  });
}

function notFinite({ group, basis, weights }: CurveSpec, k: number, loss: number): DataError {
  return new DataError(
    `The loss of ${group} at k = ${k} (${basis}, ${weights} weights) is ${loss}, not a finite number.`,
    {
      hint: 'Check the scale of the data with --scale, or leave the layer out with --exclude.',
    },
  );
}

function measuringOf({ graph, keeps }: CurveSpec, ks: readonly number[], options: SweepOptions): Promise<Measuring> {
  const { program } = graph;
  const { pause } = options;
  const shared = { program, ks, answers: answersOf(program, options), ...(pause === undefined ? {} : { pause }) };
  if ('directions' in keeps) return measureRanks(keeps.directions, shared);
  const group = graph.groups.find(({ name }) => name === keeps.of)!;
  const { units, constants } = keeps;
  return measureWidths({ graph, group, order: units.order, ...(constants === undefined ? {} : { constants }) }, shared);
}

/** Curves by group, in the model's order; a kernel whose outputs are no group stands in an entry of its own behind them. */
function curvesOf(
  original: ModelGraph,
  specs: readonly CurveSpec[],
  jobs: SweepPlan['jobs'],
  points: readonly (readonly CurvePoint[])[],
): readonly GroupCurves[] {
  const pointsOf = (spec: CurveSpec): CurvePoint[] =>
    jobs.flatMap(({ curve }, index) => (curve === spec ? points[index] : []));
  const curvesIn = (group: string): Curve[] =>
    specs.filter((spec) => spec.group === group).map((spec) => curveOf(spec, pointsOf(spec)));
  const groups = original.groups.map(({ name, n, layers, tailPoints }) => ({
    name,
    n,
    layers,
    tailPoints: tailPoints.map((point) => point.name),
    curves: curvesIn(name),
  }));
  const known = new Set(groups.map(({ name }) => name));
  const rankOnly = [...new Set(specs.map(({ group }) => group))].filter((name) => !known.has(name));
  const others = rankOnly.map((name) => {
    const curves = curvesIn(name);
    return { name, n: curves[0].kernelShape!.at(-1)!, layers: [name], tailPoints: [], curves };
  });
  return [...groups, ...others].filter(({ curves }) => curves.length > 0);
}

function curveOf(spec: CurveSpec, points: readonly CurvePoint[]): Curve {
  const { basis, weights, n, kernel } = spec;
  return { basis, kind: kernel === undefined ? 'unit' : 'rank', weights, ...kernel, n, points };
}
