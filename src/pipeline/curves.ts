import {
  breakEvenRank,
  buildRankBasis,
  buildUnitBasis,
  collectKernelStatistics,
  collectUnitStatistics,
  factorCost,
  kernelCost,
  kernelMatrix,
  kernelsOf,
  RANK_BASES,
  rankBasisRefusal,
  rankSelectors,
  UNIT_BASES,
  type KernelInfo,
  type KernelStatistics,
  type RankBasis,
  type UnitStatistics,
} from '../bases/index.js';
import { singularValues } from '../bases/linalg/index.js';
import type { ModelGraph } from '../graph/types.js';
import type { ComparedGroup, Cost, KernelSpectrum, WeightsName } from '../records/types.js';
import { rowsOf } from '../sweep/chunk-size.js';
import type { CurveSpec } from '../sweep/jobs.js';
import type { Variants } from '../sweep/sweep.js';
import { TAIL_RANK } from './basis-names.js';
import { matches } from './select.js';
import type { Session } from './session.js';
import type { TailRanked } from './tail-rank-stage.js';
import { pauseOf } from './stage.js';

/** Curves of the chosen bases, and what a comparison tells beside them. */
export interface Chosen {
  readonly curves: readonly CurveSpec[];
  /** By the record's group. */
  readonly kernels: ReadonlyMap<string, readonly KernelSpectrum[]>;
  readonly missing: ReadonlyMap<string, ComparedGroup['missing']>;
}

/**
 * Unit bases for every set of weights there is, rank bases for every kernel of the original that makes a selected group's units,
 * the output layer's too.
 */
export async function chooseCurves(
  session: Session,
  variants: Variants,
  bases: readonly string[],
  tailRanked: readonly TailRanked[] = [],
): Promise<Chosen> {
  const units = await unitCurves(session, variants, bases);
  const ranks = await rankCurves(session, variants.original, bases);
  const kernels = kernelsOf(session.graph);
  const tails = tailRanked.map((ranked) =>
    tailRankCurve(
      session,
      ranked,
      kernels.find(({ layer }) => layer === ranked.layer)!,
    ),
  );
  return { ...ranks, curves: [...units, ...ranks.curves, ...tails] };
}

/** Rows of a pass that takes gradients, memory allowing. */
const PASS_ROWS = 128;

/** Statistics are taken from the rows that are trained on, where there are any; the rows that decide stay unseen. */
export function passOf(session: Session) {
  const { train, select } = session.dataset.splits;
  const { objective, options } = session;
  const batchSize = Math.min(PASS_ROWS, rowsOf(session.graph.program, options));
  return { objective, split: train.size > 0 ? train : select, seed: options.seed, batchSize, pause: pauseOf(session) };
}

/** Unit curves of every set of weights there is. */
async function unitCurves(session: Session, variants: Variants, bases: readonly string[]): Promise<CurveSpec[]> {
  const names = UNIT_BASES.filter((name) => bases.includes(name));
  const selected = session.selection.groups.map(({ name }) => name);
  const measured = names.some((name) => name !== 'tail' && name !== 'random');
  const curves: CurveSpec[] = [];
  for (const [weights, graph] of Object.entries(variants) as [WeightsName, ModelGraph][]) {
    const statistics: ReadonlyMap<string, UnitStatistics> = measured
      ? await collectUnitStatistics(graph, {
          ...passOf(session),
          groups: selected,
          gradients: names.includes('taylor'),
        })
      : new Map();
    for (const group of graph.groups.filter(({ name }) => selected.includes(name))) {
      for (const name of names) {
        // the control has no order of its own: its units stand as the original's do
        if (name === 'tail' && weights === 'control') continue;
        const known = statistics.get(group.name);
        const units = buildUnitBasis(name, graph, group, {
          seed: session.options.seed,
          ...(known === undefined ? {} : { statistics: known }),
        });
        const cost = (k: number): Cost => session.graph.cost(new Map([[group.name, k]]));
        const keeps = { units, of: group.name };
        curves.push({ group: group.name, basis: name, weights, graph, keeps, n: group.n, cost });
      }
    }
  }
  return curves;
}

