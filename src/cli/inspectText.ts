import type { Cost, InspectRecord } from '../records/types.js';
import { clean } from '../report/escape.js';
import { bytes, integer, plain, saving } from '../report/format.js';
import type { TextStyle } from './printer.js';
import { table } from './table.js';

type Shape = readonly (number | null)[];

const MOST_LAYERS = 200;

/** The model, its layers, what can be narrowed and what can't, for a terminal. */
export function inspectText(record: InspectRecord, style: TextStyle): string {
  const { model, groups, skipped, smallest, repairs } = record;
  const lines = [
    bold(`${clean(model.name)}: ${costText(model)}`, style),
    '',
    ...layerLines(record, style),
    '',
    ...(groups.length === 0 ? ['No layer of this model can be narrowed.'] : groupLines(record, style)),
    ...(groups.length === 0 ? [] : [rangeLine(model, smallest)]),
    ...skipped.map(({ layer, reason }) => `  ${clean(layer)} stays: ${clean(reason)}`),
    ...repairs.map((repair) => `repaired: ${clean(repair)}`),
  ];
  return `${lines.map((line) => (style.unicode ? line : ascii(line))).join('\n')}\n`;
}

function costText({ parameters, macs, bytes: size }: { parameters: number; macs: number; bytes: number }): string {
  return plain(`${integer(parameters)} parameters, ${integer(macs)} multiply-adds, ${bytes(size)}`);
}

function layerLines({ layers }: InspectRecord, style: TextStyle): string[] {
  const shown = layers.slice(0, MOST_LAYERS);
  const [head = '', ...rows] = table(
    [
      ['layer', 'kind', 'output', 'parameters', 'multiply-adds'],
      ...shown.map(({ name, className, outputShape, parameters, macs }) => [
        clean(name),
        clean(className),
        shapeText(outputShape),
        plain(integer(parameters)),
        plain(integer(macs)),
      ]),
    ],
    [3, 4],
    24,
  );
  const more = layers.length - shown.length;
  return [soft(head, style), ...rows, ...(more > 0 ? [`  and ${more} more layers (--json lists all)`] : [])];
}

function groupLines({ groups }: InspectRecord, style: TextStyle): string[] {
  const [head = '', ...rows] = table(
    [
      ['can shrink', 'units', 'a unit costs', 'at most saves', 'measured'],
      ...groups.map(({ name, n, tailPoints, perUnit, smallest, full }) => [
        clean(name),
        plain(integer(n)),
        plain(integer(perUnit.parameters)),
        plain(saving(1 - smallest.parameters / full.parameters)),
        clean(tailPoints.join(', ')),
      ]),
    ],
    [1, 2, 3],
  );
  return [soft(head, style), ...rows];
}

/** What widths alone can reach. */
function rangeLine(model: Cost, smallest: Cost): string {
  const range = (axis: keyof Cost): string => `${integer(smallest[axis])} and ${integer(model[axis])}`;
  return plain(`  A budget between ${range('parameters')} parameters, or ${range('macs')} multiply-adds, can be met.`);
}

function shapeText(shape: Shape | readonly Shape[]): string {
  const one = (s: Shape): string =>
    s
      .slice(1)
      .map((size) => size ?? '?')
      .join('x') || '1';
  return Array.isArray(shape[0]) ? (shape as readonly Shape[]).map(one).join(' + ') : one(shape as Shape);
}

function bold(text: string, { color }: TextStyle): string {
  return color ? `\u001B[1m${text}\u001B[0m` : text;
}

function soft(text: string, { color }: TextStyle): string {
  return color ? `\u001B[2m${text}\u001B[0m` : text;
}

function ascii(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[^\u0000-\u007F]/gu, '?');
}
