import type { TopLevelSpec } from 'vega-lite';

import { COLORS } from './colors.js';
import { bytes, compact, significant } from './format.js';
import { place, type Box, type Polyline } from './labels.js';
import { alongside, around, atTop, PANEL, type Label } from './panelLabels.js';
import { sameWidths, type JointView, type PlanView } from './planView.js';
import { positionOf, riseText, riseTitle, roundTicks, type RiseAxis } from './scale.js';
import { labelExpr, riseEncoding } from './screeAxes.js';
import { budgetLine, textLayers } from './screeChart.js';
import { CHART_CONFIG, type Chart } from './svg.js';
import { roomFor } from './textWidth.js';
import type { ReportView } from './view.js';

type Layer = Record<string, unknown>;

/** As large as a panel, without a second axis. */
export const FRONTIER = { ...PANEL, top: 8, height: 8 + PANEL.plotHeight + 42 } as const;
const TITLES = {
  parameters: 'parameters of the model',
  macs: 'multiply-adds of the model',
  bytes: 'bytes of the model',
  latency: 'ms for one example, predicted',
} as const;
const XY = { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } };

/** What is drawn and where its words may not go. */
interface Drawing {
  readonly layers: readonly Layer[];
  readonly taken: readonly Point[];
  readonly lines: readonly (readonly Point[])[];
  readonly words: readonly Word[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Word {
  readonly text: string;
  readonly color: string;
  /** Beside any of these, the first preferred. */
  readonly at: readonly Point[];
  readonly bold?: boolean;
}

/** Every joint model that was measured: cost from 0, rise; a mark says whether it holds, a ring is the plan, the square the original. */
export function frontierChart(view: ReportView, plan: PlanView): Chart | null {
  if (plan.joint.length === 0) return null;
  const chosen = plan.joint.find((j) => j.isPlan);
  const drawing: Drawing = {
    layers: [...plan.joint.map((j) => whisker(view.axis, j)), ...marks(plan), ...ring(chosen), ...originalMark(plan)],
    taken: [...plan.joint.map(at), ...originPoint(plan)],
    lines: [],
    words: [
      ...(chosen === undefined ? [] : [{ text: 'the plan', color: COLORS.ink.light, at: [at(chosen)], bold: true }]),
      ...originPoint(plan).map((p) => ({ text: 'original', color: COLORS.soft.light, at: [p] })),
    ],
  };
  const count = (v: JointView['verdict']): number => plan.joint.filter((j) => j.verdict === v).length;
  const label =
    `${plan.joint.length} joint models: ${count('holds')} hold, ${count('unresolved')} not resolved, ${count('broken')} break the budget.` +
    (chosen === undefined ? '' : ` The plan: ${riseText(plan.scale, chosen.rise)}.`);
  return chart('frontier', view, plan, drawing, label);
}

/** Cost against rise before and after tuning. Null where nothing was tuned. */
export function tuningChart(view: ReportView, plan: PlanView): Chart | null {
  const tuned = plan.joint.filter((j) => j.source.tuned).toSorted((a, b) => a.cost - b.cost);
  if (tuned.length === 0) return null;
  const untuned = plan.joint.filter((j) => !j.source.tuned);
  const before = frontier(untuned);
  const pairs = tuned.flatMap((t) => {
    const from = untuned.find((u) => sameWidths(u.source, t.source));
    return from === undefined ? [] : [[at(from), at(t)]];
  });
  const chosen = plan.joint.find((j) => j.isPlan);
  const drawing: Drawing = {
    layers: [
      ...pairs.map((p) => line(p, COLORS.fill.light, 1)),
      line(before.map(at), COLORS.soft.light, 1.5, [4, 3]),
      line(tuned.map(at), COLORS.tail.light, 2),
      dots([...before.map(at), ...pairs.flatMap((p) => p.slice(0, 1))], COLORS.soft.light, 26),
      dots(tuned.map(at), COLORS.tail.light, 40),
      ...ring(chosen),
      ...originalMark(plan),
    ],
    taken: [...before.map(at), ...tuned.map(at), ...originPoint(plan)],
    lines: [before.map(at), tuned.map(at)],
    words: [
      { text: 'after tuning', color: COLORS.tail.light, at: tuned.map(at) },
      { text: 'before', color: COLORS.soft.light, at: before.map(at) },
      ...(chosen === undefined ? [] : [{ text: 'the plan', color: COLORS.ink.light, at: [at(chosen)], bold: true }]),
      ...originPoint(plan).map((p) => ({ text: 'original', color: COLORS.soft.light, at: [p] })),
    ],
  };
  const gained = pairs.map(([a, b]) => (a?.y ?? 0) - (b?.y ?? 0));
  const most = gained.reduce((m, g) => Math.max(m, g), 0);
  const label = `Rise before and after tuning of ${tuned.length} plans; at most ${riseText(plan.scale, -most)} by tuning.`;
  return chart('tuning', view, plan, drawing, label);
}

/** The joint models that none is both cheaper and better than. */
function frontier(points: readonly JointView[]): JointView[] {
  let least = Infinity;
  const kept: JointView[] = [];
  for (const p of points.toSorted((a, b) => a.cost - b.cost || a.rise - b.rise)) {
    if (p.rise >= least) continue;
    least = p.rise;
    kept.push(p);
  }
  return kept;
}

function at(j: JointView): Point {
  return { x: j.cost, y: j.rise };
}

function originPoint({ cost }: PlanView): Point[] {
  return cost.original === null ? [] : [{ x: cost.original, y: 0 }];
}

function whisker({ domain }: RiseAxis, j: JointView): Layer {
  const [low, high] = [Math.max(domain[0], j.low), Math.min(domain[1], j.high)];
  return {
    data: { values: [{ x: j.cost, y: low, y2: high }] },
    mark: { type: 'rule', color: COLORS[j.verdict].light, strokeWidth: 1, opacity: 0.6 },
    encoding: { ...XY, y2: { field: 'y2' } },
  };
}

/** ● holds, ◇ not resolved, ✚ breaks; an outline in ink: tuned. */
function marks({ joint }: PlanView): Layer[] {
  const looks = {
    holds: { shape: 'circle', size: 42 },
    unresolved: { shape: 'diamond', size: 54 },
    broken: { shape: 'cross', size: 46 },
  } as const;
  // What holds is drawn last, on top.
  return (['broken', 'unresolved', 'holds'] as const).flatMap((verdict) =>
    [false, true].flatMap((tuned) => {
      const points = joint.filter((j) => j.verdict === verdict && j.source.tuned === tuned).map(at);
      if (points.length === 0) return [];
      const color = COLORS[verdict].light;
      const fill = verdict === 'unresolved' ? COLORS.paper.light : color;
      const stroke = tuned ? COLORS.ink.light : verdict === 'unresolved' ? color : COLORS.paper.light;
      const mark = { type: 'point', ...looks[verdict], filled: true, fill, stroke, opacity: 1 };
      return [
        {
          data: { values: points },
          mark: { ...mark, strokeWidth: tuned ? 1.4 : verdict === 'broken' ? 0 : 1.2 },
          encoding: XY,
        },
      ];
    }),
  );
}

function ring(chosen: JointView | undefined): Layer[] {
  if (chosen === undefined) return [];
  const mark = { type: 'point', shape: 'circle', size: 170, filled: false, stroke: COLORS.ink.light, strokeWidth: 2 };
  return [{ data: { values: [at(chosen)] }, mark: { ...mark, opacity: 1 }, encoding: XY }];
}

function originalMark(plan: PlanView): Layer[] {
  const mark = { type: 'point', shape: 'square', size: 52, filled: true, color: COLORS.ink.light, opacity: 1 };
  return originPoint(plan).map((p) => ({ data: { values: [p] }, mark, encoding: XY }));
}

function line(points: readonly Point[], color: string, strokeWidth: number, strokeDash?: readonly number[]): Layer {
  const mark = { type: 'line', color, strokeWidth, ...(strokeDash === undefined ? {} : { strokeDash }) };
  return { data: { values: [...points] }, mark, encoding: { ...XY, order: { field: 'x' } } };
}

function dots(points: readonly Point[], color: string, size: number): Layer {
  const mark = { type: 'point', shape: 'circle', filled: true, size, color, opacity: 1 };
  return { data: { values: [...points] }, mark, encoding: XY };
}

function chart(id: string, view: ReportView, plan: PlanView, drawing: Drawing, label: string): Chart {
  const top = plan.joint.reduce((m, j) => Math.max(m, j.cost), plan.cost.original ?? 0);
  const domain: [number, number] = [0, top > 0 ? 1.04 * top : 1];
  const { width, plotWidth, plotHeight, left } = PANEL;
  const spec = {
    ...CHART_CONFIG,
    width: plotWidth,
    height: plotHeight,
    padding: {
      left,
      top: FRONTIER.top,
      right: width - left - plotWidth,
      bottom: FRONTIER.height - FRONTIER.top - plotHeight,
    },
    layer: [
      {
        data: { values: [{ x: 0, y: 0 }] },
        mark: { type: 'point', opacity: 0 },
        encoding: { x: xEncoding(plan, domain), y: riseEncoding(view) },
      },
      ...budgetLine(view),
      ...drawing.layers,
      ...labels(view, plan, drawing, domain).flatMap(textLayers),
    ],
  } as unknown as TopLevelSpec;
  return { id, width, height: FRONTIER.height, label, spec };
}

function xEncoding({ record }: PlanView, domain: readonly [number, number]): Layer {
  const { minimize } = record;
  const unit = minimize === 'bytes' ? 1024 ** Math.max(0, Math.floor(Math.log(domain[1]) / Math.log(1024))) : 1;
  const ticks = roundTicks(0, domain[1] / unit, 4).map((v) => v * unit);
  const text = (v: number): string =>
    minimize === 'bytes' ? bytes(v) : minimize === 'latency' ? significant(v, 2) : compact(v);
  return {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [...domain], nice: false, zero: false },
    axis: {
      values: ticks,
      labelExpr: labelExpr(ticks.map((v) => [v, text(v)])),
      title: TITLES[minimize],
      grid: false,
      titlePadding: 6,
    },
  };
}

/** Words where nothing else is; what finds no room is left out, the text below says it too. */
function labels(view: ReportView, plan: PlanView, drawing: Drawing, domain: readonly [number, number]): Label[] {
  const px = ({ x, y }: Point): Point => ({
    x: (PANEL.plotWidth * x) / domain[1],
    y: PANEL.plotHeight * (1 - positionOf(view.axis, y)),
  });
  const frame: Box = { x: 0, y: 0, width: PANEL.plotWidth + 6, height: PANEL.plotHeight };
  const taken: Box[] = drawing.taken.map(px).map((p) => ({ x: p.x - 5, y: p.y - 5, width: 10, height: 10 }));
  const lines: Polyline[] = drawing.lines.map((l) => l.map(px));
  const found: Label[] = [];
  const put = (text: string, color: string, candidates: Parameters<typeof place>[0], size = 11, bold = false): void => {
    const { best, clear } = place(candidates, frame, taken, lines);
    if (best === undefined || !clear) return;
    taken.push(best.box);
    found.push({ ...best.box, text, color, size, bold });
  };
  const height = 11 * 1.15;
  for (const w of drawing.words) {
    const width = roomFor(w.text, 11, w.bold ?? false);
    const candidates = w.at.flatMap((p) => around(px(p), width, height));
    put(w.text, w.color, candidates, 11, w.bold ?? false);
  }
  if (view.line !== null) {
    const y = PANEL.plotHeight * (1 - positionOf(view.axis, view.line));
    lines.push([
      { x: 0, y },
      { x: PANEL.plotWidth, y },
    ]);
    put('budget', COLORS.ink.light, alongside(y, roomFor('budget', 11), height));
  }
  const title = riseTitle(plan.scale, 'above');
  put(title, COLORS.soft.light, atTop(roomFor(title, 11), height));
  return found;
}