/** Rank curves of every kernel that makes a selected group's units, the output layer's too, from one set of weights. */
export async function rankCurves(
  session: Session,
  graph: ModelGraph,
  bases: readonly string[],
  weights: WeightsName = 'original',
): Promise<Chosen> {
  const names = RANK_BASES.filter((name) => bases.includes(name));
  const kernels = names.length === 0 ? [] : selectedKernels(session, graph);
  const layers = kernels.map(({ layer }) => layer);
  const isAware = names.some((name) => name === 'pca' || name === 'whitened' || name === 'kfac');
  const gradients = names.includes('kfac');
  const { kernels: known, skipped } = isAware
    ? await collectKernelStatistics(graph, { ...passOf(session), layers, gradients })
    : { kernels: new Map<string, KernelStatistics>(), skipped: [] };
  const curves: CurveSpec[] = [];
  const spectra = new Map<string, KernelSpectrum[]>();
  const missing = new Map<string, { basis: string; reason: string }[]>();
  for (const kernel of kernels) {
    const group = kernel.group ?? kernel.layer;
    const statistics = known.get(kernel.layer);
    for (const name of names) {
      const why = skipped.find(({ layer }) => layer === kernel.layer)?.reason;
      const refusal = rankBasisRefusal(name, kernel, statistics);
      if (refusal === null)
        curves.push(rankCurve(session, weights, graph, kernel, buildRankBasis(name, kernel, statistics)));
      // a Dense has no spatial sides: nobody misses that
      else if (name !== 'svd-spatial' || kernel.kernelShape.length === 4)
        append(missing, group, { basis: name, reason: `${kernel.layer}: ${why ?? refusal}` });
    }
    append(spectra, group, spectrumOf(kernel));
  }
  return { curves, kernels: spectra, missing };
}

function append<T>(lists: Map<string, T[]>, key: string, entry: T): void {
  lists.set(key, [...(lists.get(key) ?? []), entry]);
}

/** Kernels that make a selected group's units; the output layer's, where every layer is asked for or it is named. */
export function selectedKernels({ selection, options }: Session, graph: ModelGraph): readonly KernelInfo[] {
  const groups = new Set(selection.groups.map(({ name }) => name));
  const last = new Set(
    graph.program.steps
      .filter(({ outputs }) => outputs.some((value) => graph.program.outputs.includes(value)))
      .map(({ name }) => name),
  );
  return kernelsOf(graph).filter(({ group, layer }) => {
    if (group !== null) return groups.has(group);
    const isAsked = options.layers.length === 0 || isNamed(options.layers, layer);
    return last.has(layer) && isAsked && !isNamed(options.exclude, layer);
  });
}

function isNamed(patterns: readonly string[], layer: string): boolean {
  return patterns.some((pattern) => matches(pattern, layer));
}

function rankCurve(
  session: Session,
  weights: WeightsName,
  graph: ModelGraph,
  kernel: KernelInfo,
  basis: RankBasis,
): CurveSpec {
  return {
    group: kernel.group ?? kernel.layer,
    basis: basis.name,
    weights,
    graph,
    keeps: { directions: basis },
    kernel: { layer: kernel.layer, kernelShape: kernel.kernelShape },
    n: basis.n,
    cost: (k) => rankCost(session, kernel, basis, k),
  };
}

/** Inner features of a kernel that was retrained in two: keeping k of them is the kernel at rank k. */
function tailRankCurve(session: Session, { graph, group: inner }: TailRanked, kernel: KernelInfo): CurveSpec {
  const group = graph.groups.find(({ name }) => name === inner)!;
  const form = { form: 'channel', n: group.n, mean: kernel.bias ? EMPTY : null } as const;
  return {
    group: kernel.group ?? kernel.layer,
    basis: TAIL_RANK,
    weights: 'retrained',
    graph,
    keeps: { units: buildUnitBasis('tail', graph, group), of: inner },
    kernel: { layer: kernel.layer, kernelShape: kernel.kernelShape },
    n: group.n,
    cost: (k) => rankCost(session, kernel, form, k),
  };
}

const EMPTY = new Float32Array();

/** Cost of the whole model with one kernel at rank k; beyond the break-even rank it stays whole. */
export function rankCost(
  { graph, loaded }: Session,
  kernel: KernelInfo,
  basis: Pick<RankBasis, 'form' | 'n' | 'mean'>,
  k: number,
): Cost {
  const full = graph.cost(new Map());
  if (k >= basis.n || k > breakEvenRank(kernel, basis.form)) return full;
  const whole = kernelCost(kernel);
  const split = factorCost(kernel, basis.form, k, basis.mean !== null);
  const saved = whole.parameters - split.parameters;
  // what is factored is stored as the kernel was
  const bytes = loaded.bytesPerWeight.get(`${kernel.layer}/kernel`) ?? 4;
  return {
    parameters: full.parameters - saved,
    macs: Math.round(full.macs - whole.macs + split.macs),
    bytes: full.bytes - bytes * saved,
  };
}

function spectrumOf(kernel: KernelInfo): KernelSpectrum {
  const matrix = kernelMatrix(kernel);
  const values = singularValues(matrix);
  return {
    layer: kernel.layer,
    kernelShape: kernel.kernelShape,
    rank: values.length,
    singularValues: [...values],
    breakEven: breakEvenRank(kernel, 'channel'),
    selectors: { ...rankSelectors(values, matrix) },
  };
}
