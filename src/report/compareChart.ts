import type { TopLevelSpec } from 'vega-lite';

import type { Cost } from '../records/types.js';
import { COLORS } from './colors.js';
import { AXIS_NAMES, costAxisOf, pointsOn, xOf, type CostAxis } from './compareAxes.js';
import { chosen, chosenPoint } from './compareDot.js';
import { referenceCost, type CompareAxis, type ComparedCurve, type ComparedGroupView } from './compareView.js';
import { shorten } from './escape.js';
import { compareLabels, pixels } from './compareLabels.js';
import { simplify } from './labels.js';
import { PANEL } from './panelLabels.js';
import { toText } from './phrase.js';
import { labelExpr, riseEncoding } from './screeAxes.js';
import { budgetLine, textLayers } from './screeChart.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import type { ReportView } from './view.js';

type Layer = Record<string, unknown>;

/** A plot as large as a scree panel's, without its second axis. */
export const COMPARE_PANEL = { ...PANEL, top: 8, height: 8 + PANEL.plotHeight + 42 } as const;
const BEST = 2.6;
const REST = 1.5;
/** px between the symbols of a curve: a symbol names a curve, it need not stand at every point. */
const BETWEEN = 52;
/** px that a line may stray from a measured point: less than a quarter of its own width. */
const TOLERANCE = 0.3;

export function compareChartId(group: ComparedGroupView, axis: CompareAxis): string {
  return `compare-${group.id}-${axis}`;
}

/** All orderings of one group on one x axis: cost, or k with what is larger than full in grey. */
export function compareChart(view: ReportView, group: ComparedGroupView, name: CompareAxis): Chart {
  const full = view.sweep.model;
  const axis = costAxisOf(group, name, full);
  const curves = [...group.drawn].reverse().sort((a, b) => Number(a === chosen(group)) - Number(b === chosen(group)));
  const spec = {
    ...CHART_CONFIG,
    width: PANEL.plotWidth,
    height: PANEL.plotHeight,
    padding: {
      left: PANEL.left,
      top: COMPARE_PANEL.top,
      right: PANEL.width - PANEL.left - PANEL.plotWidth,
      bottom: COMPARE_PANEL.height - COMPARE_PANEL.top - PANEL.plotHeight,
    },
    layer: [
      {
        data: { values: [{ x: axis.domain[0], y: 0 }] },
        mark: { type: 'point', opacity: 0 },
        encoding: { x: xEncoding(axis), y: riseEncoding(view) },
      },
      ...zone(view, group, axis),
      ...reference(view, group, axis),
      ...budgetLine(view),
      ...curves.flatMap((c) => curveLayers(view, group, c, axis)),
      ...chosenDot(group, axis, full),
      ...compareLabels(view, group, axis).flatMap(textLayers),
    ],
  } as unknown as TopLevelSpec;
  const { width } = PANEL;
  return {
    id: compareChartId(group, name),
    width,
    height: COMPARE_PANEL.height,
    label: ariaLabel(view, group, name),
    spec,
  };
}

function ariaLabel({ scale }: ReportView, group: ComparedGroupView, name: CompareAxis): string {
  const { winner } = group;
  const needs = winner?.view.needs;
  const best =
    winner === undefined || needs == null
      ? ''
      : ` Smallest that holds ${scale.budgetText ?? ''}: ${toText(winner.ordering.label)}, k = ${needs.k}.`;
  return `${shorten(group.name, 40)}: rise of the loss against ${AXIS_NAMES[name].title}, ${group.drawn.length} orderings.${best}`;
}

const XY = { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } };

function xEncoding(axis: CostAxis): Layer {
  return {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [...axis.domain], nice: false, zero: false },
    axis: {
      values: axis.ticks.map((t) => t.value),
      labelExpr: labelExpr(axis.ticks.map((t) => [t.value, t.label])),
      title: AXIS_NAMES[axis.name].title,
      grid: false,
      titlePadding: 6,
    },
  };
}

/** Right of break-even a layer split in two is larger than whole. On a cost axis such points sit at the full model's cost. */
function zone({ axis: y }: ReportView, { kernel }: ComparedGroupView, axis: CostAxis): Layer[] {
  if (axis.name !== 'k' || kernel === undefined || kernel.breakEven >= axis.domain[1]) return [];
  return [
    {
      data: { values: [{ x: kernel.breakEven, x2: axis.domain[1], y: y.domain[0], y2: y.domain[1] }] },
      mark: { type: 'rect', color: COLORS.faint.light, opacity: 1 },
      encoding: { ...XY, x2: { field: 'x2' }, y2: { field: 'y2' } },
    },
  ];
}

/** A thin line at the cost that the words below rank at. */
function reference(view: ReportView, group: ComparedGroupView, axis: CostAxis): Layer[] {
  if (axis.name === 'k') return [];
  return [
    {
      data: { values: [{ x: referenceCost(group, axis.name, view.sweep.model) }] },
      mark: { type: 'rule', color: COLORS.fill.light, strokeWidth: 1 },
      encoding: { x: XY.x },
    },
  ];
}

function curveLayers(view: ReportView, group: ComparedGroupView, curve: ComparedCurve, axis: CostAxis): Layer[] {
  const { color, dash, shape, hollow } = curve.ordering;
  const points = pointsOn(curve, axis, view.sweep.model);
  const { x, y } = pixels(view, axis);
  const corners = simplify(
    points.map((p) => ({ x: x(p.x), y: y(p.y), p })),
    TOLERANCE,
  ).map(({ p }) => p);
  const line = {
    type: 'line',
    color,
    strokeWidth: curve === chosen(group) ? BEST : REST,
    ...(dash.length > 0 ? { strokeDash: [...dash] } : {}),
  };
  const symbol = {
    type: 'point',
    shape,
    size: 26,
    filled: true,
    opacity: 1,
    ...(hollow || shape === 'stroke'
      ? { fill: COLORS.paper.light, stroke: color, strokeWidth: 1.4 }
      : { color, strokeWidth: 0 }),
  };
  return [
    { data: { values: corners }, mark: line, encoding: XY },
    { data: { values: symbolsOn(points, axis, group.drawn.indexOf(curve)) }, mark: symbol, encoding: XY },
  ];
}

/** A few of the points, each curve starting elsewhere, so that symbols of curves on top of each other don't hide one another. */
function symbolsOn(points: readonly { x: number; y: number }[], axis: CostAxis, turn: number): Layer[] {
  const px = (x: number): number => (PANEL.plotWidth * (x - axis.domain[0])) / (axis.domain[1] - axis.domain[0]);
  let next = 6 + ((turn * 19) % BETWEEN);
  const kept = points.filter((p) => {
    if (px(p.x) < next) return false;
    next = px(p.x) + BETWEEN;
    return true;
  });
  return kept.length > 0 ? kept : points.slice(-1);
}

function chosenDot(group: ComparedGroupView, axis: CostAxis, full: Cost): Layer[] {
  const [curve, point] = [chosen(group), chosenPoint(group)];
  if (curve === undefined || point === undefined) return [];
  const mark = {
    type: 'point',
    shape: 'circle',
    filled: true,
    size: 70,
    color: COLORS.ink.light,
    stroke: COLORS.paper.light,
    strokeWidth: 1.5,
    opacity: 1,
  };
  return [{ data: { values: [{ x: xOf(curve, point, axis, full), y: point.rise }] }, mark, encoding: XY }];
}
