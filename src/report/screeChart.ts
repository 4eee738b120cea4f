import type { TopLevelSpec } from 'vega-lite';

import { COLORS } from './colors.js';
import type { CurveView, RisePoint } from './curves.js';
import { shorten } from './escape.js';
import { costAxis, riseEncoding, widthEncoding } from './screeAxes.js';
import { curveColor, curveName, isMarked, PANEL, panelLabels, type Label } from './panelLabels.js';
import { riseText } from './scale.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import { markOf, type GroupView } from './groupView.js';
import type { ReportView } from './view.js';

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
  const base = {
    data: { values: [{ k: 0, y: 0 }] },
    mark: { type: 'point', opacity: 0 },
    encoding: { x: widthEncoding(group), y: riseEncoding(view) },
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
    layer: [{ layer: [base, ...layers] }, costAxis(group)],
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
  const { plan } = group;
  const needs =
    plan !== undefined
      ? ` The plan keeps ${plan.group.k} of ${plan.group.n}.`
      : scale.budget === null
        ? ''
        : group.needs === null
          ? ` No width is shown to hold ${scale.budgetText ?? ''}.`
          : ` ${group.needs.k} of ${group.n} hold ${scale.budgetText ?? ''}.`;
  const full = end === undefined ? '' : ` At full width ${riseText(scale, end.rise)}.`;
  const low = group.chief.lowest;
  return `${shorten(group.name, 40)}: rise of the loss against ${unitsOf(group.chief)} kept, ${curveName(group.chief)}.${needs} Lowest with ${low.k}: ${riseText(scale, low.rise)}.${full}`;
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

export function budgetLine({ line: at }: Pick<ReportView, 'line'>): Layer[] {
  if (at === null) return [];
  return [
    {
      data: { values: [{ y: at }] },
      mark: { type: 'rule', color: COLORS.ink.light, strokeWidth: 1.2, strokeDash: [5, 3] },
      encoding: { y: XY.y },
    },
  ];
}

/** The plan, or the width needed alone: ink dot and drop line. The lowest point: a ring. */
function marks({ axis }: ReportView, group: GroupView): Layer[] {
  const layers: Layer[] = [];
  const { chief } = group;
  const mark = markOf(group);
  if (mark !== undefined) {
    const at = { values: [{ k: mark.k, y: mark.rise, floor: axis.domain[0] }] };
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
          ...(mark.measured
            ? { color: COLORS.ink.light, stroke: COLORS.paper.light, strokeWidth: 1.5 }
            : { fill: COLORS.paper.light, stroke: COLORS.ink.light, strokeWidth: 2 }),
          opacity: 1,
        },
        encoding: XY,
      },
    );
  }
  if (isMarked(chief) && group.plan === undefined) {
    const ring = {
      type: 'point',
      shape: 'circle',
      filled: true,
      size: 55,
      fill: COLORS.paper.light,
      stroke: curveColor(chief),
      strokeWidth: 2,
      opacity: 1,
    };
    if (chief.lowest.k !== group.needs?.k) layers.push({ data: values([chief.lowest]), mark: ring, encoding: XY });
  }
  return layers;
}

/** Words in the plot, each put where nothing else is. */
function texts(view: ReportView, group: GroupView): Layer[] {
  return panelLabels(view, group).flatMap(textLayers);
}

/** A halo in paper keeps words legible over lines: the same text twice. */
export function textLayers(l: Label): Layer[] {
  return [
    textLayer(l, { fill: COLORS.paper.light, stroke: COLORS.paper.light, strokeWidth: 4, strokeJoin: 'round' }),
    textLayer(l, { fill: l.color }),
  ];
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
