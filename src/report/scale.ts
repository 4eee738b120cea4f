import type { SweepRecord } from '../records/types.js';
import { shorten } from './escape.js';
import { budgetText, NBSP, percent, signed, significant, twoDigits, type Rounding } from './format.js';

/** A loss within this many standard errors of 0 is no yardstick: one-sided 95 %. */
export const Z95 = 1.6449;
/** Nor is one that is this small beside the rises it should measure. */
const NEGLIGIBLE = 1e-4;

/** How a rise of the loss is shown: in % of the original's loss, or in the loss's unit where that means nothing. */
export interface LossScale {
  readonly kind: 'relative' | 'absolute';
  /** Multiplies a rise in the loss's unit. */
  readonly factor: number;
  /** In the scale's own unit; null where a relative budget means nothing. */
  readonly budget: number | null;
  /** `1 %`; null without a budget. */
  readonly budgetText: string | null;
  /** The loss's unit, for the absolute scale. */
  readonly unit: string;
  /** Why it is absolute, as a sentence. */
  readonly why?: string;
  /** `relative`: the rise is a share of what the model explains over a constant answer, not of its loss. */
  readonly explained?: boolean;
  /** `absolute`: what rises is not the loss but the worsening of a metric. */
  readonly metric?: MetricScale;
}

export interface MetricScale {
  /** Of letters and digits: it stands in charts and sentences. */
  readonly name: string;
  /** As the records have it. */
  readonly key: string;
  readonly better: 'higher' | 'lower';
  /** The original model's value. */
  readonly reference: number;
}

/** The scale for a sweep at a relative budget (0.01 = 1 % of the original's loss). */
export function lossScale(sweep: SweepRecord, budget: number): LossScale {
  const { loss, se } = sweep.original;
  const rises = sweep.groups.flatMap((g) => g.curves.flatMap((c) => c.points.map((p) => Math.abs(p.delta))));
  const unit = unitText(sweep.loss.unit);
  const why = unfit(
    loss,
    se,
    rises.reduce((a, b) => Math.max(a, b), 0),
  );
  if (why === undefined) {
    return { kind: 'relative', factor: 100 / loss, budget: 100 * budget, budgetText: budgetText(budget), unit };
  }
  const sentence = `The original's loss is ${why}, so rises are in its unit (${unit}) and a budget in % of it means nothing.`;
  return { kind: 'absolute', factor: 1, budget: null, budgetText: null, unit, why: sentence };
}

/** A unit from a record, reduced to letters, digits and a few signs: it stands in charts, tables and sentences. */
export function unitText(unit: string): string {
  const safe = shorten(unit.replace(/[^\p{L}\p{N} ²³/%.·-]/gu, '').trim(), 16);
  return safe === '' ? 'units of loss' : safe;
}

function unfit(loss: number, se: number, largestRise: number): string | undefined {
  if (loss < 0) return `negative (${significant(loss)})`;
  if (loss === 0) return '0';
  if (loss <= Z95 * se || loss < NEGLIGIBLE * largestRise) return `almost 0 (${significant(loss, 2)})`;
  return undefined;
}

/** `+0.55 %`, or `+0.0123 nats`. `y` is in the scale's unit. */
export function riseText(scale: LossScale, y: number, rounding?: Rounding): string {
  if (scale.kind === 'relative') return signed(percent(y, rounding));
  return signed(absolute(scale, y, rounding)) + NBSP + scale.unit;
}

/** The same for a table whose head says the unit: `+0.55 %`, or `+0.0123`. */
export function riseCell(scale: LossScale, y: number, rounding?: Rounding): string {
  return scale.kind === 'relative' ? riseText(scale, y, rounding) : signed(absolute(scale, y, rounding));
}

/** Points of a share have two decimals at most; a loss may be of any size. */
function absolute({ unit, metric }: LossScale, y: number, rounding?: Rounding): string {
  return metric !== undefined && unit === 'pt' ? twoDigits(y, rounding) : significant(y, 2, rounding);
}

/** Worse is more of it: `loss of accuracy`, `rise of meanAbsoluteError`. */
export function metricNoun({ name, better }: MetricScale): string {
  return `${better === 'higher' ? 'loss' : 'rise'} of ${name}`;
}

