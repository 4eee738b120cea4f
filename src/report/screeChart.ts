import type { TopLevelSpec } from 'vega-lite';

import { COLORS } from './colors.js';
import type { CurveView, RisePoint } from './curves.js';
import { shorten } from './escape.js';
import { compact, integer } from './format.js';
import { curveColor, curveName, isMarked, PANEL, panelLabels, type Label } from './panelLabels.js';
import { riseText, roundTicks, widthTicks } from './scale.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import { roomFor } from './textWidth.js';
import type { GroupView, ReportView } from './view.js';

type Layer = Record<string, unknown>;

/**
 * Scree plot of one group: rise of the loss over k, the leading curve with its 95 % band, the other one dashed, the
 * budget, the width needed alone, the lowest point; parameters of the model on top.
 */
export function screeChart(view: ReportView, group: GroupView): Chart {
  const { chief, other } = group;
  const layers = [
    ...band(chief),
    ...budgetLine(view),
    ...(other === undefined ? [] : [line(other, 1.5, [4, 3])]),
    line(chief, 2),
    dots(chief),
    ...marks(view, group),
    ...texts(view, group),
  ];
  const scaleX = { domain: [0, group.n], nice: false, zero: false };
  const ticks = widthTicks(group.n);
  const x = {
    field: 'k',
    type: 'quantitative',
    scale: scaleX,
    axis: {
      values: ticks,
      labelExpr: labelExpr(ticks.map((k) => [k, integer(k)])),
      title: `${unitsOf(chief)} kept`,
      grid: false,
      titlePadding: 6,
    },
  };
  const base = {
    data: { values: [{ k: 0, y: 0 }] },
    mark: { type: 'point', opacity: 0 },
    encoding: { x, y: yEncoding(view) },
  };
  const spec = {
    ...CHART_CONFIG,
    width: PANEL.plotWidth,
    height: PANEL.plotHeight,
    padding: {
      left: PANEL.left,
      top: PANEL.top,
      right: PANEL.width - PANEL.left - PANEL.plotWidth,
      bottom: PANEL.height - PANEL.top - PANEL.plotHeight,
    },
    layer: [{ layer: [base, ...layers] }, costAxis(group, scaleX)],
    resolve: { scale: { x: 'independent' } },
  } as unknown as TopLevelSpec;
  return { id: `scree-${group.id}`, width: PANEL.width, height: PANEL.height, label: ariaLabel(view, group), spec };
}

function unitsOf(curve: CurveView): string {
  return curve.curve.kind === 'rank' ? 'rank' : 'units';
}

function ariaLabel(view: ReportView, group: GroupView): string {
  const { scale } = view;
  const end = group.chief.points.at(-1);
  const needs =
    scale.budget === null
      ? ''
      : group.needs === null
        ? ` No width is shown to hold ${scale.budgetText ?? ''}.`
        : ` ${group.needs.k} of ${group.n} hold ${scale.budgetText ?? ''}.`;
  const full = end === undefined ? '' : ` At full width ${riseText(scale, end.rise)}.`;
  const low = group.chief.lowest;
  return `${shorten(group.name, 40)}: rise of the loss against ${unitsOf(group.chief)} kept, ${curveName(group.chief)}.${needs} Lowest with ${low.k}: ${riseText(scale, low.rise)}.${full}`;
}

function yEncoding({ axis }: ReportView): Layer {
  return {
    field: 'y',
    type: 'quantitative',
    scale: { type: 'symlog', constant: axis.constant, domain: [...axis.domain], clamp: true, nice: false, zero: false },
    axis: {
      values: axis.ticks.map((t) => t.value),
      labelExpr: labelExpr(axis.ticks.map((t) => [t.value, t.label])),
      title: null,
      domain: false,
      ticks: false,
      labelPadding: 4,
    },
  };
}

/** An expression of exact comparisons. The labels are made of numbers here, never of names. */
function labelExpr(labels: readonly (readonly [number, string])[]): string {
  return `${labels.map(([v, text]) => `datum.value==${v}?${JSON.stringify(text)}:`).join('')}''`;
}

