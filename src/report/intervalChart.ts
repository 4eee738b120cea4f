import type { TopLevelSpec } from 'vega-lite';

import { COLORS } from './colors.js';
import { riseText, riseTitle, roundTicks, type LossScale } from './scale.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import { roomFor } from './textWidth.js';
import { NBSP, signed } from './format.js';
import { verdictOf } from './view.js';

/** A bar of an interval chart: a measured rise with its one-sided 95 % bounds. */
export interface IntervalRow {
  /** At most 118 px wide in 12 px type. */
  readonly label: string;
  readonly rise: number;
  readonly low: number;
  readonly high: number;
  /** Of a bar that no budget judges; default: the verdict's. */
  readonly tone?: 'soft' | 'tail';
  /** Default: a circle. */
  readonly shape?: 'circle' | 'square' | 'diamond';
}

const WIDTH = 352;
const LEFT = 124;
const PLOT = 214;
const ROW = 30;
const TOP = 20;
const BOTTOM = 36;
const RIGHT = WIDTH - LEFT - PLOT;
/** Between the words at two lines. */
const GAP = 8;

/**
 * Rises against the original on a linear axis, with the lines "original" and "budget". A bar's right end is the 95 %
 * bound. Null when there is nothing to show.
 */
export function intervalChart(id: string, scale: LossScale, rows: readonly IntervalRow[], what: string): Chart | null {
  if (rows.length === 0) return null;
  const [low, high] = intervalDomain(scale, rows);
  const height = ROW * rows.length;
  const ticks = roundTicks(low, high, 4).filter((v) => {
    const x = (PLOT * (v - low)) / (high - low);
    return x + roomFor(tickText(scale, v), 11) / 2 <= PLOT + RIGHT;
  });
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [low, high], nice: false, zero: false },
    axis: {
      values: ticks,
      labelExpr: `${ticks.map((v) => `datum.value==${v}?${JSON.stringify(tickText(scale, v))}:`).join('')}''`,
      title: riseTitle(scale, 'against'),
      titlePadding: 5,
      domain: false,
    },
  };
  const spec = {
    ...CHART_CONFIG,
    width: PLOT,
    height,
    padding: { left: LEFT, top: TOP, right: RIGHT, bottom: BOTTOM },
    layer: [
      {
        data: { values: [{ x: 0 }] },
        mark: { type: 'rule', color: COLORS.soft.light, strokeWidth: 1 },
        encoding: { x },
      },
      ...budgetRule(scale),
      ...bars(scale, rows),
      ...words(scale, rows, (v) => (PLOT * (v - low)) / (high - low)),
    ],
  } as unknown as TopLevelSpec;
  return { id, width: WIDTH, height: TOP + height + BOTTOM, label: ariaLabel(scale, rows, what), spec };
}

/** Holds 0, the budget and every bar, with 6 % to spare on both sides, and the words at the budget. */
export function intervalDomain(scale: LossScale, rows: readonly IntervalRow[]): [number, number] {
  const values = [0, scale.budget ?? 0, ...rows.flatMap((r) => [r.low, r.high])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const spare = 0.06 * (high - low) || 1;
  const end = high + spare;
  if (scale.budget === null || scale.budgetText === null) return [low - spare, end];
  const label = roomFor(`budget +${scale.budgetText}`, 11);
  const px = (v: number): number => (PLOT * (v - low + spare)) / (end - low + spare);
  if (px(scale.budget) - px(0) >= label + GAP || px(scale.budget) + label + 3 <= PLOT + RIGHT)
    return [low - spare, end];
  // "original" ends where "budget" starts: the budget line moves left until its words fit.
  return [low - spare, low - spare + ((scale.budget - low + spare) * PLOT) / (PLOT + RIGHT - label - 3)];
}

function tickText(scale: LossScale, value: number): string {
  const text = String(Number(value.toPrecision(6))).replace(/-/gu, '\u2212');
  return value === 0 ? '0' : signed(text) + (scale.kind === 'relative' ? `${NBSP}%` : '');
}

type Layer = Record<string, unknown>;

const X = { field: 'x', type: 'quantitative' };

function budgetRule({ budget }: LossScale): Layer[] {
  if (budget === null) return [];
  const mark = { type: 'rule', color: COLORS.ink.light, strokeWidth: 1.2, strokeDash: [5, 3] };
  return [{ data: { values: [{ x: budget }] }, mark, encoding: { x: X } }];
}

function bars({ budget }: LossScale, rows: readonly IntervalRow[]): Layer[] {
  return rows.flatMap((row, i) => {
    const color = COLORS[row.tone ?? (budget === null ? 'tail' : verdictOf(row, budget))].light;
    const data = { values: [{ x: row.rise, low: row.low, high: row.high }] };
    const y = { value: ROW * (i + 0.5) };
    return [
      {
        data,
        mark: { type: 'rule', color, strokeWidth: 3 },
        encoding: { x: { ...X, field: 'low' }, x2: { field: 'high' }, y },
      },
      {
        data,
        mark: {
          type: 'point',
          shape: row.shape ?? 'circle',
          filled: true,
          size: 64,
          color,
          stroke: COLORS.paper.light,
          strokeWidth: 1.5,
          opacity: 1,
        },
        encoding: { x: X, y },
      },
    ];
  });
}

/** "original" is set right-aligned, "budget" left-aligned unless it lies right of 70 %: they never collide. */
function words(scale: LossScale, rows: readonly IntervalRow[], px: (v: number) => number): Layer[] {
  const layers = rows.map((row, i) => text(row.label, -8, ROW * (i + 0.5) + 4, 'right', COLORS.ink.light, 12));
  // Words reach 3 px over their line, unless the lines are so close that the words would touch.
  const reach = scale.budget !== null && px(scale.budget) - px(0) < 14 ? -3 : 3;
  layers.push(text('original', px(0) + reach, -7, 'right', COLORS.soft.light, 11));
  if (scale.budget !== null && scale.budgetText !== null) {
    const label = `budget +${scale.budgetText}`;
    const at = px(scale.budget);
    layers.push(
      at > 0.7 * PLOT && at - px(0) >= roomFor(label, 11) + GAP
        ? text(label, at + 3, -7, 'right', COLORS.ink.light, 11)
        : text(label, at - reach, -7, 'left', COLORS.ink.light, 11),
    );
  }
  return layers;
}

function text(value: string, x: number, y: number, align: string, color: string, size: number): Layer {
  return {
    data: { values: [{ text: value }] },
    mark: { type: 'text', align, baseline: 'alphabetic', fontSize: size, fill: color },
    encoding: { x: { value: x }, y: { value: y }, text: { field: 'text', type: 'nominal' } },
  };
}

function ariaLabel(scale: LossScale, rows: readonly IntervalRow[], what: string): string {
  const bars = rows.map((r) => `${r.label} ${riseText(scale, r.rise)}, at most ${riseText(scale, r.high, 'up')}`);
  return `${what}: ${bars.join('; ')}${scale.budgetText === null ? '' : `; budget +${scale.budgetText}`}.`;
}