/** Title of an axis of rises; `link` is "above" or "against". */
export function riseTitle({ kind, unit, explained, metric }: LossScale, link: 'above' | 'against'): string {
  if (metric !== undefined) return unit === 'pt' ? `${metricNoun(metric)}, pt` : metricNoun(metric);
  // Words that fit under the narrowest plot.
  if (explained === true) return 'loss, % of what the original explains';
  return kind === 'relative' ? `loss ${link} the original` : `loss ${link} the original, ${unit}`;
}

/** An axis: linear around 0 and the budget, logarithmic above. */
export interface RiseAxis {
  readonly domain: readonly [number, number];
  /** Of symlog: sign(y) log1p(|y| / constant). */
  readonly constant: number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/**
 * One axis for all panels. Relative: [min(1.1 x lowest bound, -0.35 budget), min(1000 %, max)]; ticks at 0, the
 * budget, x10, x100, … and their mirror images where the domain reaches them. Absolute: decades instead.
 * @param lows lower bounds, @param highs upper bounds, both in the scale's unit.
 */
export function riseAxis(scale: LossScale, lows: readonly number[], highs: readonly number[]): RiseAxis {
  const lowest = lows.reduce((a, b) => Math.min(a, b), 0);
  const highest = highs.reduce((a, b) => Math.max(a, b), 0);
  const step = scale.budget ?? decade(Math.max(highest, -lowest));
  const top =
    scale.kind === 'relative' ? Math.min(1000, Math.max(highest, 4 * step)) : Math.max(highest * 1.05, 4 * step);
  const domain: [number, number] = [Math.min(1.1 * lowest, -0.35 * step), Math.max(top, 1.5 * step)];
  const values = [0];
  for (let v = step; v <= domain[1] * 1.0001; v *= 10) values.push(v);
  for (let v = -step; v >= domain[0] * 1.0001; v *= 10) values.unshift(v);
  const ticks = values.map((value) => ({ value, label: tickText(scale, value) }));
  return { domain, constant: step / 5, ticks };
}

/** The largest power of ten that is at most a hundredth of `x`. */
function decade(x: number): number {
  return x > 0 ? 10 ** (Math.floor(Math.log10(x)) - 2) : 1e-3;
}

function tickText(scale: LossScale, value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  const sign = value < 0 ? '\u2212' : '+';
  if (scale.kind === 'relative') return `${sign}${Number(magnitude.toPrecision(3))}${NBSP}%`;
  // Below a thousandth the digits would not fit beside the axis.
  const exponent = Math.floor(Math.log10(magnitude * (1 + 1e-9)));
  if (Math.abs(exponent) <= 3) return sign + String(Number(magnitude.toPrecision(3)));
  const mantissa = Number((magnitude / 10 ** exponent).toPrecision(3));
  return `${sign}${mantissa === 1 ? '' : `${mantissa}·`}10${superscript(exponent)}`;
}

function superscript(exponent: number): string {
  return Array.from(String(exponent))
    .map((c) => (c === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)] ?? '')))
    .join('');
}

/** Where `y` lies in the axis's domain, from 0 (bottom) to 1 (top), clamped. */
export function positionOf(axis: RiseAxis, y: number): number {
  const t = (v: number): number => Math.sign(v) * Math.log1p(Math.abs(v) / axis.constant);
  const [low, high] = axis.domain;
  return (t(Math.max(low, Math.min(high, y))) - t(low)) / (t(high) - t(low));
}

/** Round numbers within [low, high], about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function roundTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough * 0.9999) ?? 10) * power;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Ticks for k: quarters of n where they are whole numbers, else the ends and round numbers between. */
export function widthTicks(n: number): number[] {
  if (n <= 4) return Array.from({ length: n + 1 }, (_, k) => k);
  if (n % 4 === 0) return [0, n / 4, n / 2, (3 * n) / 4, n];
  const step = roundTicks(0, n, 4)[1] ?? n;
  return [...roundTicks(0, n, 4).filter((k) => Number.isInteger(k) && k <= n - 0.6 * step), n];
}
