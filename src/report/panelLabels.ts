import { COLORS } from './colors.js';
import type { CurveView, RisePoint } from './curves.js';
import { integer } from './format.js';
import { place, type Box, type Candidate, type Polyline } from './labels.js';
import { positionOf } from './scale.js';
import { roomFor } from './textWidth.js';
import type { GroupView, ReportView } from './view.js';

/** Size of a scree panel and its plot, px. */
export const PANEL = { width: 352, height: 250, left: 48, top: 40, plotWidth: 290, plotHeight: 170 } as const;

/** Words in a plot: the room they may take in the widest font. */
export interface Label extends Box {
  readonly text: string;
  readonly color: string;
  readonly size: number;
  readonly bold: boolean;
}

/** Colour and dash say whose weights; the curve's own label says it in words. */
export function curveColor(curve: CurveView): string {
  return curve.curve.weights === 'original' ? COLORS.soft.light : COLORS.tail.light;
}

export function curveName(curve: CurveView): string {
  return { original: "original's weights", retrained: 'retrained', control: 'control' }[curve.curve.weights];
}

/** Full width is lowest by default and needs no mark. */
export function isMarked(curve: CurveView): boolean {
  return curve.lowest.k < curve.curve.n;
}

/** Where the words of a panel go, in px of the plot. */
export function panelLabels(view: ReportView, group: GroupView): Label[] {
  const frame: Box = { x: 0, y: 0, width: PANEL.plotWidth + 6, height: PANEL.plotHeight };
  const { chief, other, needs } = group;
  const lines = [chief, other].flatMap((c) => (c === undefined ? [] : [polyline(view, group.n, c.points)]));
  const taken: Box[] = [];
  const labels: Label[] = [];
  const put = (
    text: string,
    color: string,
    size: number,
    bold: boolean,
    at: (width: number, height: number) => Candidate[],
  ): void => {
    const [width, height] = [roomFor(text, size, bold), size * 1.15];
    const { best, clear } = place(at(width, height), frame, taken, lines);
    if (best === undefined || !clear) return;
    taken.push(best.box);
    labels.push({ ...best.box, text, color, size, bold });
  };
  const dot = (p: RisePoint): { x: number; y: number } => pixel(view, group.n, p.k, p.rise);
  const budgetY = view.scale.budget === null ? undefined : pixel(view, 1, 0, view.scale.budget).y;
  if (budgetY !== undefined) {
    const y = (side: number, h: number): number => (side < 0 ? budgetY - h - 3 : budgetY + 4);
    put('budget', COLORS.ink.light, 11, false, (w, h) =>
      spread(frame.width - w, 8).flatMap((x, i) =>
        [-1, 1].map((s) => ({ box: { x, y: y(s, h), width: w, height: h }, dislike: (8 - i) * 6 + (s > 0 ? 3 : 0) })),
      ),
    );
    taken.push({ x: 0, y: budgetY - 2, width: 0.1, height: 4 });
  }
  if (needs !== null && needs.k < group.n) {
    const p = dot(needs);
    taken.push({ x: p.x - 6, y: p.y - 6, width: 12, height: 12 });
    put(integer(needs.k), COLORS.ink.light, 13, true, (w, h) => around(p, w, h));
  }
  if (isMarked(chief) && chief.lowest.k !== needs?.k) {
    const p = dot(chief.lowest);
    taken.push({ x: p.x - 5, y: p.y - 5, width: 10, height: 10 });
    put(`lowest ${integer(chief.lowest.k)}`, COLORS.soft.light, 11, false, (w, h) => around(p, w, h));
  }
  for (const curve of other === undefined ? [chief] : [chief, other]) {
    put(curveName(curve), curveColor(curve), 11, false, (w, h) =>
      along(polyline(view, group.n, curve.points), w, h, curve === chief),
    );
  }
  const title =
    view.scale.kind === 'relative' ? 'loss above the original' : `loss above the original, ${view.scale.unit}`;
  put(title, COLORS.soft.light, 11, false, (w, h) =>
    spread(frame.width - w, 12).map((x, i) => ({ box: { x, y: 3, width: w, height: h }, dislike: i })),
  );
  // The room is for the widest font; the words themselves start flush or end flush in any font.
  return labels.map((l) =>
    l.x + l.width > PANEL.plotWidth - 1 ? { ...l, x: Math.min(l.x, PANEL.plotWidth + 6 - l.width) } : l,
  );
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

function around(p: { x: number; y: number }, width: number, height: number): Candidate[] {
  const gap = 9;
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
  ].map(([x = 0, y = 0], i) => ({ box: { x, y, width, height }, dislike: i * 3 }));
}

/** Beside a curve: the chief's name below left of it, the other's above right, where there is room. */
function along(line: Polyline, width: number, height: number, below: boolean): Candidate[] {
  return line.flatMap((p, i) => {
    const side = (x: number, y: number, dislike: number): Candidate => ({
      box: { x, y, width, height },
      dislike: dislike + Math.abs(i / line.length - 0.3) * 10,
    });
    return [
      side(p.x + 6, p.y - height - 3, below ? 8 : 0),
      side(p.x + 8, p.y - height / 2, 2),
      side(p.x - width - 6, p.y + 3, below ? 0 : 8),
      side(p.x - width / 2, p.y + 7, below ? 2 : 10),
      side(p.x - width / 2, p.y - height - 7, below ? 10 : 2),
    ];
  });
}
