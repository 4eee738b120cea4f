import { COLORS } from './colors.js';
import type { CurveView, RisePoint } from './curves.js';
import { integer } from './format.js';
import { orderingName, orderingOf } from './orderings.js';
import { place, type Box, type Candidate, type Polyline } from './labels.js';
import { positionOf, riseTitle } from './scale.js';
import { roomFor } from './textWidth.js';
import { markOf, type GroupView } from './groupView.js';
import type { ReportView } from './view.js';

/** Size of a scree panel and its plot, px. */
export const PANEL = { width: 352, height: 250, left: 54, top: 40, plotWidth: 286, plotHeight: 170 } as const;

/** Words in a plot: the room they may take in the widest font. */
export interface Label extends Box {
  readonly text: string;
  readonly color: string;
  readonly size: number;
  readonly bold: boolean;
}

/** Colour and dash say whose weights; the curve's own label says it in words. */
export function curveColor(curve: CurveView): string {
  if (curve.curve.basis !== 'tail') return orderingOf(curve.curve).color;
  return curve.curve.weights === 'original' ? COLORS.soft.light : COLORS.tail.light;
}

export function curveName(curve: CurveView): string {
  if (curve.curve.basis !== 'tail') return orderingName(curve.curve);
  return { original: "original's weights", retrained: 'retrained', control: 'control' }[curve.curve.weights];
}

/** Full width is lowest by default and needs no mark. */
export function isMarked(curve: CurveView): boolean {
  return curve.lowest.k < curve.curve.n;
}

/** Where the words of a panel go, in px of the plot. What finds no room is left out: the text below says it too. */
export function panelLabels(view: ReportView, group: GroupView): Label[] {
  const { chief, other, needs, plan } = group;
  const marked = plan === undefined && isMarked(chief) && chief.lowest.k !== needs?.k ? chief.lowest : undefined;
  const narrower = markOf(group);
  const put = placer(view, group, [narrower, marked]);
  const { scale } = view;
  if (view.line !== null) {
    const { y } = pixel(view, 1, 0, view.line);
    put('budget', COLORS.ink.light, 11, false, (w, h) => alongside(y, w, h));
  }
  const title = riseTitle(scale, 'above');
  put(title, COLORS.soft.light, 11, false, (w, h) => atTop(w, h));
  if (narrower !== undefined) {
    const p = pixel(view, group.n, narrower.k, narrower.rise);
    put(integer(narrower.k), COLORS.ink.light, 13, true, (w, h) => around(p, w, h));
  }
  if (marked !== undefined) {
    const p = pixel(view, group.n, marked.k, marked.rise);
    put(`lowest ${integer(marked.k)}`, COLORS.soft.light, 11, false, (w, h) => around(p, w, h));
  }
  put(curveName(chief), curveColor(chief), 11, false, (w, h) =>
    beside(polyline(view, group.n, chief.points), w, h, true),
  );
  if (other !== undefined) {
    const line = polyline(view, group.n, other.points);
    put(curveName(other), curveColor(other), 11, false, (w, h) => beside(line, w, h, false), true);
  }
  return put.labels;
}

type Put = (
  text: string,
  color: string,
  size: number,
  bold: boolean,
  at: (w: number, h: number) => Candidate[],
  /** Rather no label than one with a line through it. */
  dispensable?: boolean,
) => void;

/** Places one label after the other around the dots, curves, drop line and budget line of a panel. */
function placer(
  view: ReportView,
  group: GroupView,
  dots: readonly (Pick<RisePoint, 'k' | 'rise'> | undefined)[],
): Put & { labels: Label[] } {
  const frame: Box = { x: 0, y: 0, width: PANEL.plotWidth + 6, height: PANEL.plotHeight };
  const curves = [group.chief, group.other].filter((c) => c !== undefined);
  const lines: Polyline[] = curves.map((c) => polyline(view, group.n, c.points));
  const centres = dots.flatMap((p) => (p === undefined ? [] : [pixel(view, group.n, p.k, p.rise)]));
  const taken: Box[] = centres.map((p) => ({ x: p.x - 6, y: p.y - 6, width: 12, height: 12 }));
  const drop = dots[0] === undefined ? undefined : centres[0];
  if (drop !== undefined) lines.push([drop, { x: drop.x, y: PANEL.plotHeight }]);
  if (view.line !== null) {
    const { y } = pixel(view, 1, 0, view.line);
    lines.push([
      { x: 0, y },
      { x: PANEL.plotWidth, y },
    ]);
  }
  const labels: Label[] = [];
  const put: Put = (text, color, size, bold, at, dispensable = false) => {
    const [width, height] = [roomFor(text, size, bold), size * 1.15];
    const { best, clear, crossed } = place(at(width, height), frame, taken, lines);
    if (best === undefined || !clear || (crossed && dispensable)) return;
    taken.push(best.box);
    labels.push({ ...best.box, text, color, size, bold });
  };
  return Object.assign(put, { labels });
}

