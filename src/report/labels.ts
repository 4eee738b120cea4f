/** A rectangle in px, y downwards. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Polyline = readonly { readonly x: number; readonly y: number }[];

/** A place for a label: the box it would fill and how much it is disliked on its own account. */
export interface Candidate {
  readonly box: Box;
  readonly dislike: number;
}

const TAKEN = 1000;
const CROSSED = 60;
const GAP_X = 4;
const GAP_Y = 1;

/**
 * The candidate with the least cost: covering what is taken, being crossed by lines, leaving the frame, dislike. `clear`: it covers
 * nothing; `crossed`: a line runs through it.
 */
export function place<T extends Candidate>(
  candidates: readonly T[],
  frame: Box,
  taken: readonly Box[],
  lines: readonly Polyline[],
): { readonly best: T | undefined; readonly clear: boolean; readonly crossed: boolean } {
  let best: T | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    if (!inside(candidate.box, frame)) continue;
    let cost = candidate.dislike;
    const roomy = inflate(candidate.box);
    for (const box of taken) if (overlap(roomy, box)) cost += TAKEN;
    for (const line of lines) if (crosses(line, roomy)) cost += CROSSED;
    if (cost < least) [best, least] = [candidate, cost];
  }
  return { best, clear: least < TAKEN, crossed: least >= CROSSED };
}

/**
 * The line with the fewest of its own points that stays within `tolerance` px of it (Ramer-Douglas-Peucker): what a chart shows is the
 * same, and hundreds of measured points don't become hundreds of coordinates.
 */
export function simplify<T extends Polyline[number]>(line: readonly T[], tolerance: number): T[] {
  const kept = new Set([0, line.length - 1]);
  const open: [number, number][] = [[0, line.length - 1]];
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    const [from, to] = span;
    const [a, b] = [line[from], line[to]];
    if (a === undefined || b === undefined) continue;
    let far = -1;
    let most = tolerance;
    for (let i = from + 1; i < to; i++) {
      const d = distance(line[i] ?? a, a, b);
      if (d > most) [far, most] = [i, d];
    }
    if (far < 0) continue;
    kept.add(far);
    open.push([from, far], [far, to]);
  }
  return line.filter((_, i) => kept.has(i));
}

/** From a point to the segment from a to b. */
function distance(p: Polyline[number], a: Polyline[number], b: Polyline[number]): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length));
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/** Labels keep a little distance from each other and from lines. */
function inflate({ x, y, width, height }: Box): Box {
  return { x: x - GAP_X, y: y - GAP_Y, width: width + 2 * GAP_X, height: height + 2 * GAP_Y };
}

export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside(a: Box, frame: Box): boolean {
  return (
    a.x >= frame.x &&
    a.y >= frame.y &&
    a.x + a.width <= frame.x + frame.width &&
    a.y + a.height <= frame.y + frame.height
  );
}

/** Whether any segment of the line has a point in the box. Segments are sampled every 2 px across. */
export function crosses(line: Polyline, box: Box): boolean {
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1], line[i]];
    if (a === undefined || b === undefined) continue;
    if (Math.max(a.x, b.x) < box.x || Math.min(a.x, b.x) > box.x + box.width) continue;
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y)) / 2));
    for (let s = 0; s <= steps; s++) {
      const x = a.x + ((b.x - a.x) * s) / steps;
      const y = a.y + ((b.y - a.y) * s) / steps;
      if (x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height) return true;
    }
  }
  return false;
}
