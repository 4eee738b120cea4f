import { COLORS } from './colors.js';
import { pointsOn, xOf, type CostAxis } from './compareAxes.js';
import { chosen, chosenPoint } from './compareDot.js';
import type { ComparedGroupView } from './compareView.js';
import { place, type Box, type Candidate, type Polyline } from './labels.js';
import { alongside, atTop, PANEL, type Label } from './panelLabels.js';
import { positionOf, riseTitle } from './scale.js';
import { roomFor } from './textWidth.js';
import type { ReportView } from './view.js';

const SIZE = 11;

/** Of the plot, y downwards. */
export function pixels(view: ReportView, { domain }: CostAxis): { x: (v: number) => number; y: (v: number) => number } {
  return {
    x: (v) => (PANEL.plotWidth * (v - domain[0])) / (domain[1] - domain[0]),
    y: (v) => PANEL.plotHeight * (1 - positionOf(view.axis, v)),
  };
}

/** Where the words of a comparison go, in px of the plot: where nothing else is. What finds no room is left out. */
export function compareLabels(view: ReportView, group: ComparedGroupView, axis: CostAxis): Label[] {
  const { scale } = view;
  const { x, y } = pixels(view, axis);
  const level = view.line === null ? undefined : y(view.line);
  const put = placer(view, group, axis, level);
  if (level !== undefined) put('budget', COLORS.ink.light, (w, h) => alongside(level, w, h));
  const edge = axis.name === 'k' ? group.kernel?.breakEven : undefined;
  if (edge !== undefined && edge < axis.domain[1]) {
    const room = PANEL.plotWidth - x(edge);
    const text = ['rank: larger than full', 'larger than full', 'larger'].find((t) => roomFor(t, SIZE) <= room - 6);
    if (text !== undefined) put(text, COLORS.soft.light, (w, h) => inZone(x(edge) + (room - w) / 2, w, h));
  }
  const title = riseTitle(scale, 'above');
  put(title, COLORS.soft.light, (w, h) => atTop(w, h));
  return put.labels;
}

type Put = (text: string, color: string, at: (w: number, h: number) => Candidate[]) => void;

/** Places one label after the other around the curves, the budget line and the winner's dot. */
function placer(
  view: ReportView,
  group: ComparedGroupView,
  axis: CostAxis,
  level: number | undefined,
): Put & { labels: Label[] } {
  const full = view.sweep.model;
  const { x, y } = pixels(view, axis);
  const lines: Polyline[] = group.drawn.map((c) => pointsOn(c, axis, full).map((p) => ({ x: x(p.x), y: y(p.y) })));
  const ends = [0, PANEL.plotWidth];
  if (level !== undefined) lines.push(ends.map((end) => ({ x: end, y: level })));
  const [curve, point] = [chosen(group), chosenPoint(group)];
  const dot =
    curve === undefined || point === undefined
      ? []
      : [{ x: x(xOf(curve, point, axis, full)) - 6, y: y(point.rise) - 6, width: 12, height: 12 }];
  const frame: Box = { x: 0, y: 0, width: PANEL.plotWidth + 6, height: PANEL.plotHeight };
  const labels: Label[] = [];
  const put: Put = (text, color, at) => {
    const [width, height] = [roomFor(text, SIZE), 1.15 * SIZE];
    const { best, clear } = place(at(width, height), frame, [...labels, ...dot], lines);
    if (best !== undefined && clear) labels.push({ ...best.box, text, color, size: SIZE, bold: false });
  };
  return Object.assign(put, { labels });
}

/** From the top of the grey zone downwards. */
function inZone(x: number, width: number, height: number): Candidate[] {
  return [4, 18, 32, 46].map((y, i) => ({ box: { x, y, width, height }, dislike: i }));
}
