import { crossentropies, type Crossentropies } from '../backend/wasm/kernels/crossentropy.js';
import type { HostArray } from '../data/types.js';
import type { RowLosses } from '../evaluate/measure.js';
import { judge, TOP_K, type Judged } from '../objective/judge.js';
import type { Objective, Outputs } from '../objective/types.js';
import type { WidthOutputs } from './growth.js';

/**
 * As `judge`; faster for classes that are scored by cross-entropy, which is what a sweep does most.
 *
 * @param rows which row of the target and the reference each answer belongs to; undefined: answer i belongs to row i
 */
export function judgeRows(
  objective: Objective,
  outputs: Outputs,
  target: HostArray | undefined,
  reference: Outputs | undefined,
  rows?: Int32Array,
): Judged {
  const own = target === undefined || rows === undefined ? target : takeRows(target, rows);
  const classes = own?.values;
  const isPlain = objective.loss === 'categoricalCrossentropy' && !objective.self && classes instanceof Int32Array;
  if (isPlain && classes.length === outputs.rows && outputs.values.length === outputs.rows * outputs.units) {
    const found = crossentropies(outputs.values, outputs.units, classes) ?? plainCrossentropies(outputs, classes);
    const judged = judgedOf(objective, found);
    if (judged !== undefined) return judged;
  }
  const truth = reference === undefined || rows === undefined ? reference : takeOutputs(reference, rows);
  return judge(objective, outputs, own, truth);
}

/** As `crossentropies`, on any backend. */
function plainCrossentropies({ values, units }: Outputs, classes: Int32Array): Crossentropies {
  const loss = new Float64Array(classes.length);
  const rank = new Int32Array(classes.length);
  for (let row = 0; row < classes.length; row++) {
    const [from, own] = [row * units, row * units + classes[row]];
    let top = -Infinity;
    for (let u = from; u < from + units; u++) if (values[u] > top) top = values[u];
    let [total, higher, tied] = [0, 0, 0];
    for (let u = from; u < from + units; u++) {
      total += Math.exp(values[u] - top);
      if (values[u] > values[own]) higher++;
      else if (u < own && values[u] === values[own]) tied = 1;
    }
    loss[row] = Math.log(total) + (top - values[own]);
    rank[row] = 2 * higher + tied;
  }
  return { loss, rank };
}

/** Undefined where a metric is not about ranks. */
function judgedOf(objective: Objective, { loss, rank }: Crossentropies): Judged | undefined {
  const metrics: Record<string, Float64Array> = {};
  for (const { name } of objective.metrics) {
    if (name !== 'accuracy' && name !== 'topK') return undefined;
    const below = name === 'accuracy' ? 1 : 2 * TOP_K;
    const isRight = new Float64Array(rank.length);
    for (let i = 0; i < rank.length; i++) isRight[i] = rank[i] < below ? 1 : 0;
    metrics[name] = isRight;
  }
  return { loss, metrics };
}

/** Rows of an array, in that order. */
export function takeRows({ shape, values }: HostArray, rows: Int32Array): HostArray {
  const taken =
    values instanceof Int32Array
      ? takeFrom(values, shape[0], rows, Int32Array)
      : takeFrom(values, shape[0], rows, Float32Array);
  return { shape: [rows.length, ...shape.slice(1)], values: taken };
}

function takeOutputs({ values, rows: count, units }: Outputs, rows: Int32Array): Outputs {
  return { values: takeFrom(values, count, rows, Float32Array), rows: rows.length, units };
}

function takeFrom<T extends Float32Array | Int32Array>(
  values: T,
  count: number,
  rows: Int32Array,
  Made: new (size: number) => T,
): T {
  const size = values.length / count;
  const taken = new Made(rows.length * size);
  if (size === 1) for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]];
  else rows.forEach((row, i) => taken.set(values.subarray(row * size, (row + 1) * size), i * size));
  return taken;
}

/**
 * Puts the losses of some answers where they belong; a row without an answer at a width has that of the width before.
 *
 * @param losses by width
 * @param start of the chunk in the split
 * @param all widths, ascending
 */
export function putAnswers(
  losses: ReadonlyMap<number, RowLosses>,
  start: number,
  { ks, from, to, widths, rows }: Omit<WidthOutputs, 'outputs'>,
  judged: Judged,
  all: readonly number[],
): void {
  const before = losses.get(all[all.indexOf(ks[0]) - 1]);
  const own = ks.map((k) => losses.get(k)!);
  const ordered = byWidth(widths, ks.length);
  const put = (of: (rows: RowLosses) => Float64Array, values: Float64Array): void => {
    let previous = before === undefined ? undefined : of(before);
    let at = 0;
    for (const [b, one] of own.entries()) {
      const list = of(one);
      if (previous !== undefined) list.set(previous.subarray(start + from, start + to), start + from);
      for (; at < ordered.length && widths[ordered[at]] === b; at++)
        list[start + rows[ordered[at]]] = values[ordered[at]];
      previous = list;
    }
  };
  put(({ loss }) => loss, judged.loss);
  for (const [name, values] of Object.entries(judged.metrics)) put(({ metrics }) => metrics[name], values);
}

/** Places of the answers, sorted by width. */
function byWidth(widths: Int32Array, count: number): Int32Array {
  const next = new Int32Array(count + 1);
  for (const width of widths) next[width + 1]++;
  for (let b = 0; b < count; b++) next[b + 1] += next[b];
  const ordered = new Int32Array(widths.length);
  for (let i = 0; i < widths.length; i++) ordered[next[widths[i]]++] = i;
  return ordered;
}
