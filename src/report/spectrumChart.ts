import type { TopLevelSpec } from 'vega-lite';

import type { KernelSpectrum } from '../records/types.js';
import { COLORS } from './colors.js';
import { shorten } from './escape.js';
import { integer } from './format.js';
import { widthTicks } from './scale.js';
import { labelExpr } from './screeAxes.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import { roomFor } from './textWidth.js';

type Layer = Record<string, unknown>;

const SIZE = { width: 352, height: 196, left: 44, top: 34, plotWidth: 296, plotHeight: 120 } as const;
/** Values below this share of the largest are drawn at it: a logarithm has no zero. */
const FLOOR = 1e-4;
/** Points of the line; more would merge. */
const MOST = 120;
const ENERGIES = [90, 95, 99] as const;

/** Singular values of a kernel, as shares of the largest on a logarithmic axis, with where 90, 95 and 99 % of the energy are reached. Null without any. */
export function spectrumChart(id: string, kernel: KernelSpectrum): Chart | null {
  const shares = sharesOf(kernel);
  if (shares.length === 0) return null;
  const n = Math.max(shares.length, 1);
  const low = decadeBelow(shares.reduce((a, b) => Math.min(a, b), 1));
  const ticks = [1, 0.1, 0.01, 0.001, FLOOR].filter((v) => v >= low * 0.999);
  const x = {
    field: 'i',
    type: 'quantitative',
    scale: { domain: [0, n], nice: false, zero: false },
    axis: {
      values: widthTicks(n),
      labelExpr: labelExpr(widthTicks(n).map((k) => [k, integer(k)])),
      title: 'singular value',
      grid: false,
      titlePadding: 4,
    },
  };
  const y = {
    field: 's',
    type: 'quantitative',
    scale: { type: 'log', domain: [low, 1], clamp: true, nice: false },
    axis: {
      values: ticks,
      labelExpr: labelExpr(ticks.map((v) => [v, v === FLOOR ? '\u2264\u20090.0001' : String(v)])),
      title: null,
      domain: false,
      ticks: false,
      labelPadding: 4,
      labelOverlap: false,
    },
  };
  const values = thin(shares).map((i) => ({ i: i + 1, s: Math.max(FLOOR, shares[i] ?? FLOOR) }));
  const color = COLORS.svd.light;
  const spec = {
    ...CHART_CONFIG,
    width: SIZE.plotWidth,
    height: SIZE.plotHeight,
    padding: {
      left: SIZE.left,
      top: SIZE.top,
      right: SIZE.width - SIZE.left - SIZE.plotWidth,
      bottom: SIZE.height - SIZE.top - SIZE.plotHeight,
    },
    layer: [
      { data: { values: [{ i: 0, s: 1 }] }, mark: { type: 'point', opacity: 0 }, encoding: { x, y } },
      ...larger(kernel, n, low),
      ...energies(kernel, n),
      {
        data: { values },
        mark: { type: 'line', color, strokeWidth: 1.5 },
        encoding: { x: { field: 'i', type: 'quantitative' }, y: { field: 's', type: 'quantitative' } },
      },
      {
        data: { values: values.length > 40 ? values.slice(0, 1) : values },
        mark: { type: 'circle', size: 12, color, opacity: 1 },
        encoding: { x: { field: 'i', type: 'quantitative' }, y: { field: 's', type: 'quantitative' } },
      },
    ],
  } as unknown as TopLevelSpec;
  return { id, width: SIZE.width, height: SIZE.height, label: ariaLabel(kernel), spec };
}

function sharesOf({ singularValues }: KernelSpectrum): number[] {
  const top = singularValues.reduce((a, b) => Math.max(a, b), 0);
  return top > 0 ? singularValues.map((v) => Math.max(0, v / top)) : [];
}

function decadeBelow(share: number): number {
  return Math.max(FLOOR, Math.min(0.1, 10 ** Math.floor(Math.log10(Math.max(FLOOR, share)) + 1e-9)));
}

/** Indices of at most MOST values, evenly spread, both ends kept. */
function thin(shares: readonly number[]): number[] {
  const count = Math.min(MOST, shares.length);
  return Array.from({ length: count }, (_, i) => Math.round((i * (shares.length - 1)) / Math.max(1, count - 1)));
}

function ariaLabel(kernel: KernelSpectrum): string {
  const marks = ENERGIES.flatMap((e) => {
    const k = kernel.selectors[`energy${e}`];
    return k == null ? [] : [`${e} % of the energy with ${integer(k)}`];
  });
  return `Singular values of the kernel of ${shorten(kernel.layer, 40)}, ${integer(kernel.singularValues.length)} of them${marks.length > 0 ? `: ${marks.join(', ')}` : ''}.`;
}

/** Right of break-even the layer split in two is larger than whole. */
function larger({ breakEven }: KernelSpectrum, n: number, low: number): Layer[] {
  if (breakEven >= n) return [];
  return [
    {
      data: { values: [{ i: breakEven, i2: n, s: low, s2: 1 }] },
      mark: { type: 'rect', color: COLORS.faint.light, opacity: 1 },
      encoding: {
        x: { field: 'i', type: 'quantitative' },
        x2: { field: 'i2' },
        y: { field: 's', type: 'quantitative' },
        y2: { field: 's2' },
      },
    },
  ];
}

/** Lines with their percentages above the plot, in two rows where they would collide. */
function energies({ selectors }: KernelSpectrum, n: number): Layer[] {
  const ends = [-Infinity, -Infinity];
  return ENERGIES.flatMap((e) => {
    const k = selectors[`energy${e}`];
    if (k == null || k < 0 || k > n) return [];
    const at = (SIZE.plotWidth * k) / n;
    const text = `${e}\u00a0%`;
    const half = roomFor(text, 11) / 2;
    // The last one stays inside the chart.
    const middle = Math.min(at, SIZE.width - SIZE.left - half);
    const row = ends.findIndex((end) => middle - half > end + 4);
    if (row >= 0) ends[row] = middle + half;
    const line = {
      data: { values: [{ i: k }] },
      mark: { type: 'rule', color: COLORS.soft.light, strokeWidth: 1, strokeDash: [2, 2] },
      encoding: { x: { field: 'i', type: 'quantitative' } },
    };
    const label = {
      data: { values: [{ text }] },
      mark: { type: 'text', align: 'center', baseline: 'alphabetic', fontSize: 11, fill: COLORS.soft.light },
      encoding: { x: { value: middle }, y: { value: -5 - 13 * row }, text: { field: 'text', type: 'nominal' } },
    };
    return row < 0 ? [line] : [line, label];
  });
}