function pixel({ axis }: ReportView, n: number, k: number, rise: number): { x: number; y: number } {
  return { x: (PANEL.plotWidth * k) / Math.max(1, n), y: PANEL.plotHeight * (1 - positionOf(axis, rise)) };
}

function polyline(view: ReportView, n: number, points: readonly RisePoint[]): Polyline {
  return points.map((p) => pixel(view, n, p.k, p.rise));
}

function spread(width: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => (width * i) / count);
}

/** Above or below a level line, the right end first. */
export function alongside(y: number, width: number, height: number): Candidate[] {
  return spread(PANEL.plotWidth + 6 - width, 8).flatMap((x, i) => [
    { box: { x, y: y - height - 3, width, height }, dislike: (8 - i) * 6 },
    { box: { x, y: y + 3, width, height }, dislike: (8 - i) * 6 + 3 },
  ]);
}

/** The right end of the top first; the bottom where curves fill the top. */
export function atTop(width: number, height: number): Candidate[] {
  const bottom = PANEL.plotHeight - height - 5;
  return spread(PANEL.plotWidth - width, 12).flatMap((x, i) => [
    { box: { x, y: 4, width, height }, dislike: 2 * (12 - i) },
    { box: { x: x + 4, y: bottom, width, height }, dislike: 30 + i },
  ]);
}

/** Beside a dot, the right side first. */
export function around(p: { x: number; y: number }, width: number, height: number): Candidate[] {
  const gap = 11;
  const middle = p.y - height / 2;
  return [
    [p.x + gap, middle],
    [p.x + gap, p.y - height - 4],
    [p.x - gap - width, middle],
    [p.x + gap, p.y + 4],
    [p.x - width / 2, p.y - height - gap],
    [p.x - width / 2, p.y + gap],
    [p.x - gap - width, p.y + 4],
    [p.x - gap - width, p.y - height - 4],
    [p.x + gap, p.y - height - 14],
    [p.x - width / 2, p.y - height - 22],
    [p.x - 4, p.y - height - 24],
    [p.x - 4, p.y - height - 36],
    [p.x - width / 2, p.y + 24],
    [p.x + gap, p.y + 18],
    [p.x - gap - width, p.y + 18],
    [p.x - width / 2, p.y - height - 34],
  ].map(([x = 0, y = 0], i) => ({ box: { x, y, width, height }, dislike: i * 3 }));
}

/** Beside a curve: the chief's name below left of it, the other's above right, where there is room. */
function beside(line: Polyline, width: number, height: number, below: boolean): Candidate[] {
  return resample(line, 10).flatMap((p) => {
    const side = (x: number, y: number, dislike: number): Candidate => ({
      box: { x, y, width, height },
      dislike: dislike + Math.abs(p.x / PANEL.plotWidth - 0.3) * 10,
    });
    return [
      side(p.x + 7, p.y - height - 3, below ? 8 : 0),
      side(p.x + 8, p.y - height / 2, 2),
      side(p.x - width - 7, p.y + 3, below ? 0 : 8),
      side(p.x - width - 8, p.y - height / 2, below ? 1 : 9),
      side(p.x - width / 2, p.y + 7, below ? 2 : 10),
      side(p.x - width / 2, p.y - height - 7, below ? 10 : 2),
    ];
  });
}

/** Points on the line, at most `step` px apart. */
function resample(line: Polyline, step: number): Polyline {
  return line.flatMap((b, i) => {
    const a = line[i - 1] ?? b;
    const parts = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / step));
    return Array.from({ length: parts }, (_, s) => ({
      x: a.x + ((b.x - a.x) * (s + 1)) / parts,
      y: a.y + ((b.y - a.y) * (s + 1)) / parts,
    }));
  });
}
