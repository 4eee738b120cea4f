import type { Cost } from '../records/types.js';
import {
  COMPARE_AXES,
  costOf,
  smallestCost,
  type CompareAxis,
  type ComparedCurve,
  type ComparedGroupView,
  type CompareView,
} from './compareView.js';
import type { RisePoint } from './curves.js';
import { bytes, compact, integer } from './format.js';
import { PANEL } from './panelLabels.js';
import { roundTicks, widthTicks } from './scale.js';
import { roomFor } from './textWidth.js';

/** What the radios and the axes are called. */
export const AXIS_NAMES: Readonly<Record<CompareAxis, { readonly short: string; readonly title: string }>> = {
  parameters: { short: 'parameters', title: 'parameters of the model' },
  macs: { short: 'multiply-adds', title: 'multiply-adds of the model' },
  bytes: { short: 'bytes', title: 'bytes of the model' },
  k: { short: 'k (not equal cost)', title: 'k, width or rank: not equal cost' },
};

/** x of one comparison panel. */
export interface CostAxis {
  readonly name: CompareAxis;
  readonly domain: readonly [number, number];
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/** From the smallest measured model to the full one; k from 0 to the widest. Each panel has its own: see the stake in its heading. */
export function costAxisOf(group: ComparedGroupView, name: CompareAxis, full: Cost): CostAxis {
  if (name === 'k') {
    const n = widest(group);
    return { name, domain: [0, n], ticks: widthTicks(n).map((value) => ({ value, label: integer(value) })) };
  }
  const low = group.drawn.reduce((least, c) => Math.min(least, smallestCost(c, name, full)), full[name]);
  // Nothing to save on this axis: a point needs some room all the same.
  const domain: [number, number] = low < full[name] ? [low, full[name]] : [low - 1, full[name] + 1];
  return { name, domain, ticks: apart(domain, costTicks(domain, name === 'bytes')) };
}

/** Directions of inputs (`pca`) and of split windows can be many more than units or ranks; the axis ends with those. */
function widest({ drawn }: ComparedGroupView): number {
  const plain = drawn.filter((c) => !['pca', 'svd-spatial'].includes(c.view.curve.basis));
  return Math.max(1, ...(plain.length > 0 ? plain : drawn).map((c) => c.view.curve.n));
}

function costTicks([low, high]: readonly [number, number], binary: boolean): CostAxis['ticks'] {
  const unit = binary ? 1024 ** Math.max(0, Math.floor(Math.log(high) / Math.log(1024))) : 1;
  return roundTicks(low / unit, high / unit, 4).map((v) => {
    const value = v * unit;
    const short = binary ? bytes(value) : compact(value);
    return { value, label: short.length > 8 ? integer(value) : short };
  });
}

/** Labels keep their distance and stay inside the chart. */
function apart([low, high]: readonly [number, number], ticks: CostAxis['ticks']): CostAxis['ticks'] {
  let end = -Infinity;
  return ticks.filter(({ value, label }) => {
    const half = roomFor(label, 11) / 2;
    const x = (PANEL.plotWidth * (value - low)) / (high - low);
    if (x - half < end + 8 || x + half > PANEL.width - PANEL.left) return false;
    end = x + half;
    return true;
  });
}

/** Above this many panels an axis that shows what another one shows is left out. */
const PANELS_WITH_ALL_AXES = 3;
/** Of the axis: as far as points may move before it is another picture. */
const SAME = 0.01;

/** The axes that a page offers: all four, but of many panels only those that differ; the chosen one always. */
export function axesOf({ record, groups, panels }: CompareView): CompareAxis[] {
  if (panels <= PANELS_WITH_ALL_AXES) return [...COMPARE_AXES];
  const kept: CompareAxis[] = [record.axis];
  const shown = groups.slice(0, panels);
  for (const name of COMPARE_AXES) {
    if (kept.includes(name)) continue;
    const isNew =
      name === 'k' || kept.every((other) => other === 'k' || shown.some((g) => differ(g, name, other, record.model)));
    if (isNew) kept.push(name);
  }
  return COMPARE_AXES.filter((name) => kept.includes(name));
}

function differ(group: ComparedGroupView, a: CompareAxis, b: CompareAxis, full: Cost): boolean {
  const share = (curve: ComparedCurve, point: RisePoint, axis: CostAxis): number =>
    (xOf(curve, point, axis, full) - axis.domain[0]) / (axis.domain[1] - axis.domain[0]);
  const [first, second] = [costAxisOf(group, a, full), costAxisOf(group, b, full)];
  return group.drawn.some((c) => c.view.points.some((p) => Math.abs(share(c, p, first) - share(c, p, second)) > SAME));
}

export function xOf(curve: ComparedCurve, point: RisePoint, axis: CostAxis, full: Cost): number {
  return axis.name === 'k' ? point.k : costOf(curve, point, axis.name, full);
}

/** The measured points on this axis, from left to right. Of those at the full model's cost the first and the last stand for all. */
export function pointsOn(curve: ComparedCurve, axis: CostAxis, full: Cost): { x: number; y: number }[] {
  const all = curve.view.points.map((p) => ({ x: xOf(curve, p, axis, full), y: p.rise }));
  const inside = all.filter((p) => p.x <= axis.domain[1]);
  return inside.filter((p, i) => i === 0 || p.x !== inside[i - 1]?.x || p.x !== inside[i + 1]?.x);
}
