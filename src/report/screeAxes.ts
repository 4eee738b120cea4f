import type { RisePoint } from './curves.js';
import { compact, integer } from './format.js';
import { PANEL } from './panelLabels.js';
import { positionOf, roundTicks, widthTicks, type RiseAxis } from './scale.js';
import { roomFor } from './textWidth.js';
import type { GroupView } from './groupView.js';
import type { ReportView } from './view.js';

/** Height of a line of tick labels, px. */
const LINE = 13;

type Layer = Record<string, unknown>;

/** x: k from 0 to n, linear, so that position reads as share of the width. */
export function widthEncoding(group: GroupView): Layer {
  const ticks = widthTicks(group.n);
  const axis = {
    values: ticks,
    labelExpr: labelExpr(ticks.map((k) => [k, integer(k)])),
    title: group.chief.curve.kind === 'rank' ? 'rank kept' : 'units kept',
    grid: false,
    titlePadding: 6,
  };
  return { field: 'k', type: 'quantitative', scale: widthScale(group), axis };
}

function widthScale({ n }: GroupView): Layer {
  return { domain: [0, n], nice: false, zero: false };
}

/** y: rise of the loss, symlog, one domain for all panels. */
export function riseEncoding({ axis, line }: Pick<ReportView, 'axis' | 'line'>): Layer {
  const ticks = spaced(axis, line);
  return {
    field: 'y',
    type: 'quantitative',
    scale: { type: 'symlog', constant: axis.constant, domain: [...axis.domain], clamp: true, nice: false, zero: false },
    axis: {
      values: ticks.map((t) => t.value),
      labelExpr: labelExpr(ticks.map((t) => [t.value, t.label])),
      labelOverlap: false,
      title: null,
      domain: false,
      ticks: false,
      labelPadding: 4,
    },
  };
}

/** Ticks at least a line apart: 0 first, then the budget, then the outer ones. vega would drop every other one. */
export function spaced(axis: RiseAxis, budget: number | null): RiseAxis['ticks'] {
  const kept: RiseAxis['ticks'][number][] = [];
  const rank = (value: number): number => (value === 0 ? -2 : value === budget ? -1 : -Math.abs(value) / 1e9);
  for (const tick of axis.ticks.toSorted((a, b) => rank(a.value) - rank(b.value))) {
    const y = PANEL.plotHeight * positionOf(axis, tick.value);
    if (kept.every((k) => Math.abs(PANEL.plotHeight * positionOf(axis, k.value) - y) >= LINE)) kept.push(tick);
  }
  return kept.sort((a, b) => a.value - b.value);
}

/** An expression of exact comparisons. The labels are made of numbers here, never of names. */
export function labelExpr(labels: readonly (readonly [number, string])[]): string {
  return `${labels.map(([v, text]) => `datum.value==${v}?${JSON.stringify(text)}:`).join('')}''`;
}

/** A second axis on top: parameters of the whole model. */
export function costAxis(group: GroupView): Layer {
  const ticks = costTicks(group.chief.points);
  const axis = {
    orient: 'top',
    values: ticks.map((t) => t.k),
    labelExpr: labelExpr(ticks.map((t) => [t.k, t.label])),
    title: 'parameters of the model',
    grid: false,
    titlePadding: 5,
  };
  return {
    data: { values: [{ k: 0 }] },
    mark: { type: 'point', opacity: 0 },
    encoding: { x: { field: 'k', type: 'quantitative', scale: widthScale(group), axis } },
  };
}

/** Round numbers of parameters and the (interpolated) k where the model has them; cost need not be linear in k. */
export function costTicks(points: readonly RisePoint[]): { k: number; label: string }[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || last.k === 0) return [];
  const candidates = roundTicks(first.source.parameters, last.source.parameters, 4);
  const ticks = candidates.map((value) => ({ k: widthAt(points, value), label: tickText(value) }));
  let end = -Infinity;
  return ticks.filter(({ k, label }) => {
    const half = roomFor(label, 11) / 2;
    const x = (PANEL.plotWidth * k) / last.k;
    if (x - half < end + 8 || x + half > PANEL.width - PANEL.left) return false;
    end = x + half;
    return true;
  });
}

/** `242 K`, or all digits where rounding would hide what tells ticks apart. */
function tickText(value: number): string {
  const short = compact(value);
  return short.length > 6 ? integer(value) : short;
}

function widthAt(points: readonly RisePoint[], parameters: number): number {
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    if (a === undefined || b === undefined || b.source.parameters < parameters) continue;
    const span = b.source.parameters - a.source.parameters;
    const k = a.k + (span > 0 ? ((parameters - a.source.parameters) / span) * (b.k - a.k) : 0);
    return Number(k.toFixed(4));
  }
  return points.at(-1)?.k ?? 0;
}
