import { detailOf } from './read.js';
import type { ModelGraph, Step, WidthGroup } from './types.js';

const BOX = { width: 210, height: 34, gapX: 24, gapY: 26, margin: 24 } as const;
const LEGEND_ROW = 20;

interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Draws a model from top to bottom, each call of a layer a box. Boxes and lines have the colour of the width group whose features
 * they carry; grey is what cannot shrink.
 * @returns an SVG document that needs nothing else, without scripts; names are escaped
 */
export function graphSvg(graph: ModelGraph): string {
  const places = layOut(graph);
  const colour = colourer(graph);
  const right = Math.max(0, ...[...places.values()].map(({ x }) => x + BOX.width)) + BOX.margin;
  const bottom = Math.max(0, ...[...places.values()].map(({ y }) => y + BOX.height)) + BOX.margin;
  const width = right + BOX.width + BOX.margin;
  const height = Math.max(bottom, 2 * BOX.margin + LEGEND_ROW * (graph.groups.length + 1));
  const lines = graph.program.steps.flatMap((step) => linesInto(graph, step, places, colour));
  const boxes = graph.program.steps.map((step) => box(step, places.get(step.index)!, colour(step.outputs[0])));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(graph.model.name)}: layers and width groups</title>`,
    `<style>${STYLE}</style>`,
    ...lines,
    ...boxes,
    ...legend(graph.groups, right),
    '</svg>',
  ].join('\n');
}

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#1f2328}.small{font-size:10px;fill:#59636e}',
  'rect{stroke-width:1.5}path{fill:none;stroke-width:1.5}',
  '@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.small{fill:#9198a1}rect{fill-opacity:.28}}',
].join('');

/** Rows by distance from the inputs; within a row in program order. */
function layOut({ program }: ModelGraph): Map<number, Place> {
  const depths = new Map<number, number>();
  const rows = new Map<number, number>();
  const places = new Map<number, Place>();
  for (const step of program.steps) {
    const depth = Math.max(0, ...step.inputs.map((value) => (depths.get(value) ?? -1) + 1));
    for (const value of step.outputs) depths.set(value, depth);
    const column = rows.get(depth) ?? 0;
    rows.set(depth, column + 1);
    const x = BOX.margin + column * (BOX.width + BOX.gapX);
    places.set(step.index, { x, y: BOX.margin + depth * (BOX.height + BOX.gapY) });
  }
  return places;
}

type Colour = { readonly line: string; readonly fill: string };

const GREY: Colour = { line: '#8c959f', fill: '#eaeef2' };

/** The golden angle keeps neighbours in the list apart in hue. */
function colourOf(group: number): Colour {
  const hue = Math.round((group * 137.508 + 205) % 360);
  return { line: `hsl(${hue} 60% 42%)`, fill: `hsl(${hue} 70% 88%)` };
}

/** Colour of a value: the group of its features, the first one where several lie side by side. */
function colourer(graph: ModelGraph): (value: number) => Colour {
  const { analysis, grouping } = detailOf(graph);
  return (value) => {
    for (const units of analysis.marks[value]) {
      for (const unit of units ?? []) {
        const place = grouping.places.get(analysis.units.find(unit));
        if (place !== undefined) return colourOf(place[0]);
      }
    }
    return GREY;
  };
}

function linesInto(
  { program }: ModelGraph,
  step: Step,
  places: ReadonlyMap<number, Place>,
  colour: (value: number) => Colour,
): string[] {
  const to = places.get(step.index)!;
  return step.inputs.flatMap((value) => {
    const source = program.steps.find(({ outputs }) => outputs.includes(value));
    if (source === undefined) return [];
    const from = places.get(source.index)!;
    const [x1, y1, x2, y2] = [from.x + BOX.width / 2, from.y + BOX.height, to.x + BOX.width / 2, to.y];
    // A line that skips rows goes down beside the boxes in between.
    const [skips, beside, middle] = [y2 - y1 > BOX.gapY, to.x - 10, (y1 + y2) / 2];
    const path = skips
      ? `M${x1} ${y1}C${x1} ${y1 + 16} ${beside} ${y1 + 4} ${beside} ${y1 + 24}V${y2 - 24}C${beside} ${y2 - 4} ${x2} ${y2 - 16} ${x2} ${y2}`
      : `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
    return [`<path d="${path}" stroke="${colour(value).line}"/>`];
  });
}

function box(step: Step, { x, y }: Place, { line, fill }: Colour): string {
  const name = step.call > 0 ? `${step.name} (call ${step.call + 1})` : step.name;
  return [
    `<g><title>${escapeXml(`${name} (${step.layer.getClassName()})`)}</title>`,
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="${fill}" stroke="${line}"/>`,
    `<text x="${x + 8}" y="${y + 15}">${escapeXml(shortened(name))}</text>`,
    `<text class="small" x="${x + 8}" y="${y + 28}">${escapeXml(shortened(step.layer.getClassName()))}</text></g>`,
  ].join('');
}

function legend(groups: readonly WidthGroup[], x: number): string[] {
  const rows = groups.map(({ name, n }, i) => {
    const y = BOX.margin + i * LEGEND_ROW;
    const { line, fill } = colourOf(i);
    const swatch = `<rect x="${x}" y="${y}" width="12" height="12" rx="2" fill="${fill}" stroke="${line}"/>`;
    return `${swatch}<text x="${x + 20}" y="${y + 11}">${escapeXml(shortened(name))}: ${n}</text>`;
  });
  const y = BOX.margin + groups.length * LEGEND_ROW;
  const grey = `<rect x="${x}" y="${y}" width="12" height="12" rx="2" fill="${GREY.fill}" stroke="${GREY.line}"/>`;
  return [...rows, `${grey}<text x="${x + 20}" y="${y + 11}">stays as it is</text>`];
}

function shortened(text: string): string {
  return text.length > 29 ? `${text.slice(0, 14)}…${text.slice(-14)}` : text;
}

/** Also drops what XML 1.0 forbids. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