const XY = { x: { field: 'k', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } };

function values(points: readonly RisePoint[]): Layer {
  return { values: points.map((p) => ({ k: p.k, y: p.rise, low: p.low, high: p.high })) };
}

function band(curve: CurveView): Layer[] {
  return [
    {
      data: values(curve.points),
      mark: { type: 'area', color: curveColor(curve), fillOpacity: 0.25, line: false },
      encoding: { x: XY.x, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
    },
  ];
}

function line(curve: CurveView, width: number, dash?: number[]): Layer {
  const mark = {
    type: 'line',
    color: curveColor(curve),
    strokeWidth: width,
    ...(dash === undefined ? {} : { strokeDash: dash }),
  };
  return { data: values(curve.points), mark, encoding: XY };
}

/** A dot per measured point, smaller where they would merge into beads. */
function dots(curve: CurveView): Layer {
  const gap = (PANEL.plotWidth / Math.max(1, curve.curve.n)) * medianGap(curve.points);
  const radius = gap < 5.5 ? 1.4 : 2.1;
  return {
    data: values(curve.points),
    mark: { type: 'circle', size: Math.PI * radius ** 2, color: curveColor(curve), opacity: 1 },
    encoding: XY,
  };
}

function medianGap(points: readonly RisePoint[]): number {
  const gaps = points.slice(1).map((p, i) => p.k - (points[i]?.k ?? 0));
  return gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? Infinity;
}

function budgetLine({ scale }: ReportView): Layer[] {
  if (scale.budget === null) return [];
  return [
    {
      data: { values: [{ y: scale.budget }] },
      mark: { type: 'rule', color: COLORS.ink.light, strokeWidth: 1.2, strokeDash: [5, 3] },
      encoding: { y: XY.y },
    },
  ];
}

/** The width needed alone: ink dot and drop line. The lowest point: a ring. */
function marks({ axis }: ReportView, { best, needs, chief }: GroupView): Layer[] {
  const layers: Layer[] = [];
  if (needs !== null && needs.k < best.curve.n) {
    const at = { values: [{ k: needs.k, y: needs.rise, floor: axis.domain[0] }] };
    layers.push(
      {
        data: at,
        mark: { type: 'rule', color: COLORS.ink.light, strokeWidth: 1.2 },
        encoding: { ...XY, y2: { field: 'floor' } },
      },
      {
        data: at,
        mark: {
          type: 'point',
          shape: 'circle',
          filled: true,
          size: 70,
          color: COLORS.ink.light,
          stroke: COLORS.paper.light,
          strokeWidth: 1.5,
          opacity: 1,
        },
        encoding: XY,
      },
    );
  }
  if (isMarked(chief)) {
    const mark = {
      type: 'point',
      shape: 'circle',
      filled: true,
      size: 55,
      fill: COLORS.paper.light,
      stroke: curveColor(chief),
      strokeWidth: 2,
      opacity: 1,
    };
    if (chief.lowest.k !== needs?.k) layers.push({ data: values([chief.lowest]), mark, encoding: XY });
  }
  return layers;
}

function costAxis(group: GroupView, scale: Layer): Layer {
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
    encoding: { x: { field: 'k', type: 'quantitative', scale, axis } },
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

/** Words in the plot, each put where nothing else is; a halo in paper keeps them legible over lines. */
function texts(view: ReportView, group: GroupView): Layer[] {
  return panelLabels(view, group).flatMap((l) => [
    textLayer(l, { fill: COLORS.paper.light, stroke: COLORS.paper.light, strokeWidth: 4, strokeJoin: 'round' }),
    textLayer(l, { fill: l.color }),
  ]);
}

function textLayer(l: Label, paint: Layer): Layer {
  return {
    data: { values: [{ text: l.text }] },
    mark: {
      type: 'text',
      align: 'left',
      baseline: 'alphabetic',
      fontSize: l.size,
      fontWeight: l.bold ? 700 : 400,
      ...paint,
    },
    encoding: { x: { value: l.x }, y: { value: l.y + 0.8 * l.height }, text: { field: 'text', type: 'nominal' } },
  };
}
